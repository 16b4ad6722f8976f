"""The reference answers to a hunt, over any stream of events: slow, and right.

The memory store answers with them; the others use them for what their engine cannot ask.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import product

from sentinel.domain.event import Event
from sentinel.domain.hunt import BUCKETS, Condition, Group, Groups, Hunt, Purged
from sentinel.domain.hunt_match import (
    bucket_of,
    class_of,
    digest_of,
    holds,
    selects,
    text_of,
    values_of,
)


def page(events: Iterable[Event], hunt: Hunt) -> list[Event]:
    """Return the page that ``hunt`` asks for. Holds no more than its limit in memory."""
    found = (event for event in events if selects(hunt, event))
    choose = heapq.nlargest if hunt.newest_first else heapq.nsmallest
    return choose(hunt.limit, found, key=lambda event: (event.time, event.id))


def keys_of(event: Event, by: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Yield the group keys under which an event counts."""
    return product(*(_texts(event, name) for name in by))


def aggregate(events: Iterable[Event], hunt: Hunt, groups: Groups) -> list[Group]:
    """Count the events that ``hunt`` selects. Its order, limit and position are not looked at."""
    counts: Counter[tuple[str, ...]] = Counter()
    seen: set[tuple[tuple[str, ...], str]] = set()
    for event in events:
        if not selects(hunt, event):
            continue
        for key in keys_of(event, groups.by):
            if not groups.distinct:
                counts[key] += 1
                continue
            for text in _texts(event, groups.distinct):
                if (key, text) not in seen:
                    seen.add((key, text))
                    counts[key] += 1
    return ranked(counts.items(), groups)


def ranked(counts: Iterable[tuple[tuple[str, ...], int]], groups: Groups) -> list[Group]:
    """Return the first groups in the order that was asked for."""
    orders: dict[str, Callable[[tuple[tuple[str, ...], int]], object]] = {
        "most": lambda item: (-item[1], item[0]),
        "fewest": lambda item: (item[1], item[0]),
        "key": lambda item: item[0],
    }
    ordered = sorted(counts, key=orders[groups.order])  # type: ignore[arg-type]
    return [Group(key, count) for key, count in ordered[: groups.top]]


class Removal:
    """Which events a purge takes, and what it says of them afterwards."""

    def __init__(self, before: datetime, kind: str, keep: Condition | None) -> None:
        self._before = before
        self._kind = kind
        self._keep = keep
        self._taken: dict[date, list[tuple[datetime, str]]] = {}
        self._kept: Counter[date] = Counter()

    def takes(self, event: Event) -> bool:
        """Tell whether an event goes, and remember it."""
        if event.time >= self._before or class_of(event) != self._kind:
            return False
        day = event.time.astimezone(UTC).date()
        if self._keep is not None and holds(self._keep, event):
            self._kept[day] += 1
            return False
        self._taken.setdefault(day, []).append((event.time, event.id))
        return True

    def takes_all(self, last: datetime, kinds: dict[str, int]) -> bool:
        """Tell whether all events up to an instant, of these classes, go."""
        return self._keep is None and set(kinds) == {self._kind} and last < self._before

    def take(self, day: date, times: Iterable[datetime], ids: Iterable[str]) -> None:
        """Remember events of a day that go."""
        self._taken.setdefault(day, []).extend(zip(times, ids, strict=True))

    def report(self, sizes: dict[date, int] | None = None) -> list[Purged]:
        """Return what went, by day; ``sizes``: bytes on disk."""
        return [
            Purged(
                day=day,
                kind=self._kind,
                count=len(taken),
                size=(sizes or {}).get(day, 0),
                digest=digest_of(event_id for _time, event_id in taken),
                first=min(taken)[0],
                last=max(taken)[0],
                kept=self._kept[day],
            )
            for day, taken in sorted(self._taken.items())
        ]


def _texts(event: Event, name: str) -> Iterable[str]:
    if name in BUCKETS:
        return (bucket_of(name, event.time),)
    return {text_of(value) for value in values_of(event, name)}
