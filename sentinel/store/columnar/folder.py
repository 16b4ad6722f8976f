"""All column files of a store at one instant, and questions to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

import numpy as np

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID, Groups, Hunt, In, Position
from sentinel.store.columnar import bloom, layout
from sentinel.store.columnar.build import instant_of, micros_of
from sentinel.store.columnar.counts import Counted, Key, Sum, counted, distinct
from sentinel.store.columnar.mask import Mask, mask, possible
from sentinel.store.columnar.read import ColumnFile, Reader
from sentinel.store.columnar.rows import events_at

_AHEAD = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A row that a hunt selects, without its event."""

    position: Position
    file: ColumnFile
    row: int


class ColumnFolder:
    """Files by day and number; never changed, only replaced as a whole."""

    def __init__(self, files: dict[str, ColumnFile]) -> None:
        self.files = files
        """By name, ``<day>/<number>.col``."""
        self._by_day: dict[date, list[ColumnFile]] = {}
        for _, file in sorted(files.items()):
            self._by_day.setdefault(day_of_file(file), []).append(file)

    def days(self) -> list[date]:
        """Return the days that have a file, in order."""
        return sorted(self._by_day)

    def of(self, day: date) -> list[ColumnFile]:
        """Return the files of a day, in the order of arrival."""
        return self._by_day.get(day, [])

    def count(self) -> int:
        """Return how many events there are."""
        return sum(file.rows for file in self.files.values())

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return those of ``ids`` that are stored here."""
        if not ids or not self.files:
            return set()
        hashes = bloom.hashes_of(ids)
        found: set[str] = set()
        for file in self.files.values():
            maybe = [ids[place] for place in file.may_have_ids(hashes).tolist()]
            if maybe:
                found.update(event_id for event_id, _row in _rows_with(file, maybe))
        return found

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""
        hashes = bloom.hashes_of([event_id])
        for file in self.files.values():
            if len(file.may_have_ids(hashes)):
                for _, row in _rows_with(file, [event_id]):
                    with file.reading() as reader:
                        return events_at(reader, [row])[0]
        return None

    def between(self, hunt: Hunt) -> list[ColumnFile]:
        """Return the files that may hold what a question selects, in the order of days."""
        since = micros_of(hunt.since) if hunt.since else None
        until = micros_of(hunt.until) if hunt.until else None
        return [
            file
            for _, file in sorted(self.files.items())
            if (since is None or file.directory.last >= since)
            and (until is None or file.first < until)
            and possible(hunt.where, file)
        ]

    def counts(self, hunt: Hunt, groups: Groups, pool: Executor) -> Sum:
        """Return how many events that a question selects there are of each key."""
        total = Sum()

        def one(file: ColumnFile) -> Counted:
            with file.reading() as reader:
                low, high, found = selected(reader, hunt)
                return counted(reader, groups, found, low, high)

        for part in ahead(pool, one, self.between(hunt)):
            total.add(part)
        return total

    def distinct(self, hunt: Hunt, groups: Groups, pool: Executor) -> dict[Key, set[str]]:
        """Return for each key the distinct texts of `Groups.distinct`."""
        seen: dict[Key, set[str]] = {}

        def one(file: ColumnFile) -> dict[Key, set[str]]:
            with file.reading() as reader:
                low, high, found = selected(reader, hunt)
                return distinct(reader, groups, found, low, high)

        for part in ahead(pool, one, self.between(hunt)):
            for key, texts in part.items():
                seen.setdefault(key, set()).update(texts)
        return seen


def day_of_file(file: ColumnFile) -> date:
    """Return the UTC day of a file."""
    return instant_of(file.first).astimezone(UTC).date()


def selected(reader: Reader, hunt: Hunt) -> tuple[int, int, Mask]:
    """Return the rows of the window of a question, and which of them fulfil its condition."""
    low, high = reader.window(_micros(hunt.since), _micros(hunt.until))
    if low >= high:  # a window may end before it begins
        return low, low, False
    return low, high, mask(hunt.where, reader, low, high)


def found_in(file: ColumnFile, hunt: Hunt, limit: int) -> list[Found]:
    """Return the first rows that a hunt selects in a file, at least ``limit`` where there are.

    In the order of the file; what is too much at the end is of the same instant as the last.
    """
    with file.reading() as reader:
        low, high, found = selected(reader, hunt)
        if found is False:
            return []
        rows = np.arange(low, high) if found is True else np.nonzero(found)[0] + low
        if hunt.newest_first:
            rows = rows[::-1]
        chosen: list[Found] = []
        for start in range(0, len(rows), max(limit, layout.STRIP // 4)):
            part = rows[start : start + max(limit, layout.STRIP // 4)]
            chosen += _placed(reader, part.tolist(), hunt)
            if len(chosen) > limit and chosen[-1].position.time != chosen[limit - 1].position.time:
                break
        return chosen


def events_of(found: Sequence[Found], pool: Executor) -> list[Event]:
    """Return the events of some rows, in the same order."""
    wanted: dict[ColumnFile, list[int]] = {}
    for one in found:
        wanted.setdefault(one.file, []).append(one.row)

    def fetch(file: ColumnFile) -> list[tuple[int, Event]]:
        rows = sorted(wanted[file])
        with file.reading() as reader:
            return list(zip(rows, events_at(reader, rows), strict=True))

    read = zip(wanted, ahead(pool, fetch, wanted), strict=True)
    events = {(file, row): event for file, pairs in read for row, event in pairs}
    return [events[one.file, one.row] for one in found]


def stream(file: ColumnFile, since: datetime | None, until: datetime | None) -> Iterator[Event]:
    """Yield the events of a file from ``since`` to before ``until``, by time; a strip in memory."""
    with file.reading() as reader:
        low, high = reader.window(_micros(since), _micros(until))
        for start in range(low - low % layout.STRIP, high, layout.STRIP):
            rows = range(max(start, low), min(start + layout.STRIP, high))
            yield from events_at(reader, rows)


def ahead(
    pool: Executor, ask: Callable[[ColumnFile], T], files: Iterable[ColumnFile]
) -> Iterator[T]:
    """Yield the answer of each file, in order, while the next ones are being asked."""
    waiting: deque[Future[T]] = deque()
    for file in files:
        waiting.append(pool.submit(ask, file))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _placed(reader: Reader, rows: list[int], hunt: Hunt) -> list[Found]:
    """Return the positions of rows, without those that `Hunt.after` leaves out."""
    times = reader.times_at(rows)
    column = reader.columns(ID)[-1]
    found = []
    for row, time in zip(rows, times, strict=True):
        here = Position(instant_of(time), reader.value_at(column, row))
        if hunt.after is None or (here < hunt.after if hunt.newest_first else here > hunt.after):
            found.append(Found(here, reader.file, row))
    return found


def _rows_with(file: ColumnFile, ids: Sequence[str]) -> list[tuple[str, int]]:
    """Return the rows of a file whose event has one of ``ids``."""
    column = file.directory.beside[ID]
    with file.reading() as reader:
        entries = reader.entries(column)
        places = np.nonzero(entries.hits(In(field=ID, values=tuple(ids))))[0].tolist()
        if not places:
            return []
        codes = reader.codes(column, 0, file.rows)
        return [
            (entries.value(place), int(np.nonzero(codes == place + 1)[0][0])) for place in places
        ]


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else micros_of(instant)
