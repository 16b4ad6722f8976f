"""A question to the embedded store: put to column files and to the tail, answered as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import date, datetime

from msgspec.structs import replace

from sentinel.domain.event import Event
from sentinel.domain.hunt import Group, Groups, Hunt, Position
from sentinel.domain.hunt_match import selects
from sentinel.store import events_answers as answers
from sentinel.store.columnar.build import MICROSECOND
from sentinel.store.columnar.counts import in_sum
from sentinel.store.columnar.folder import (
    ColumnFolder,
    Found,
    ahead,
    day_of_file,
    events_of,
    found_in,
)
from sentinel.store.columnar.read import ColumnFile
from sentinel.store.event_index import Place


class Question:
    """What was stored at one instant: column files, and blocks of the tail by day."""

    def __init__(
        self, columns: ColumnFolder, tail: Mapping[date, Sequence[Place]], pool: Executor
    ) -> None:
        self._columns = columns
        self._tail = tail
        self._pool = pool

    def page(self, hunt: Hunt) -> list[Event]:
        """Return the page of events that a hunt asks for."""
        question = _from_position(hunt)
        files: dict[date, list[ColumnFile]] = {}
        for file in self._columns.between(question):
            files.setdefault(day_of_file(file), []).append(file)
        days = sorted({*files, *self._tail}, reverse=hunt.newest_first)
        in_order = [file for day in days for file in files.get(day, ())]
        found_of = ahead(self._pool, lambda file: found_in(file, question, hunt.limit), in_order)
        found: list[Found | tuple[Position, Event]] = []
        for day in days:
            of_day: list[Found | tuple[Position, Event]] = []
            for _ in files.get(day, ()):
                of_day += next(found_of)
            of_day += [
                (Position(event.time, event.id), event)
                for event in of_places(self._tail.get(day, []), None, None)
                if selects(question, event)
            ]
            of_day.sort(key=_position, reverse=hunt.newest_first)
            found += of_day
            if len(found) >= hunt.limit:
                break
        return _fetched(found[: hunt.limit], self._pool)

    def groups(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what a hunt selects by groups."""
        events = [
            event
            for places in self._tail.values()
            for event in of_places(places, None, None)
            if selects(hunt, event)
        ]
        if groups.distinct:
            seen = self._columns.distinct(hunt, groups, self._pool)
            for event in events:
                for *key, text in answers.keys_of(event, (*groups.by, groups.distinct)):
                    seen.setdefault(tuple(key), set()).add(text)
            return answers.ranked(((key, len(texts)) for key, texts in seen.items()), groups)
        total = self._columns.counts(hunt, groups, self._pool)
        total.add(in_sum(answers.keys_of(event, groups.by) for event in events))
        return total.ranked(groups)


def _from_position(hunt: Hunt) -> Hunt:
    """Narrow the window of a question to what its position leaves."""
    if hunt.after is None:
        return hunt
    at = hunt.after.time
    if hunt.newest_first:
        until = at + MICROSECOND
        return replace(hunt, until=min(until, hunt.until) if hunt.until else until)
    return replace(hunt, since=max(at, hunt.since) if hunt.since else at)


def of_places(
    places: Sequence[Place], since: datetime | None, until: datetime | None
) -> Iterator[Event]:
    """Yield the events of some blocks with ``since <= time < until``."""
    for place in places:
        for event in place.events():
            if (since is None or event.time >= since) and (until is None or event.time < until):
                yield event


def _position(found: Found | tuple[Position, Event]) -> Position:
    return found.position if isinstance(found, Found) else found[0]


def _fetched(found: Sequence[Found | tuple[Position, Event]], pool: Executor) -> list[Event]:
    """Return the events of what was found, in the same order."""
    events = iter(events_of([one for one in found if isinstance(one, Found)], pool))
    return [next(events) if isinstance(one, Found) else one[1] for one in found]
