"""One correlation over a stream that arrives out of order.

Hits wait until the watermark has passed them, then enter the windows sorted by event time and
identity. So any order of arrival within the allowed lateness, and any duplicate, gives the same
bursts as the sorted stream. State is bounded: what is evicted, too late or without a group is
counted, never dropped in silence.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from sentinel.detect.correlate.hit import Combination, Hit, Kept, groups_of, keep
from sentinel.detect.correlate.window import Burst, SlidingWindow, Window, window_for
from sentinel.detect.rules.model import Correlation

MAX_GROUPS = 100_000
MAX_PENDING = 1_000_000
MIN_WINDOW = 10_000
ALWAYS = datetime.min.replace(tzinfo=UTC)
# Event time, identity and rule order the heap; no two entries share all three.
Pending = tuple[datetime, str, str, Kept, tuple[Combination, ...]]


class Losses(msgspec.Struct):
    """What a correlation could not take into account, each a number of hits or groups."""

    late: int = 0
    ungrouped: int = 0
    evicted_groups: int = 0
    evicted_hits: int = 0


class Correlator:
    """State of one correlation. ``max_groups``: groups kept; the quietest goes first."""

    def __init__(self, correlation: Correlation, *, max_groups: int = MAX_GROUPS) -> None:
        self.correlation = correlation
        self.losses = Losses()
        self._max_groups = max_groups
        thresholds = [int(count) for _op, count in correlation.conditions]
        self._window_limit = max(MIN_WINDOW, 2 * max(thresholds, default=0))
        self._pending: list[Pending] = []
        self._waiting: set[tuple[str, str]] = set()
        self._groups: OrderedDict[Combination, Window] = OrderedDict()
        self._watermark = ALWAYS

    def offer(self, hit: Hit) -> None:
        """Take a hit of one of the correlation's rules, in any order."""
        if hit.time < self._watermark:
            self.losses.late += 1
            return
        identity = (hit.key, hit.rule)
        if identity in self._waiting:
            return
        groups = groups_of(hit, self.correlation)
        if not groups:
            self.losses.ungrouped += 1
        elif len(self._pending) >= MAX_PENDING:
            self.losses.evicted_hits += 1
        else:
            self._waiting.add(identity)
            entry = (hit.time, hit.key, hit.rule, keep(hit, self.correlation), groups)
            heapq.heappush(self._pending, entry)

    def evaluate(self, watermark: datetime) -> Iterator[tuple[Combination, Burst]]:
        """Yield the bursts that are certain once nothing earlier than ``watermark`` can come."""
        self._watermark = max(watermark, self._watermark)
        while self._pending and self._pending[0][0] < self._watermark:
            _time, key, rule, hit, groups = heapq.heappop(self._pending)
            self._waiting.discard((key, rule))
            for group in groups:
                burst = self._place(group, hit)
                if burst is not None:
                    yield group, burst
        yield from self._expire()

    @property
    def groups(self) -> int:
        """How many groups are kept."""
        return len(self._groups)

    def _place(self, group: Combination, hit: Kept) -> Burst | None:
        """Put a hit into its group's window, and the group where its end will come in turn."""
        window = self._groups.get(group)
        if window is None:
            window = self._groups[group] = window_for(self.correlation, self._window_limit)
            self._make_room()
        elif isinstance(window, SlidingWindow) or window.is_over(hit.time):
            self._groups.move_to_end(group)
        return window.add(hit)

    def _make_room(self) -> None:
        if len(self._groups) > self._max_groups:
            _group, quietest = self._groups.popitem(last=False)
            self.losses.evicted_groups += 1
            self.losses.evicted_hits += quietest.dropped

    def _expire(self) -> Iterator[tuple[Combination, Burst]]:
        """Close and forget windows that are over; groups stand in the order of their ends."""
        while self._groups:
            group, window = next(iter(self._groups.items()))
            if not window.is_over(self._watermark):
                return
            burst = window.close()
            self.losses.evicted_hits += window.dropped
            del self._groups[group]
            if burst is not None:
                yield group, burst
