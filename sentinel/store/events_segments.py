"""The tail of the embedded event store, and its manifest: what came last, in order of arrival.

A folder per UTC day of event time, segments inside. `events_embedded` turns the tail into column
files, which the same manifest names; it alone reads both.

A batch becomes one block in each day that it touches. Every file is made durable, then the
manifest is replaced, and only then do readers see the batch. After a crash in between, what lies
beyond the manifest is removed and the consumer brings the same batch again: nothing twice, nothing
lost. A crash after it leaves a batch at or below `stored_offset`, which is ignored.

An event whose id is stored already (a sender that did not hear our answer sends again, at new
offsets) adds nothing. One thread writes; any thread reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from threading import RLock

import msgspec

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk, FolderLock, make_folder, trouble
from sentinel.store.event_index import EventIndex, Place, day_of
from sentinel.store.frames import NO_LINK
from sentinel.store.manifest import Manifest, read_manifest, write_manifest
from sentinel.store.payload import encode, pack
from sentinel.store.ports import Sealer
from sentinel.store.recovery import load_committed
from sentinel.store.segment_writer import SegmentWriter
from sentinel.store.segments import SEGMENT_GLOB, Block, Segment

SEGMENT_BYTES = 64 * 1024 * 1024
_OPEN_FILES = 16
_DAY_GLOB = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


class SegmentEventStore:
    """An `EventStore` in one folder."""

    def __init__(
        self,
        directory: Path,
        sealer: Sealer,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        disk: Disk | None = None,
        read_only: bool = False,
        known: Callable[[Sequence[str]], set[str]] = lambda _: set(),
    ) -> None:
        """Open or make the store. Raises StorageError where it is damaged, taken or locked.

        ``known``: of some ids, those that are stored elsewhere already. ``read_only``: see what is
        committed now, while another process may write; change nothing.
        """
        self._folder = directory
        self._sealer = sealer
        self._segment_bytes = segment_bytes
        self._disk = disk or Disk()
        self._known = known
        self._writers: dict[date, SegmentWriter] = {}
        self._index = EventIndex()
        self._lock = RLock()
        self._process_lock: FolderLock | None = None
        if read_only:
            self._manifest = self._look()
            self._next_number = 0
            return
        try:
            make_folder(self._disk, directory)
        except OSError as error:
            raise trouble(error, directory) from error
        self._process_lock = FolderLock(directory)
        try:
            self._manifest = self._recover()
        except BaseException:
            self._process_lock.release()
            raise
        names = (*self._manifest.segments, *self._manifest.columns)
        numbers = (int(Path(name).stem) for name in names)
        self._next_number = max(self._manifest.number, *numbers, 0) + 1

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored, and so is an event whose id is stored.
        Returns how many events were added. Raises UnstorableEvent, or StorageError: then nothing
        of the batch is stored and the next call works again.
        """
        with self._lock:
            if self._process_lock is None:
                raise StorageError("opened to read", where=str(self._folder))
            first = self._manifest.stored_offset + 1
            if last_offset < first:
                return 0
            days = self._new_by_day(events)
            packed = {day: pack(encode(batch)) for day, batch in days.items()}
            try:
                written = {
                    day: self._write(day, packed[day], (len(batch), first, last_offset))
                    for day, batch in days.items()
                }
                manifest = self._manifest_with(written.values(), last_offset)
                write_manifest(self._disk, self._folder, self._sealer, manifest)
            except BaseException as error:
                self._abandon(days)
                if isinstance(error, OSError):
                    raise trouble(error, self._folder) from error
                raise
            self._manifest = manifest
            for day, (segment, block) in written.items():
                segment.publish(block)
                self._index.add(day, segment, block.number, days[day])
            return sum(len(batch) for batch in days.values())

    def stored_offset(self) -> int:
        """Return the highest spool offset stored, -1 when empty."""
        with self._lock:
            return self._manifest.stored_offset

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""
        with self._lock:
            place = self._index.find(event_id)
        if place is None:
            return None
        return next(event for event in place.events() if event.id == event_id)

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Callable[[Event], bool] | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events with ``since <= time < until`` for which ``where`` is true, by time.

        Sees what was stored when the first event is asked for. Holds one day in memory.
        """
        with self._lock:
            days = self._index.days(
                day_of(since) if since else None, day_of(until) if until else None
            )
        left = limit
        for places in days.values():
            found = [
                event
                for place in places
                for event in place.events()
                if (since is None or event.time >= since)
                and (until is None or event.time < until)
                and (where is None or where(event))
            ]
            found.sort(key=lambda event: event.time)
            if left is not None:
                found = found[:left]
                left -= len(found)
            yield from found
            if left == 0:
                return

    def places(self, since: date | None, until: date | None) -> dict[date, list[Place]]:
        """Return the blocks that hold the events of some days, both ends included."""
        with self._lock:
            return self._index.days(since, until)

    def freeze(self) -> dict[date, list[Place]]:
        """Return every block; what is appended from now on goes to other segments."""
        with self._lock:
            self._close_writers(keep=0)
            return self._index.days(None, None)

    @property
    def columns(self) -> dict[str, int]:
        """The column files that the manifest in force names, with their lengths."""
        with self._lock:
            return self._manifest.columns

    @property
    def size(self) -> int:
        """Bytes on disk, column files included."""
        with self._lock:
            return sum((*self._manifest.segments.values(), *self._manifest.columns.values()))

    def new_number(self) -> int:
        """Return a number that no file has."""
        with self._lock:
            number = self._next_number
            self._next_number += 1
            return number

    def settle(
        self,
        gone: Collection[Segment],
        columns: dict[str, int],
        publish: Callable[[], None],
    ) -> None:
        """Let ``columns`` be the column files, and the segments ``gone`` be no more, at once.

        ``publish`` is called when that is durable, while nothing can be appended.

        The files stay: whoever calls removes them when nobody reads them any more. Raises
        StorageError: after it either state may be in force on the disk, and the old one is here.
        """
        with self._lock:
            if self._process_lock is None:
                raise StorageError("opened to read", where=str(self._folder))
            without = {name_of(segment.path) for segment in gone}
            manifest = self._manifest_with((), self._manifest.stored_offset)
            segments = {
                name: size for name, size in manifest.segments.items() if name not in without
            }
            manifest = msgspec.structs.replace(manifest, segments=segments, columns=columns)
            try:
                write_manifest(self._disk, self._folder, self._sealer, manifest)
            except OSError as error:
                raise trouble(error, self._folder) from error
            self._manifest = manifest
            publish()
            self._index.drop(gone)

    def count(self) -> int:
        """Return how many events are stored."""
        with self._lock:
            return len(self._index)

    def close(self) -> None:
        """Release files. A second call does nothing."""
        with self._lock:
            self._close_writers(keep=0)
            if self._process_lock is not None:
                self._process_lock.release()

    def _new_by_day(self, events: Sequence[Event]) -> dict[date, list[Event]]:
        days: dict[date, list[Event]] = {}
        seen = self._known([event.id for event in events])
        for event in events:
            if event.id not in seen and self._index.find(event.id) is None:
                seen.add(event.id)
                days.setdefault(day_of(event.time), []).append(event)
        return days

    def _write(self, day: date, packed: bytes, held: tuple[int, int, int]) -> tuple[Segment, Block]:
        """Append a block to the open segment of ``day``, durably. Raises OSError."""
        count, first, last = held
        writer = self._writers.get(day)
        if writer is None or writer.segment.end >= self._segment_bytes:
            self._abandon([day])
            self._close_writers(keep=_OPEN_FILES - 1)
            writer = self._writers[day] = self._create(day, first)
        block = writer.write(packed, count=count, first=first, last=last)
        writer.sync()
        return writer.segment, block

    def _create(self, day: date, base: int) -> SegmentWriter:
        number = self._next_number
        self._next_number += 1
        folder = self._folder / day.isoformat()
        make_folder(self._disk, folder)
        return SegmentWriter.create(
            self._disk, folder, (number, base, NO_LINK), self._sealer, purpose=_purpose(folder)
        )

    def _manifest_with(
        self, written: Iterable[tuple[Segment, Block]], last_offset: int
    ) -> Manifest:
        segments = dict(self._manifest.segments)
        for segment, block in written:
            segments[name_of(segment.path)] = block.position + block.size
        return msgspec.structs.replace(
            self._manifest,
            stored_offset=last_offset,
            segments=segments,
            number=self._next_number - 1,
        )

    def _abandon(self, days: Iterable[date]) -> None:
        """Close the writers of ``days``. What they wrote in vain stays beyond the manifest.

        It is not cut here: after a failed replacement either manifest may be in force.
        """
        for day in days:
            writer = self._writers.pop(day, None)
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.close()

    def _close_writers(self, *, keep: int) -> None:
        self._abandon(list(self._writers)[: max(len(self._writers) - keep, 0)])

    def _recover(self) -> Manifest:
        """Return the manifest after removing what lies beyond it; fill the index."""
        paths = sorted(self._folder.glob(f"{_DAY_GLOB}/{SEGMENT_GLOB}"), key=lambda path: path.name)
        try:
            manifest = read_manifest(self._folder, self._sealer)
            if manifest is None:
                if paths:
                    raise StorageError(
                        "the manifest is missing",
                        where=str(self._folder),
                        hint="restore it from a backup, or move the folder away: "
                        "what the spool still holds is stored again",
                    )
                manifest = Manifest()
                write_manifest(self._disk, self._folder, self._sealer, manifest)
            for path in paths:
                if name_of(path) not in manifest.segments:
                    self._disk.unlink(path)
            for name, length in manifest.segments.items():
                self._load(self._folder / name, length)
        except OSError as error:
            raise trouble(error, self._folder) from error
        return manifest

    def _look(self) -> Manifest:
        """Return the manifest in force and index what it holds; what lies beyond is let be."""
        try:
            manifest = read_manifest(self._folder, self._sealer) or Manifest()
        except OSError as error:
            raise trouble(error, self._folder) from error
        for name, length in manifest.segments.items():
            self._index_committed(self._folder / name, length)
        return manifest

    def _load(self, path: Path, length: int) -> None:
        """Index the committed blocks of a segment; cut what follows them."""
        self._index_committed(path, length)
        if path.stat().st_size > length:
            self._disk.truncate(path, length)

    def _index_committed(self, path: Path, length: int) -> None:
        segment = load_committed(path, length, self._sealer, purpose=_purpose(path.parent))
        day = date.fromisoformat(path.parent.name)
        with segment.reading() as fd:
            for number in range(segment.blocks):
                self._index.add(day, segment, number, segment.read(fd, number))


def name_of(path: Path) -> str:
    """Return the name under which the manifest knows a file."""
    return f"{path.parent.name}/{path.name}"


def _purpose(folder: Path) -> str:
    return f"events/{folder.name}"
