"""The window of one group, in event time.

Two ways to look at time, chosen by the condition:

* **sliding**, where more can only make the condition truer: the burst is told as soon as it is
  there; while it goes on, its later events follow as continuations (every 1,000 events or ten
  minutes, and when it is over); a new one begins only after the condition was false for a whole
  timespan;
* **closing**, for all others: nothing is known before the window is over. It opens with the
  group's first event and lasts one timespan.

A window can be packed into bytes and come back the same: for a checkpoint, and to hold many quiet
groups in little memory. The bytes start with the instant of its end.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Final

import msgspec

from sentinel.detect.correlate.condition import holds, is_growing
from sentinel.detect.correlate.hit import Kept
from sentinel.detect.correlate.instant import instant, span
from sentinel.detect.correlate.measure import measure_for
from sentinel.detect.rules.model import Correlation

MOST_HELD: Final = 1000  # later events of a burst held back, and for how long
HELD_FOR: Final = span(timedelta(minutes=10))
HEAD: Final = 8  # bytes of a packed window that give its end


class Burst(msgspec.Struct, frozen=True):
    """Hits that together satisfy a correlation, what it measured, and when that became certain.

    ``continues``: they add to a burst that was told before.
    """

    hits: tuple[Kept, ...]
    value: int | float
    certain_at: datetime
    continues: bool = False


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """A window at rest. ``fresh``, ``told`` and ``late`` are a sliding window's, else 0 and empty.

    ``since``: microseconds, None where nothing is open: the last instant at which the condition was
    true (sliding) or the first hit (closing).
    """

    hits: list[Kept]
    since: int | None
    fresh: int = 0
    told: int = 0
    late: tuple[Kept, ...] = ()


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Packed).decode


def end_of(packed: bytes) -> int:
    """Return the end of a packed window in microseconds."""
    return int.from_bytes(packed[:HEAD], "big", signed=True)


class _Window:
    """What both kinds share. Feed it in order of event time; ``limit``: hits kept."""

    __slots__ = ("_correlation", "_hits", "_limit", "_measure", "_since", "_span", "dropped")

    def __init__(self, correlation: Correlation, limit: int) -> None:
        self.dropped = 0
        self._correlation = correlation
        self._span = span(correlation.timespan)
        self._limit = limit
        self._measure = measure_for(correlation)
        self._hits: deque[Kept] = deque()
        self._since: int | None = None

    def _take(self, hit: Kept) -> None:
        self._hits.append(hit)
        self._measure.add(hit)
        if len(self._hits) > self._limit:
            self._forget_oldest()
            self.dropped += 1

    def _forget_oldest(self) -> None:
        self._measure.remove(self._hits.popleft())

    def _burst(self, hits: tuple[Kept, ...], at: int, *, continues: bool = False) -> Burst:
        return Burst(hits, self._measure.value() or 0, instant(at), continues)


class SlidingWindow(_Window):
    """The last timespan before each hit, both ends included."""

    __slots__ = ("_fresh", "_late", "_told")
    moves: ClassVar = True  # each hit puts its end off

    def __init__(self, correlation: Correlation, limit: int) -> None:
        """Open an empty window."""
        super().__init__(correlation, limit)
        self._fresh = 0  # how many of the newest hits belong to no burst yet
        self._told = 0
        self._late: list[Kept] = []

    @property
    def end(self) -> int:
        """The last instant (microseconds) at which a hit could meet one of the window."""
        return self._hits[-1].time + self._span

    def add(self, hit: Kept) -> tuple[Burst, ...]:
        """Take a hit; return the end of the burst before it, and what it makes certain itself."""
        oldest = hit.time - self._span
        ended: tuple[Burst, ...] = ()
        if self._since is not None and self._since < oldest:
            ended = self.close()
            self._since = None
        while self._hits and self._hits[0].time < oldest:
            self._forget_oldest()
        self._take(hit)
        self._fresh = min(self._fresh + 1, len(self._hits))
        if not holds(self._correlation, self._measure):
            return ended
        begins, self._since = self._since is None, hit.time
        return (*ended, *(self._begin(hit) if begins else self._go_on(hit)))

    def close(self) -> tuple[Burst, ...]:
        """Return what of a told burst is still untold; the caller knows that it is over."""
        if not self._late or self._since is None:
            return ()
        late, self._late = tuple(self._late), []
        return (self._burst(late, self._since + self._span, continues=True),)

    def _begin(self, hit: Kept) -> tuple[Burst, ...]:
        self._told, self._fresh = hit.time, 0
        return (self._burst(tuple(self._hits), hit.time),)

    def _go_on(self, hit: Kept) -> tuple[Burst, ...]:
        """Add the hits since the last one at which the condition was true to the burst."""
        start = len(self._hits) - self._fresh
        self._late.extend(islice(self._hits, start, None) if self._fresh > 1 else (hit,))
        self._fresh = 0
        if len(self._late) < MOST_HELD and hit.time - self._told < HELD_FOR:
            return ()
        self._told = hit.time
        late, self._late = tuple(self._late), []
        return (self._burst(late, hit.time, continues=True),)

    def pack(self) -> bytes:
        """Return the window at rest."""
        packed = Packed(list(self._hits), self._since, self._fresh, self._told, tuple(self._late))
        return self.end.to_bytes(HEAD, "big", signed=True) + _ENCODE(packed)

    def unpack(self, packed: Packed) -> None:
        """Take over the state of a window at rest."""
        for hit in packed.hits:
            self._hits.append(hit)
            self._measure.add(hit)
        self._since, self._fresh, self._told = packed.since, packed.fresh, packed.told
        self._late = list(packed.late)


class ClosingWindow(_Window):
    """One timespan from the group's first hit, both ends included."""

    __slots__ = ()
    moves: ClassVar = False

    @property
    def end(self) -> int:
        """The last instant (microseconds) of the window."""
        assert self._since is not None  # noqa: S101 - a window is made for a first hit
        return self._since + self._span

    def add(self, hit: Kept) -> tuple[Burst, ...]:
        """Take a hit that is not after the end; return nothing, for it is not over."""
        if self._since is None:
            self._since = hit.time
        self._take(hit)
        return ()

    def close(self) -> tuple[Burst, ...]:
        """Return the window where it satisfies; the caller knows that it is over."""
        if not holds(self._correlation, self._measure):
            return ()
        return (self._burst(tuple(self._hits), self.end),)

    def pack(self) -> bytes:
        """Return the window at rest."""
        packed = Packed(list(self._hits), self._since)
        return self.end.to_bytes(HEAD, "big", signed=True) + _ENCODE(packed)

    def unpack(self, packed: Packed) -> None:
        """Take over the state of a window at rest."""
        for hit in packed.hits:
            self._hits.append(hit)
            self._measure.add(hit)
        self._since = packed.since


Window = SlidingWindow | ClosingWindow


def window_for(correlation: Correlation, limit: int, packed: bytes | None = None) -> Window:
    """Return a window of the kind that the condition asks for, empty or as it was packed."""
    kind = SlidingWindow if is_growing(correlation) else ClosingWindow
    window = kind(correlation, limit)
    if packed is not None:
        window.unpack(_DECODE(packed[HEAD:]))
    return window
