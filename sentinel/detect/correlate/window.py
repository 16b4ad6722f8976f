"""The window of one group, in event time.

Two ways to look at time, chosen by the condition:

* **sliding**, where more can only make the condition truer (`gt`, `gte`): the burst is told as
  soon as it is there, once; it is told again only after the condition was false for a whole
  timespan;
* **closing**, for `lt`, `lte`, `eq`, `neq` and ranges: nothing is known before the window is
  over. It opens with the group's first event and lasts one timespan.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from sentinel.detect.correlate.hit import Kept
from sentinel.detect.correlate.measure import measure_for
from sentinel.detect.rules.model import Correlation, Operator

COMPARE: Final[dict[Operator, Callable[[float, float], bool]]] = {
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.EQ: operator.eq,
    Operator.NEQ: operator.ne,
}
GROWING: Final = frozenset({Operator.GT, Operator.GTE})


class Burst(msgspec.Struct, frozen=True):
    """Hits that together satisfy a correlation, what it measured, and when that became certain."""

    hits: tuple[Kept, ...]
    value: int
    certain_at: datetime


def holds(correlation: Correlation, value: int) -> bool:
    """Tell whether a measured number satisfies every condition."""
    return all(COMPARE[op](value, count) for op, count in correlation.conditions)


def is_growing(correlation: Correlation) -> bool:
    """Tell whether more events can only make the condition truer."""
    return all(op in GROWING for op, _count in correlation.conditions)


class _Window:
    """What both kinds share. Feed it in order of event time; ``limit``: hits kept."""

    def __init__(self, correlation: Correlation, limit: int) -> None:
        self.correlation = correlation
        self.dropped = 0
        self._limit = limit
        self._measure = measure_for(correlation)
        self._hits: deque[Kept] = deque()

    def _take(self, hit: Kept) -> None:
        self._hits.append(hit)
        self._measure.add(hit)
        if len(self._hits) > self._limit:
            self._forget_oldest()
            self.dropped += 1

    def _forget_oldest(self) -> None:
        self._measure.remove(self._hits.popleft())

    def _burst(self, certain_at: datetime) -> Burst | None:
        value = self._measure.value()
        if not holds(self.correlation, value):
            return None
        return Burst(tuple(self._hits), value, certain_at)


class SlidingWindow(_Window):
    """The last timespan before each hit, both ends included."""

    _last_true: datetime | None = None

    def add(self, hit: Kept) -> Burst | None:
        """Take a hit; return the burst that it completes."""
        oldest = hit.time - self.correlation.timespan
        while self._hits and self._hits[0].time < oldest:
            self._forget_oldest()
        self._take(hit)
        burst = self._burst(hit.time)
        if burst is None:
            return None
        told, self._last_true = self._last_true, hit.time
        return burst if told is None or told < oldest else None

    def is_over(self, now: datetime) -> bool:
        """Tell whether nothing of the window can matter to a hit at ``now`` or later."""
        return now - self._hits[-1].time > self.correlation.timespan

    def close(self) -> Burst | None:
        """Return nothing: what a sliding window had to tell, it told."""
        return None


class ClosingWindow(_Window):
    """One timespan from the group's first hit, both ends included."""

    opened: datetime | None = None

    def add(self, hit: Kept) -> Burst | None:
        """Take a hit; return the window that it finds over, where that one satisfies."""
        closed = self.close() if self.is_over(hit.time) else None
        if self.opened is None:
            self.opened = hit.time
        self._take(hit)
        return closed

    def is_over(self, now: datetime) -> bool:
        """Tell whether the window cannot take a hit at ``now``."""
        return self.opened is not None and now - self.opened > self.correlation.timespan

    def close(self) -> Burst | None:
        """Empty the window; return it where it satisfies."""
        if self.opened is None:
            return None
        burst = self._burst(self.opened + self.correlation.timespan)
        while self._hits:
            self._forget_oldest()
        self.opened = None
        return burst


Window = SlidingWindow | ClosingWindow


def window_for(correlation: Correlation, limit: int) -> Window:
    """Return a fresh window of the kind that the correlation's condition asks for."""
    kind = SlidingWindow if is_growing(correlation) else ClosingWindow
    return kind(correlation, limit)
