"""The watermark: the instant before which correlations expect nothing more.

It follows event time, not the clock, and three things must not lead it astray:

* **a date far ahead** (a wrong clock, a forged line): an event later than its arrival plus the
  tolerance moves nothing, and its hits are refused and counted; everything else about it stands;
* **sources of different lag**: the watermark follows the slowest source that still delivers, less
  the allowed lateness. A source silent for a minute (of arrival) holds nobody back; and none holds
  the others back by more than ``PATIENCE``: alerts that wait for ever help nobody;
* **time running backwards**: it never goes back.

Without a clock (a file, a test) every date is believed and the newest event leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from sentinel.detect.correlate.instant import ALWAYS, instant, micros, span
from sentinel.domain.event import Event

TOLERANCE: Final = timedelta(minutes=5)  # by which a clock may be fast
IDLE: Final = span(timedelta(minutes=1))
PATIENCE: Final = span(timedelta(minutes=10))


class Progress(msgspec.Struct, array_like=True):
    """One source: its newest event time and its last arrival, microseconds."""

    newest: int
    arrived: int


class TimeMemory(msgspec.Struct, frozen=True, array_like=True):
    """All that a timekeeper remembers."""

    watermark: int
    sources: dict[str, Progress]
    future: int


class Timekeeper:
    """Moves the watermark. ``future``: events whose date was not believed, a count."""

    def __init__(self, lateness: timedelta) -> None:
        """Prepare. ``lateness``: how much later than the newest an event may come."""
        self.future = 0
        self._lateness = span(lateness)
        self._watermark = micros(ALWAYS)
        self._sources: dict[str, Progress] = {}

    @property
    def watermark(self) -> datetime:
        """The watermark, UTC."""
        return instant(self._watermark)

    def horizon(self, now: datetime | None) -> int | None:
        """Return the latest event time (microseconds) to believe at ``now``."""
        return None if now is None else micros(now + TOLERANCE)

    def observe(self, events: Sequence[Event], now: datetime | None) -> bool:
        """Take note of a batch that arrived at ``now``; tell whether the watermark moved."""
        horizon = self.horizon(now)
        for event in events:
            time = micros(event.time)
            if horizon is not None and time > horizon:
                self.future += 1
                continue
            arrived = time if now is None else micros(now)
            known = self._sources.get(event.source)
            if known is None:
                self._sources[event.source] = Progress(time, arrived)
            else:
                known.newest, known.arrived = max(known.newest, time), max(known.arrived, arrived)
        return bool(self._sources) and self._move(self._slowest(now) - self._lateness)

    def advance(self, now: datetime) -> bool:
        """Let time pass without events; tell whether the watermark moved."""
        return self._move(micros(now) - self._lateness)

    def end(self) -> bool:
        """Expect nothing more at all; tell whether the watermark moved."""
        return self._move(micros(datetime.max.replace(tzinfo=ALWAYS.tzinfo)))

    def remember(self) -> TimeMemory:
        """Return all that it remembers."""
        return TimeMemory(self._watermark, self._sources, self.future)

    def recall(self, memory: TimeMemory) -> None:
        """Take over what another remembered."""
        self._watermark, self._sources = memory.watermark, dict(memory.sources)
        self.future = memory.future

    def _slowest(self, now: datetime | None) -> int:
        newest = max(source.newest for source in self._sources.values())
        if now is None:
            return newest
        since = micros(now) - IDLE
        live = [source.newest for source in self._sources.values() if source.arrived >= since]
        return max(min(live, default=newest), newest - PATIENCE)

    def _move(self, watermark: int) -> bool:
        moved = watermark > self._watermark
        self._watermark = max(watermark, self._watermark)
        return moved
