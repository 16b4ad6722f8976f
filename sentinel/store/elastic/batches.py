"""The log of batches on their way: each ends with a mark that says from and to which offset.

The mark is written with the events, in one block: after a crash both are there or neither.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.payload import encode, pack
from sentinel.store.ports import Sealer
from sentinel.store.segment_log import SegmentLog

PURPOSE: Final = "relay"
SEGMENT_BYTES: Final = 8 * 1024 * 1024
SEGMENT_SECONDS: Final = 600.0
PORTION: Final = 4_096
_READ: Final = 2_048
_MARK: Final = "sentinel:batch"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Batch(msgspec.Struct, frozen=True):
    """Events with spool offsets above ``after`` up to ``last``."""

    after: int
    last: int
    events: list[Event]


class Place(msgspec.Struct, frozen=True):
    """Where the batch of the same offsets lies: events from ``first`` on, its mark at ``mark``."""

    after: int
    last: int
    first: int
    mark: int


class Batches:
    """The log. One thread appends, one reads on and drops; any thread may look."""

    def __init__(self, folder: Path, sealer: Sealer, disk: Disk) -> None:
        self._folder = folder
        self._log = SegmentLog(
            folder,
            sealer,
            purpose=PURPOSE,
            segment_bytes=SEGMENT_BYTES,
            segment_seconds=SEGMENT_SECONDS,
            disk=disk,
        )
        self._lock = Lock()
        self._places: list[Place] = []
        self.last = -1
        self._find_marks()

    def begin_at(self, offset: int) -> None:
        """Go on after ``offset``, where the log is empty."""
        if not self._places:
            self.last = max(self.last, offset)

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; return how many events it holds. Raises UnstorableEvent."""
        unique = list({event.id: event for event in reversed(events)}.values())[::-1]
        mark = Event(id="", time=_NEVER, source=_MARK, ref=f"{self.last} {last_offset}")
        end = self._log.append(pack(encode([*unique, mark])), len(unique) + 1)
        with self._lock:
            self._places.append(Place(self.last, last_offset, end - len(unique), end))
            self.last = last_offset
        return len(unique)

    def waiting(self, arrived: int) -> int:
        """Return how many events lie in batches beyond ``arrived``."""
        with self._lock:
            start = self._beyond(arrived)
            if start == len(self._places):
                return 0
            marks = len(self._places) - start
            return self._places[-1].mark + 1 - self._places[start].first - marks

    def require_joined(self, there: int) -> None:
        """Raise StorageError where the server does not end within what was written here."""
        if there > self.last:
            raise StorageError(
                f"the indices end at offset {there}, and this data directory at {self.last}",
                where=str(self._folder),
                hint="it was restored without them: restore both, or begin another "
                "store.events.prefix",
            )
        with self._lock:
            following = self._places[self._beyond(there) :][:1]
        if following and following[0].after > there:
            raise StorageError(
                f"the indices end at offset {there}, and were at {following[0].after} before",
                where=str(self._folder),
                hint="they were removed or restored alone: restore both together",
            )

    def after(self, offset: int) -> Iterator[Batch]:
        """Yield the batches that end beyond ``offset``, in order."""
        while True:
            with self._lock:
                following = self._places[self._beyond(offset) :][:1]
            if not following:
                return
            (place,) = following
            found = self._log.read(place.first - 1, place.mark - place.first)
            events = [event for at, event in found if place.first <= at < place.mark]
            yield Batch(place.after, place.last, events)
            offset = place.last

    def portion(self, offset: int) -> Batch | None:
        """Return the batches beyond ``offset`` as one, as far as a bulk request goes."""
        events: list[Event] = []
        last = offset
        for batch in self.after(offset):
            if events and len(events) + len(batch.events) > PORTION:
                break
            events += batch.events
            last = batch.last
        return Batch(offset, last, events) if last > offset else None

    def drop(self, arrived: int) -> None:
        """Remove what has arrived, segment by segment. Raises StorageError."""
        with self._lock:
            count = self._beyond(arrived)
            if not count:
                return
            upto = self._places[count - 1].mark
        if self._log.prune(upto):
            first = self._log.first_offset
            with self._lock:
                self._places = [place for place in self._places if place.mark >= first]

    def close(self) -> None:
        """Close the file that is written."""
        self._log.close()

    def _beyond(self, offset: int) -> int:
        """Return the index of the first batch that ends beyond ``offset``."""
        return bisect_right(self._places, offset, key=lambda place: place.last)

    def _find_marks(self) -> None:
        after = first = self._log.first_offset - 1
        while found := self._log.read(after, _READ):
            for at, event in found:
                if event.source == _MARK:
                    begin, self.last = map(int, event.ref.split())
                    self._places.append(Place(begin, self.last, first + 1, at))
                    first = at
            after = found[-1][0]
