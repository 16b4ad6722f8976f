"""From the tail to column files: which events go together, and where the bytes are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from operator import attrgetter
from pathlib import Path

from sentinel.domain.event import Event
from sentinel.store.columnar import write
from sentinel.store.columnar.folder import ColumnFolder, stream
from sentinel.store.columnar.read import ColumnFile
from sentinel.store.disk import Disk, make_folder
from sentinel.store.event_index import Place
from sentinel.store.events_segments import SegmentEventStore, name_of
from sentinel.store.ports import Sealer

MOST_ROWS = 262_144
"""Events of a column file at most: a few dozen megabytes in memory while it is written."""
MANY = 7


class Press:
    """Writes column files into the folder of a store. One thread at a time."""

    def __init__(self, folder: Path, sealer: Sealer, disk: Disk, tail: SegmentEventStore) -> None:
        self._folder = folder
        self._sealer = sealer
        self._disk = disk
        self._tail = tail

    def merged(
        self, day: date, places: Sequence[Place], columns: ColumnFolder
    ) -> tuple[list[ColumnFile], list[Path]]:
        """Write what lies in ``places``, together with the small files of the day.

        Returns the new files, and those that they replace. Raises OSError, StorageError.
        """
        events = [event for place in places for event in place.events()]
        small = _worth_merging(columns.of(day), len(events))
        older = [event for file in small for event in stream(file, None, None)]
        made = [self.file(day, batch) for batch in _batches([*older, *events])]
        return made, [file.path for file in small]

    def file(self, day: date, events: Sequence[Event]) -> ColumnFile:
        """Write one file. It means nothing until the manifest names it."""
        number = self._tail.new_number()
        path = self._folder / day.isoformat() / f"{number:010d}.col"
        purpose = purpose_of(path)
        make_folder(self._disk, path.parent)
        write.write(self._disk, path, write.contents(events, self._sealer, purpose=purpose))
        return ColumnFile(path, self._sealer, purpose=purpose)


def purpose_of(path: Path) -> str:
    """Return what the data key of a column file is for."""
    return f"events/{name_of(path)}"


def _worth_merging(files: Sequence[ColumnFile], rows: int) -> list[ColumnFile]:
    """Return the newest files of a day that are written again with ``rows`` more events.

    Those that are much smaller than what came, and many that are middling: so that a day has few
    files, and an event is written some two or three times in its life.
    """
    fit: list[ColumnFile] = []
    tiny = 0
    for file in reversed(files):  # in the order of arrival, without a gap
        rows += file.rows
        if rows > MOST_ROWS:
            break
        fit.insert(0, file)
        if file.rows < rows - file.rows >> 2:
            tiny = len(fit)
    return fit if len(fit) >= MANY else fit[len(fit) - tiny :]


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    """Yield events by time; more than a file holds are cut in the order of arrival first."""
    for start in range(0, len(events), MOST_ROWS):
        batch = events[start : start + MOST_ROWS]
        batch.sort(key=attrgetter("time"))
        yield batch
