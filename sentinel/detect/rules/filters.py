"""Filters (Sigma filters specification 2.1, with `rules: any` of the 2.2 draft).

A filter adds its condition to rules: they match where their own condition **and** the filter's
hold, as pySigma and its converters have it. So what is to be left in peace is written
`condition: not selection`. Correlations have no filter of their own; their rules have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from sentinel.detect.rules.compile import Lists, compile_detections
from sentinel.detect.rules.expression import All, Expression
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Correlation, Origin, Rule
from sentinel.detect.rules.patterns import check_patterns
from sentinel.detect.rules.pipelines import Pipelines
from sentinel.detect.rules.prepare import prepare_detection
from sentinel.domain.event import LogSource

OWN_KEYS: Final = frozenset({"rules", "condition"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter. ``rules``: ids or names of the rules that it narrows; None for any.

    ``logsource``: the rules' must set each field that this one sets, alike.
    """

    rules: tuple[str, ...] | None
    logsource: LogSource
    expression: Expression
    origin: Origin

    def covers(self, rule: Rule) -> bool:
        """Tell whether the rule's log source is one that the filter is written for."""
        return all(
            not wanted or wanted.lower() == found.lower()
            for wanted, found in (
                (self.logsource.category, rule.logsource.category),
                (self.logsource.product, rule.logsource.product),
                (self.logsource.service, rule.logsource.service),
            )
        )

    def narrow(self, rule: Rule) -> Rule:
        """Return the rule with the filter's condition added."""
        whole = All((rule.expression, self.expression))
        return replace(rule, expression=whole)


def parse_filter(
    raw: Mapping[str, Any], origin: Origin, lists: Lists, pipelines: Pipelines
) -> Filter:
    """Return the filter of a document. Raises RuleFault, SigmaError."""
    block = raw["filter"]
    if not isinstance(block, Mapping):
        raise RuleFault("filter is a mapping", path=("filter",))
    for key in sorted(OWN_KEYS - set(block)):
        raise RuleFault(f"a filter has `{key}`", path=("filter",))
    for name, definition in block.items():
        check_patterns(definition if name not in OWN_KEYS else None, ("filter", str(name)))
    prepared = {k: v if k in OWN_KEYS else prepare_detection(v) for k, v in block.items()}
    parsed = SigmaFilter.from_dict({**raw, "filter": prepared})
    as_rule = SigmaRule.from_dict(
        {
            "title": str(raw.get("title")),
            "logsource": raw["logsource"],
            "detection": {key: value for key, value in prepared.items() if key != "rules"},
        }
    )
    pipelines.apply(as_rule)
    try:
        expression = compile_detections(as_rule.detection, lists)
    except RuleFault as fault:
        within = fault.path[1:] if fault.path[:1] == ("detection",) else fault.path
        raise RuleFault(fault.reason, path=("filter", *within), hint=fault.hint) from None
    wanted = parsed.filter.rules
    source = as_rule.logsource
    return Filter(
        rules=None if isinstance(wanted, str) else tuple(ref.reference for ref in wanted),
        logsource=LogSource(
            category=source.category or "",
            product=source.product or "",
            service=source.service or "",
        ),
        expression=expression,
        origin=origin,
    )


def apply_filters(
    rules: Sequence[Rule], correlations: Sequence[Correlation], filters: Sequence[Filter]
) -> tuple[tuple[Rule, ...], list[tuple[Filter, RuleFault]]]:
    """Return the rules narrowed, and the filters that name what they cannot narrow."""
    faults: list[tuple[Filter, RuleFault]] = []
    narrowed = {rule.info.id: rule for rule in rules}
    items: list[Rule | Correlation] = [*rules, *correlations]
    known = {key: item for item in items for key in (item.info.id, item.name)}
    for one in filters:
        try:
            chosen = list(_chosen(one, rules, known))
        except RuleFault as fault:
            faults.append((one, fault))
            continue
        for rule in chosen:
            narrowed[rule.info.id] = one.narrow(narrowed[rule.info.id])
    return tuple(narrowed.values()), faults


def _chosen(
    one: Filter, rules: Sequence[Rule], known: Mapping[str, Rule | Correlation]
) -> Iterator[Rule]:
    """Yield the rules that a filter narrows. Raises RuleFault where it names what it cannot."""
    path = ("filter", "rules")
    if one.rules is None:
        yield from (rule for rule in rules if one.covers(rule))
        return
    for reference in dict.fromkeys(one.rules):
        rule = known.get(reference) or known.get(str(reference).lower())
        if rule is None or not reference:
            hint = "name a rule's id or name, or write `rules: any`"
            raise RuleFault(f"there is no rule {reference!r}", path=path, hint=hint)
        if isinstance(rule, Correlation):
            hint = "filter the rules that it refers to"
            raise RuleFault(f"{reference!r} is a correlation", path=path, hint=hint)
        if not one.covers(rule):
            raise RuleFault(f"{reference!r} has another log source", path=("logsource",))
        yield rule
