"""Where each event of the embedded store lies: in memory, filled at opening and by each append."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sentinel.domain.event import Event
from sentinel.store.segments import Segment


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One block of one segment. ``hidden``: ids in it that an earlier block holds already."""

    segment: Segment
    block: int
    hidden: frozenset[str] = frozenset()

    def events(self) -> list[Event]:
        """Read the block. Raises StorageError where it is damaged."""
        with self.segment.reading() as fd:
            found = self.segment.read(fd, self.block)
        return [event for event in found if event.id not in self.hidden] if self.hidden else found


class EventIndex:
    """Event ids and days to blocks. The first event with an id keeps it."""

    def __init__(self) -> None:
        self._by_id: dict[str, Place] = {}
        self._by_day: dict[date, list[Place]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, day: date, segment: Segment, block: int, events: Sequence[Event]) -> None:
        """Make the events of a block known."""
        hidden = frozenset(event.id for event in events if event.id in self._by_id)
        place = Place(segment, block, hidden)
        for event in events:
            self._by_id.setdefault(event.id, place)
        self._by_day.setdefault(day, []).append(place)

    def drop(self, segments: Collection[Segment]) -> None:
        """Forget what lies in the blocks of these segments."""
        gone = {segment.path for segment in segments}
        self._by_id = {
            known: place for known, place in self._by_id.items() if place.segment.path not in gone
        }
        days = {
            day: [place for place in places if place.segment.path not in gone]
            for day, places in self._by_day.items()
        }
        self._by_day = {day: places for day, places in days.items() if places}

    def find(self, event_id: str) -> Place | None:
        """Return the block that holds the event."""
        return self._by_id.get(event_id)

    def days(self, since: date | None, until: date | None) -> dict[date, list[Place]]:
        """Return the blocks of each day from ``since`` to ``until``, both included, by day."""
        return {
            day: list(places)
            for day, places in sorted(self._by_day.items())
            if (since is None or day >= since) and (until is None or day <= until)
        }


def day_of(instant: datetime) -> date:
    """Return the UTC day of an instant."""
    return instant.astimezone(UTC).date()
