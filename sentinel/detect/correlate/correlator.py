"""One correlation over a stream that arrives out of order.

Hits wait until the watermark has passed them, then enter the windows sorted by event time and
identity; a window ends before the first hit after its end is placed. So any order of arrival
within the allowed lateness, any duplicate, and any cut of the stream into batches gives the same
bursts in the same order. State is bounded: what is evicted, too late, too early or without a group
is counted, never dropped in silence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import msgspec

from sentinel.detect.correlate.hit import Combination, Hit, Reduction, TooMany
from sentinel.detect.correlate.instant import ALWAYS, micros
from sentinel.detect.correlate.waiting import Pending, Waiting
from sentinel.detect.correlate.window import Burst, Window, end_of, window_for
from sentinel.detect.rules.model import Correlation

MAX_GROUPS = 1_000_000
MAX_PENDING = 500_000
MIN_WINDOW = 10_000
SLICE = 10_000  # hits or groups of a checkpoint at a time
MAX_AWAKE = 32_768  # windows ready to work; the others are packed

Told = Iterator[tuple[Combination, Burst]]


class Losses(msgspec.Struct):
    """What a correlation could not take into account, each a number of hits or groups.

    ``future``: hits whose time lies too far ahead of their arrival to be believed. ``oversized``:
    hits that belong to more groups than one event may open.
    """

    late: int = 0
    ungrouped: int = 0
    evicted_groups: int = 0
    evicted_hits: int = 0
    future: int = 0
    oversized: int = 0


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """What a correlator remembers beside its hits and groups. Time in microseconds."""

    watermark: int
    losses: Losses


class Correlator:
    """State of one correlation. ``max_groups``: groups kept; the quietest goes first.

    ``horizon``: the instant (microseconds) after which an event time is not believed.
    """

    def __init__(self, correlation: Correlation, *, max_groups: int = MAX_GROUPS) -> None:
        self.correlation = correlation
        self.losses = Losses()
        self.horizon: int | None = None
        self._max_groups = max_groups
        thresholds = [int(count) for _op, count in correlation.conditions]
        self._window_limit = max(MIN_WINDOW, 2 * max(thresholds, default=0))
        self._reductions = {rule: Reduction(correlation, rule) for rule in correlation.rules}
        self._pending = Pending()
        self._groups: OrderedDict[Combination, Window | bytes] = OrderedDict()
        self._awake: OrderedDict[Combination, Window] = OrderedDict()
        self._watermark = micros(ALWAYS)

    def offer(self, hit: Hit) -> bool:
        """Take a hit of one of the correlation's rules, in any order; tell if it was too big."""
        time = micros(hit.time)
        if time < self._watermark:
            self.losses.late += 1
            return False
        if self.horizon is not None and time > self.horizon:
            self.losses.future += 1
            return False
        reduction = self._reductions[hit.rule]
        if self._pending.holds((time, hit.key, reduction.step)):
            return False
        try:
            groups = reduction.groups(hit)
            if not groups:
                self.losses.ungrouped += 1
            elif len(self._pending) >= MAX_PENDING:
                self.losses.evicted_hits += 1
            else:
                self._pending.add(Waiting(reduction.keep(hit, time), groups))
        except TooMany:
            self.losses.oversized += 1
            return True
        return False

    def evaluate(self, watermark: datetime) -> Told:
        """Yield the bursts that are certain once nothing earlier than ``watermark`` can come."""
        self._watermark = max(micros(watermark), self._watermark)
        for waiting in self._pending.release(self._watermark):
            yield from self._end_before(waiting.hit.time)
            for group in waiting.groups:
                window = self._window(group)
                for burst in window.add(waiting.hit):
                    yield group, burst
                self.losses.evicted_hits += window.dropped
                window.dropped = 0
            yield from self._make_room()
        yield from self._end_before(self._watermark)

    @property
    def groups(self) -> int:
        """How many groups are kept."""
        return len(self._groups)

    @property
    def weight(self) -> int:
        """How many hits and groups are kept, about: what a checkpoint costs."""
        return len(self._pending) + len(self._groups)

    def remember(self) -> Memory:
        """Return what it remembers, but for what `slices` yields."""
        return Memory(self._watermark, self.losses)

    def slices(self) -> Iterator[tuple[list[Waiting], list[tuple[Combination, bytes]]]]:
        """Yield the hits that wait, then the groups in the order of their ends, some at a time."""
        pending = iter(self._pending)
        while some := list(islice(pending, SLICE)):
            yield some, []
        groups = iter(self._groups.items())
        while kept := [(group, _at_rest(window)) for group, window in islice(groups, SLICE)]:
            yield [], kept

    def recall(self, memory: Memory) -> None:
        """Take over, before the first hit, what another remembered of the same correlation."""
        self._watermark = memory.watermark
        self.losses = memory.losses

    def take(self, pending: list[Waiting], groups: list[tuple[Combination, bytes]]) -> None:
        """Take over, before the first hit, one of another's slices, in their order."""
        for waiting in pending:
            self._pending.add(waiting)
        self._groups.update(groups)

    def _window(self, group: Combination) -> Window:
        """Return the group's window, awake, and the group where its end will come in turn."""
        window = self._awake.get(group)
        if window is None:
            window = self._wake(group)
        else:
            self._awake.move_to_end(group)
        if window.moves:
            self._groups.move_to_end(group)
        return window

    def _wake(self, group: Combination) -> Window:
        packed = self._groups.get(group)
        assert not isinstance(packed, Window)  # noqa: S101 - what is awake is found there
        window = window_for(self.correlation, self._window_limit, packed)
        self._groups[group] = self._awake[group] = window
        if len(self._awake) > MAX_AWAKE:
            quiet, sleeper = self._awake.popitem(last=False)
            self._groups[quiet] = sleeper.pack()
        return window

    def _make_room(self) -> Told:
        while len(self._groups) > self._max_groups:
            self.losses.evicted_groups += 1
            yield from self._end_first(judge=False)

    def _end_before(self, time: int) -> Told:
        """End the windows whose end lies before ``time``; groups stand in that order."""
        while self._groups:
            window = next(iter(self._groups.values()))
            if (end_of(window) if isinstance(window, bytes) else window.end) >= time:
                return
            yield from self._end_first(judge=True)

    def _end_first(self, *, judge: bool) -> Told:
        """Forget the first group; a window pushed out early is not judged, but ends its burst."""
        group, window = self._groups.popitem(last=False)
        self._awake.pop(group, None)
        if isinstance(window, bytes):
            window = window_for(self.correlation, self._window_limit, window)
        if judge or window.moves:
            for burst in window.close():
                yield group, burst


def _at_rest(window: Window | bytes) -> bytes:
    return window if isinstance(window, bytes) else window.pack()
