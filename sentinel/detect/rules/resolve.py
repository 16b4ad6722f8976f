"""Tying correlations to the rules that they name, by id or by name, in dependency order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Correlation, Rule
from sentinel.domain.finding import Level

Faults = list[tuple[Correlation, RuleFault]]


def resolve(
    correlations: Sequence[Correlation], rules: Iterable[Rule]
) -> tuple[tuple[Correlation, ...], Faults]:
    """Return the correlations with ids for references, what is referred to first, and the faults.

    A correlation that refers to something unknown, to itself, or to a faulty correlation is left
    out and told.
    """
    ids: dict[str, str] = {}
    known: list[Rule | Correlation] = [*rules, *correlations]
    for item in known:
        ids.update({key: item.info.id for key in (item.info.id, item.name) if key})
    faults: Faults = []
    tied: dict[str, Correlation] = {}
    for correlation in correlations:
        try:
            tied[correlation.info.id] = _tie(correlation, ids)
        except RuleFault as fault:
            faults.append((correlation, fault))
    _drop_dependents(tied, faults, {correlation.info.id for correlation in correlations})
    return _ordered(tied, faults), faults


def silent_ids(rules: Iterable[Rule], correlations: Sequence[Correlation]) -> frozenset[str]:
    """Return the ids of what raises no finding of its own.

    That is what correlations refer to, unless one of them says `generate: true`, and every rule
    of level `informational` (specification 2.1, "Level": no alerting by such rules).
    """
    loud = {rule for item in correlations if item.generate for rule in item.rules}
    quiet = {rule for item in correlations for rule in item.rules} - loud
    items: list[Rule | Correlation] = [*rules, *correlations]
    quiet |= {item.info.id for item in items if item.info.level is Level.INFORMATIONAL}
    return frozenset(quiet)


def _tie(correlation: Correlation, ids: dict[str, str]) -> Correlation:
    def find(reference: str, *path: str) -> str:
        key = reference if reference in ids else str(reference).lower()
        if key not in ids:
            close = difflib.get_close_matches(str(reference), ids, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "name a rule's id or name"
            raise RuleFault(f"there is no rule {reference!r}", path=path, hint=hint)
        return ids[key]

    return replace(
        correlation,
        rules=tuple(find(ref, "correlation", "rules") for ref in correlation.rules),
        formula=correlation.formula
        and correlation.formula.renamed(lambda ref: find(ref, "correlation", "condition")),
        aliases={
            alias: {find(ref, "correlation", "aliases", alias): name for ref, name in found.items()}
            for alias, found in correlation.aliases.items()
        },
    )


def _drop_dependents(tied: dict[str, Correlation], faults: Faults, known: set[str]) -> None:
    """Take out what refers to a correlation that is itself left out, until nothing does."""
    while True:
        broken = known - set(tied)
        hit = [item for item in tied.values() if not broken.isdisjoint(item.rules)]
        if not hit:
            return
        for item in hit:
            del tied[item.info.id]
            reason = "refers to a correlation that has an error"
            faults.append((item, RuleFault(reason, path=("correlation", "rules"))))


def _ordered(tied: dict[str, Correlation], faults: Faults) -> tuple[Correlation, ...]:
    while True:
        graph = {key: [r for r in item.rules if r in tied] for key, item in tied.items()}
        try:
            return tuple(tied[key] for key in TopologicalSorter(graph).static_order())
        except CycleError as error:
            for key in set(error.args[1]):
                fault = RuleFault("refers to itself in a circle", path=("correlation", "rules"))
                faults.append((tied.pop(key), fault))
            _drop_dependents(tied, faults, {*tied, *error.args[1]})
