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
FEW = 48  # up to here a walk over all is faster than a bisection

Place = tuple[str, str, str]


def place_of(fact: Fact) -> Place:
    """Return what orders the facts of one kind: id, person, actor."""
    return (fact.id, fact.subject, fact.actor)


class Bucket:
    """Facts of one kind, one version each."""

    __slots__ = ("_by_start", "_latest_end", "_starts", "facts")

    def __init__(self, *facts: Fact) -> None:
        self.facts = sorted(facts, key=place_of)
        self._starts: list[datetime] = []
        self._latest_end: list[datetime] = []
        self._by_start: list[Fact] = []

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


def _shifted(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant + by
    except OverflowError:
        return NEVER if by > timedelta(0) else ALWAYS


def _start(fact: Fact) -> datetime:
    return fact.valid_from or ALWAYS
