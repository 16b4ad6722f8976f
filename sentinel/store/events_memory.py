"""The event store of tests, one-shot scans and demonstrations: nothing survives the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from threading import Lock

from sentinel.domain.event import Event
from sentinel.domain.hunt import NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.store import events_answers as answers


class MemoryEventStore:
    """An `EventStore` in memory."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}
        self._stored_offset = -1
        self._lock = Lock()

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored, and so is an event whose id is stored.
        Returns how many events were added.
        """
        with self._lock:
            if last_offset <= self._stored_offset:
                return 0
            before = len(self._events)
            for event in events:
                self._events.setdefault(event.id, event)
            self._stored_offset = last_offset
            return len(self._events) - before

    def stored_offset(self) -> int:
        """Return the highest spool offset stored, -1 when empty."""
        return self._stored_offset

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""
        return self._events.get(event_id)

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
        with self._lock:
            events = sorted(self._events.values(), key=lambda event: event.time)
        found = (
            event
            for event in events
            if (since is None or event.time >= since)
            and (until is None or event.time < until)
            and (where is None or where(event))
        )
        yield from islice(found, limit)

    def count(self) -> int:
        """Return how many events are stored."""
        return len(self._events)

    def hunt(self, hunt: Hunt) -> list[Event]:
        """Return a page of events."""
        return answers.page(list(self._events.values()), hunt)

    def aggregate(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what ``hunt`` selects by groups."""
        return answers.aggregate(list(self._events.values()), hunt, groups)

    def purge(
        self,
        *,
        before: datetime,
        kind: str = NORMAL,
        keep: Condition | None = None,
        dry_run: bool = False,
    ) -> list[Purged]:
        """Remove the events of a retention class older than ``before``; say by day what went."""
        removal = answers.Removal(before, kind, keep)
        with self._lock:
            gone = [event.id for event in self._events.values() if removal.takes(event)]
            for event_id in [] if dry_run else gone:
                del self._events[event_id]
        return removal.report()

    def close(self) -> None:
        """Keep everything: there are no files to release."""
