"""Where each event of the embedded store lies: in memory, filled at opening and by each append."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sentinel.domain.event import Event
from sentinel.store.segments import Segment


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One block of one segment."""

    segment: Segment
    block: int

    def events(self) -> list[Event]:
        """Read the block. Raises StorageError where it is damaged."""
        with self.segment.reading() as fd:
            return self.segment.read(fd, self.block)


class EventIndex:
    """Event ids and days to blocks. The first event with an id keeps it."""

    def __init__(self) -> None:
        self._by_id: dict[str, Place] = {}
        self._by_day: dict[date, list[Place]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, day: date, segment: Segment, block: int, events: Sequence[Event]) -> None:
        """Make the events of a block known."""
        place = Place(segment, block)
        for event in events:
            self._by_id.setdefault(event.id, place)
        self._by_day.setdefault(day, []).append(place)

    def drop(self, day: date) -> None:
        """Forget what lies in the blocks of a day."""
        gone = set(self._by_day.pop(day, ()))
        self._by_id = {known: place for known, place in self._by_id.items() if place not in gone}

    def each_day(self, until: date) -> list[tuple[date, list[Place]]]:
        """Return the blocks of each day to ``until``, included, by day."""
        return [(day, list(places)) for day, places in sorted(self._by_day.items()) if day <= until]

    def find(self, event_id: str) -> Place | None:
        """Return the block that holds the event."""
        return self._by_id.get(event_id)

    def is_at(self, event_id: str, place: Place) -> bool:
        """Tell whether the event's block is this one."""
        return self._by_id.get(event_id) is place

    def days(self, since: date | None, until: date | None) -> list[list[Place]]:
        """Return the blocks of each day from ``since`` to ``until``, both included, by day."""
        return [
            list(places)
            for day, places in sorted(self._by_day.items())
            if (since is None or day >= since) and (until is None or day <= until)
        ]


def day_of(instant: datetime) -> date:
    """Return the UTC day of an instant."""
    return instant.astimezone(UTC).date()
