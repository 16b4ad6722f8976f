"""The embedded event store: a tail in order of arrival, and column files in order of time.

What is appended lies in the tail (`events_segments`), durable at return. When the tail has grown
long, a worker turns it into encrypted column files (`columnar`), of one UTC day each, and replaces
the manifest that names both: at each instant an event is in the one or in the other, whatever
process dies. A question is put to both. Files that a newer manifest does not name are left for a
while, for readers that still hold the older one, and then removed; what a purge takes is removed
at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from operator import attrgetter
from pathlib import Path
from threading import Event as Flag
from threading import RLock, Thread
from time import monotonic
from typing import TypeVar

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID, NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.errors import SentinelError, StorageError
from sentinel.store import events_answers as answers
from sentinel.store.columnar.build import instant_of
from sentinel.store.columnar.folder import (
    ColumnFolder,
    stream,
)
from sentinel.store.columnar.read import ColumnFile
from sentinel.store.compaction import Press, purpose_of
from sentinel.store.disk import Disk, trouble
from sentinel.store.embedded_question import Question, of_places
from sentinel.store.event_index import Place, day_of
from sentinel.store.events_segments import SEGMENT_BYTES, SegmentEventStore, name_of
from sentinel.store.ports import Sealer
from sentinel.store.segments import Segment

T = TypeVar("T")

COMPACT_AT = 32_768
LEFT_FOR = 300.0
"""Seconds for which a replaced file is left to its readers."""
PAUSE = 60.0
"""Seconds after which a compaction that failed is tried again."""
_THREADS = 2
_TRIES = 5


class EmbeddedEventStore:
    """An `EventStore` in one folder."""

    def __init__(
        self,
        directory: Path,
        sealer: Sealer,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        disk: Disk | None = None,
        read_only: bool = False,
        compact_at: int = COMPACT_AT,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open or make the store. Raises StorageError where it is damaged, taken or locked.

        ``read_only``: see what is committed, while another process may write; change nothing.
        ``compact_at``: events of the tail from which on the worker compacts it; 0: only `compact`
        does. ``on_trouble`` hears of what the worker failed at; it tries again.
        """
        self._folder = directory
        self._sealer = sealer
        self._disk = disk or Disk()
        self._read_only = read_only
        self._options = (segment_bytes, disk)
        self._lock = RLock()
        self._work = RLock()
        self._leftovers: list[tuple[float, Path]] = []
        self._columns = ColumnFolder({})
        self._open()
        self._press = Press(directory, sealer, self._disk, self._tail)
        self._pool = ThreadPoolExecutor(_THREADS, "hunt")
        self._compact_at = 0 if read_only else compact_at
        self._on_trouble = on_trouble
        self._due, self._closed = Flag(), Flag()
        self._worker: Thread | None = None

    # ------------------------------------------------------------------ the contract

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored, and so is an event whose id is stored.
        Returns how many events were added. Raises UnstorableEvent, or StorageError: then nothing
        of the batch is stored and the next call works again.
        """
        added = self._tail.append(events, last_offset=last_offset)
        if self._compact_at and self._tail.count() >= self._compact_at:
            self._wake()
        return added

    def stored_offset(self) -> int:
        """Return the highest spool offset stored, -1 when empty."""
        return self._tail.stored_offset()

    def count(self) -> int:
        """Return how many events are stored."""
        with self._lock:
            return self._tail.count() + self._columns.count()

    def size(self) -> int:
        """Return the bytes that the committed events take on disk."""
        return self._tail.size

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""

        def ask() -> Event | None:
            with self._lock:
                columns, found = self._columns, self._tail.get(event_id)
            return found or columns.get(event_id)

        return self._again(ask)

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Callable[[Event], bool] | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events with ``since <= time < until`` for which ``where`` is true, by time.

        Sees what was stored when the first event is asked for.
        """
        columns, tail = self._now(since, until)
        days = sorted({*columns.days(), *tail})
        found = (
            event
            for day in days
            if (since is None or day >= day_of(since)) and (until is None or day <= day_of(until))
            for event in self._day(columns.of(day), tail.get(day, []), since, until)
            if where is None or where(event)
        )
        yield from islice(found, limit)

    def hunt(self, hunt: Hunt) -> list[Event]:
        """Return a page of events; `Hunt.beyond` its last one asks for the next page."""
        return self._again(lambda: self._asked(hunt).page(hunt)) if hunt.limit > 0 else []

    def aggregate(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what ``hunt`` selects by groups."""
        return self._again(lambda: self._asked(hunt).groups(hunt, groups))

    def purge(
        self,
        *,
        before: datetime,
        kind: str = NORMAL,
        keep: Condition | None = None,
        dry_run: bool = False,
    ) -> list[Purged]:
        """Remove the events of a retention class older than ``before``; say by day what went.

        A day's files are replaced by those with what stays, in one step.
        """
        with self._work:
            if not dry_run:
                self._writable()
                self.compact()
            columns, tail = self._now(None, before)
            told: list[Purged] = []
            for day in sorted({*columns.days(), *tail}):
                if day <= day_of(before):
                    removal = answers.Removal(before, kind, keep)
                    told += self._purge_day(day, tail.get(day, []), removal, dry_run=dry_run)
            return told

    def compact(self) -> int:
        """Turn the whole tail into column files; return how many events moved.

        Raises StorageError: then the tail is as it was.
        """
        with self._work:
            self._writable()
            self._sweep(LEFT_FOR)
            frozen = self._tail.freeze()
            made: list[ColumnFile] = []
            replaced: list[Path] = []
            try:
                for day, places in frozen.items():
                    new, old = self._press.merged(day, places, self._columns)
                    made += new
                    replaced += old
                gone = {place.segment for places in frozen.values() for place in places}
                if frozen:
                    self._replace(made, replaced, gone)
            except OSError as error:
                raise trouble(error, self._folder) from error
            now = monotonic()
            self._leftovers += [(now, path) for path in replaced]
            self._leftovers += [(now, segment.path) for segment in gone]
            return sum(file.rows for file in made)

    def close(self) -> None:
        """Release files. A second call does nothing."""
        self._closed.set()
        self._due.set()
        if self._worker is not None:
            self._worker.join()
        with self._work:
            self._sweep()
        self._pool.shutdown()
        self._tail.close()

    # ------------------------------------------------------------------ questions

    def _now(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[ColumnFolder, dict[date, list[Place]]]:
        """Return what is stored at this instant: column files, and blocks of the tail by day."""
        with self._lock:
            first, last = day_of(since) if since else None, day_of(until) if until else None
            return self._columns, self._tail.places(first, last)

    def _asked(self, hunt: Hunt) -> Question:
        columns, tail = self._now(hunt.since, hunt.until)
        return Question(columns, tail, self._pool)

    def _again(self, ask: Callable[[], T]) -> T:
        """Answer, once more where a file went meanwhile, with what a newer manifest names."""
        for _ in range(_TRIES - 1):
            try:
                return ask()
            except StorageError as error:
                if not isinstance(error.__cause__, FileNotFoundError):
                    raise
            if self._read_only:
                self._open()
        return ask()

    def _day(
        self,
        files: Sequence[ColumnFile],
        places: Sequence[Place],
        since: datetime | None,
        until: datetime | None,
    ) -> Iterator[Event]:
        """Yield the events of a day by time; of the same instant, in the order of arrival."""
        last = sorted(of_places(places, since, until), key=attrgetter("time"))
        streams = [stream(file, since, until) for file in files]
        return heapq.merge(*streams, last, key=attrgetter("time"))

    # ------------------------------------------------------------------ files

    def _open(self) -> None:
        """Open what the manifest names; as the writer, remove what it does not name."""
        segment_bytes, disk = self._options
        tail = SegmentEventStore(
            self._folder,
            self._sealer,
            segment_bytes=segment_bytes,
            disk=disk,
            read_only=self._read_only,
            known=self._known,
        )
        try:
            columns = self._load(tail.columns)
        except BaseException:
            tail.close()
            raise
        with self._lock:
            self._tail, self._columns = tail, columns

    def _known(self, ids: Sequence[str]) -> set[str]:
        return self._columns.known(ids)

    def _load(self, named: dict[str, int]) -> ColumnFolder:
        files: dict[str, ColumnFile] = {}
        if not self._read_only:
            for path in self._folder.glob("*/*.col"):
                if name_of(path) not in named:
                    self._disk.unlink(path)
        for name, size in named.items():
            path = self._folder / name
            files[name] = ColumnFile(path, self._sealer, purpose=purpose_of(path))
            if files[name].size != size:
                raise StorageError(
                    f"the file has {files[name].size} bytes instead of {size}",
                    where=str(path),
                    hint="restore it from a backup",
                )
        return ColumnFolder(files)

    def _replace(
        self, made: Sequence[ColumnFile], gone: Collection[Path], segments: Collection[Segment]
    ) -> None:
        """Let new files take the place of others, in the manifest and for readers, at once."""
        names = {name_of(path) for path in gone}
        files = {name: file for name, file in self._columns.files.items() if name not in names}
        files |= {name_of(file.path): file for file in made}

        def publish() -> None:
            self._columns = ColumnFolder(files)

        with self._lock:
            sizes = {name: file.size for name, file in files.items()}
            self._tail.settle(segments, sizes, publish)

    def _purge_day(
        self, day: date, places: Sequence[Place], removal: answers.Removal, *, dry_run: bool
    ) -> list[Purged]:
        made: list[ColumnFile] = []
        gone: list[Path] = []
        size = 0
        for file in self._columns.of(day):
            if removal.takes_all(instant_of(file.directory.last), file.directory.kinds):
                with file.reading() as reader:
                    times = map(instant_of, reader.times(0, file.rows).tolist())
                    removal.take(day, times, reader.column_of(ID))
                stay: list[Event] = []
            else:
                stay = [event for event in stream(file, None, None) if not removal.takes(event)]
            if len(stay) < file.rows:
                size += file.size * (file.rows - len(stay)) // file.rows
                gone.append(file.path)
                if stay and not dry_run:
                    made.append(self._press.file(day, stay))
        if dry_run:
            for event in of_places(places, None, None):
                removal.takes(event)
        elif gone:
            self._replace(made, gone, ())
            for path in gone:
                self._disk.unlink(path)
            self._sweep()
        return removal.report({day: size})

    def _sweep(self, left_for: float = 0.0) -> None:
        """Remove files that no manifest names, and that were replaced so many seconds ago."""
        old = [path for at, path in self._leftovers if monotonic() - at >= left_for]
        self._leftovers = [(at, path) for at, path in self._leftovers if path not in old]
        for path in old:
            with suppress(OSError):  # the next opening removes it
                self._disk.unlink(path)

    def _writable(self) -> None:
        if self._read_only:
            raise StorageError("opened to read", where=str(self._folder))

    # ------------------------------------------------------------------ the worker

    def _wake(self) -> None:
        with self._lock:
            if self._worker is None and not self._closed.is_set():
                self._worker = Thread(target=self._work_on, name="compaction", daemon=True)
                self._worker.start()
        self._due.set()

    def _work_on(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._closed.is_set():
                return
            try:
                self.compact()
            except SentinelError as error:
                self._on_trouble(str(error))
                self._closed.wait(PAUSE)
            except Exception as error:  # the next batch that comes in tries again
                self._on_trouble(type(error).__name__)
                self._closed.wait(PAUSE)
