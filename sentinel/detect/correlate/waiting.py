"""Hits that wait for the watermark, in buckets of one second of event time.

An arrival costs the same however many wait; a bucket is sorted once, when its time has come. The
same hit twice is one: instant, identity and rule are its key, and the order of release.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

import msgspec

from sentinel.detect.correlate.hit import Combination, Kept

SECOND: Final = 1_000_000


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hit and the groups that it belongs to."""

    hit: Kept
    groups: tuple[Combination, ...]


Place = tuple[int, str, int]


class Pending:
    """The hits that wait."""

    def __init__(self) -> None:
        """Start empty."""
        self._buckets: dict[int, dict[Place, Waiting]] = {}
        self._order: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Waiting]:
        """Yield what waits, in the order of release."""
        for second in sorted(self._buckets):
            yield from (one for _place, one in sorted(self._buckets[second].items()))

    def holds(self, place: Place) -> bool:
        """Tell whether the hit of this instant, identity and rule waits already."""
        return place in self._buckets.get(place[0] // SECOND, ())

    def add(self, waiting: Waiting) -> None:
        """Let a hit wait that does not wait yet."""
        hit = waiting.hit
        second = hit.time // SECOND
        bucket = self._buckets.get(second)
        if bucket is None:
            bucket = self._buckets[second] = {}
            heapq.heappush(self._order, second)
        bucket[hit.time, hit.key, hit.step] = waiting
        self._size += 1

    def release(self, before: int) -> Iterator[Waiting]:
        """Yield and forget, in order, what lies before an instant (microseconds)."""
        while self._order and self._order[0] * SECOND < before:
            bucket = self._buckets[self._order[0]]
            whole = (self._order[0] + 1) * SECOND <= before
            due = sorted(bucket if whole else (place for place in bucket if place[0] < before))
            for place in due:
                self._size -= 1
                yield bucket.pop(place)
            if bucket:
                return
            del self._buckets[heapq.heappop(self._order)]
