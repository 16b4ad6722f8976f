"""Find the business fact that makes one access to one person's data necessary.

After Fabbri and LeFevre, "Explanation-Based Auditing" (PVLDB 5(1), 2011): a template names the
path that must link the actor and the person; here the path is joined at the instant of the access.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.model import Template
from sentinel.domain.scope import Fact


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff, or a service, reads persons' data. ``instant``: UTC."""

    actor: str
    team: str
    roles: frozenset[str]
    action: str
    categories: tuple[str, ...]
    subjects: tuple[str, ...]
    instant: datetime


class Explanation(msgspec.Struct, frozen=True):
    """Why an access was necessary. ``weak``: codes of weaknesses; empty = a full explanation."""

    template: Template
    fact: Fact | None
    weak: tuple[str, ...] = ()


class Probe:
    """A template made ready for many accesses: what is asked of every fact lies at hand."""

    __slots__ = (
        "about",
        "agent",
        "break_glass",
        "by_subject",
        "ended_within",
        "graces",
        "kind",
        "opened_after_within",
        "opened_by_actor",
        "recorded_late",
        "template",
    )

    def __init__(self, template: Template) -> None:
        self.template = template
        self.kind = template.fact
        self.by_subject = template.subject == "same"
        self.agent = template.agent
        self.about = frozenset(template.about)
        self.opened_after_within = template.opened_after_within
        self.ended_within = template.ended_within
        self.graces = (template.opened_after_within, template.ended_within)
        self.opened_by_actor = "opened_by_actor" in template.weak
        self.recorded_late = "recorded_late" in template.weak
        self.break_glass = "break_glass" in template.weak

    def candidates(
        self, access: Access, subject: str, facts: FactIndex, known_at: datetime | None
    ) -> Iterable[Fact]:
        """Return at least the facts that may explain, in the order of their keys."""
        kind = self.kind or ""
        if not self.by_subject:
            return facts.about_agent(kind, access.actor, access.team, known_at=known_at)
        if not subject:
            return ()
        if known_at is not None:
            return facts.about_subject(kind, subject, known_at=known_at)
        return facts.near(kind, subject, access.instant, self.graces)

    def weaknesses(self, access: Access, fact: Fact) -> tuple[str, ...] | None:
        """Return how weakly ``fact`` explains, () where it does in full, None where it does not.

        Outside its validity a fact explains only within the template's graces. A circumstance
        that the template does not list among ``weak`` weakens nothing.
        """
        if fact.retracted or not self._names_agent(access, fact):
            return None
        if self.about and not self._is_about(access, fact):
            return None
        grace = self._grace(access.instant, fact)
        if grace is None:
            return None
        by_actor = self.opened_by_actor and fact.opened_by and fact.opened_by == access.actor
        late = (
            self.recorded_late
            and fact.recorded_at is not None
            and fact.recorded_at > access.instant
        )
        if not (grace or by_actor or late or self.break_glass):
            return ()
        weak = [grace] if grace else []
        weak += ["opened_by_actor"] if by_actor else []
        weak += ["recorded_late"] if late else []
        weak += ["break_glass"] if self.break_glass else []
        return tuple(weak)

    def _names_agent(self, access: Access, fact: Fact) -> bool:
        agent = self.agent
        if agent == "any":
            return True
        if agent != "team" and fact.actor == access.actor and access.actor:
            return True
        return agent != "actor" and fact.team == access.team and bool(access.team)

    def _is_about(self, access: Access, fact: Fact) -> bool:
        category = fact.category
        if "same" in self.about and (not category or category in access.categories):
            return True
        return category in self.about

    def _grace(self, instant: datetime, fact: Fact) -> str | None:
        """Return "" where the fact holds, the grace that it needs, or None beyond all grace."""
        start, end = fact.valid_from, fact.valid_to
        if start is not None and instant < start:
            return "opened_after" if start - instant <= self.opened_after_within else None
        if end is not None and instant >= end:
            return "ended" if instant - end < self.ended_within else None
        return ""


def best_explanation(
    access: Access,
    subject: str,
    probes: tuple[Probe, ...],
    facts: FactIndex,
    known_at: datetime | None = None,
) -> Explanation | None:
    """Return the first full explanation, else the one with the fewest weaknesses, else None.

    ``subject``: the person; empty = the access names nobody.
    """
    best: Explanation | None = None
    named: dict[str, Sequence[Fact]] = {}
    agents = (access.actor, access.team)
    for probe in probes:
        kind = probe.kind
        if kind is None:
            return Explanation(probe.template, None)
        found: Iterable[Fact] | None
        if known_at is not None or not probe.by_subject or probe.agent == "any":
            found = probe.candidates(access, subject, facts, known_at)
        elif (found := named.get(kind)) is None:
            found = named[kind] = (
                facts.naming(kind, subject, agents, access.instant, probe.graces) if subject else ()
            )
        for fact in found:
            weak = probe.weaknesses(access, fact)
            if weak is None:
                continue
            if not weak:
                return Explanation(probe.template, fact)
            if best is None or len(weak) < len(best.weak):
                best = Explanation(probe.template, fact, weak)
    return best


def widened(probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """Return the probes, each asking as far as the widest of its kind, so that they may share."""
    several = tuple(probes)
    widest: dict[str | None, tuple[timedelta, timedelta]] = {}
    for probe in several:
        before, after = widest.get(probe.kind, (timedelta(0), timedelta(0)))
        widest[probe.kind] = (max(before, probe.graces[0]), max(after, probe.graces[1]))
    for probe in several:
        probe.graces = widest[probe.kind]
    return several
