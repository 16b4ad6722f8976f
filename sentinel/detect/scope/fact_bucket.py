"""The facts about one person, or of one agent, in the order of their keys, asked by instant.

Most persons have a handful of facts, which are read one by one. Where there are many, those that
reach an instant are found by bisection over their beginnings, walking back no further than a fact
may still hold.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sentinel.domain.scope import Fact

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
SCANNED = 6  # up to here comparing each fact's agents is faster than looking them up
FEW = 48  # up to here a walk over all is faster than a bisection

Place = tuple[str, str, str]


def place_of(fact: Fact) -> Place:
    """Return what orders the facts of one kind: id, person, actor."""
    return (fact.id, fact.subject, fact.actor)


class Bucket:
    """Facts of one kind, one version each."""

    __slots__ = ("_by_agent", "_by_start", "_latest_end", "_starts", "facts")

    def __init__(self, *facts: Fact) -> None:
        self.facts = sorted(facts, key=place_of)
        self._starts: list[datetime] = []
        self._latest_end: list[datetime] = []
        self._by_start: list[Fact] = []
        self._by_agent: dict[str, Fact | list[Fact]] = {}

    def find(self, place: Place) -> Fact | None:
        """Return the fact at ``place``."""
        at = bisect_left(self.facts, place, key=place_of)
        return self.facts[at] if self._is(at, place) else None

    def put(self, fact: Fact) -> None:
        """Insert, or replace what stands at the same place."""
        place = place_of(fact)
        at = bisect_left(self.facts, place, key=place_of)
        if self._is(at, place):
            self.facts[at] = fact
        else:
            self.facts.insert(at, fact)
        self._by_start = []
        self._by_agent = {}

    def naming(
        self, actor: str, team: str, instant: datetime, graces: tuple[timedelta, timedelta]
    ) -> Sequence[Fact]:
        """Return, by place, at least those of `near` that name the actor or the team."""
        facts: Sequence[Fact] = self.facts
        if len(facts) > FEW:
            facts = self.near(instant, graces)
        elif len(facts) > SCANNED:
            return self._of(actor, team)
        return [fact for fact in facts if fact.actor == actor or fact.team == team]

    def _of(self, actor: str, team: str) -> Sequence[Fact]:
        found = self._by_agent or self._order_by_agent()
        own, shared = found.get(actor), found.get(team)
        if own is None or shared is None or own is shared:
            one = own if own is not None else shared
            return () if one is None else one if isinstance(one, list) else (one,)
        both = {place_of(fact): fact for fact in (*_several(own), *_several(shared))}
        return [both[place] for place in sorted(both)]

    def _order_by_agent(self) -> dict[str, Fact | list[Fact]]:
        """Return the facts by actor and by team; a name that is both gives more than was asked."""
        for fact in self.facts:
            for name in {fact.actor, fact.team}:
                known = self._by_agent.get(name)
                self._by_agent[name] = fact if known is None else [*_several(known), fact]
        return self._by_agent

    def near(self, instant: datetime, graces: tuple[timedelta, timedelta]) -> Sequence[Fact]:
        """Return, by place, at least the facts that hold at ``instant`` or within the graces.

        ``graces``: before the beginning, after the end. Where there are few, others come too.
        """
        if len(self.facts) <= FEW:
            return self.facts
        until, since = _shifted(instant, graces[0]), _shifted(instant, -graces[1])
        if not self._by_start:
            self._order()
        found = []
        for at in range(bisect_right(self._starts, until) - 1, -1, -1):
            if self._latest_end[at] <= since:
                break
            fact = self._by_start[at]
            if fact.valid_to is None or fact.valid_to > since:
                found.append(fact)
        found.sort(key=place_of)
        return found

    def _order(self) -> None:
        self._by_start = sorted(self.facts, key=_start)
        self._starts = [_start(fact) for fact in self._by_start]
        self._latest_end, latest = [], ALWAYS
        for fact in self._by_start:
            latest = max(latest, fact.valid_to or NEVER)
            self._latest_end.append(latest)

    def _is(self, at: int, place: Place) -> bool:
        return at < len(self.facts) and place_of(self.facts[at]) == place


def _several(facts: Fact | list[Fact]) -> list[Fact]:
    return facts if isinstance(facts, list) else [facts]


def _shifted(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant + by
    except OverflowError:
        return NEVER if by > timedelta(0) else ALWAYS


def _start(fact: Fact) -> datetime:
    return fact.valid_from or ALWAYS
