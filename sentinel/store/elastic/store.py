"""An `EventStore` on Elasticsearch 9: same contract, same answers as the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from threading import RLock

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID, NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.domain.hunt_match import selects
from sentinel.errors import StorageError
from sentinel.store import events_answers
from sentinel.store.elastic import columns
from sentinel.store.elastic import groups as grouped
from sentinel.store.elastic.codec import Codec, micros
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.names import Names
from sentinel.store.elastic.progress import Progress
from sentinel.store.elastic.purge import Purge
from sentinel.store.elastic.read import BY_ARRIVAL, PAGE, Reader, sorted_by
from sentinel.store.elastic.translate import asked, both, by_ids, within
from sentinel.store.elastic.write import Writer
from sentinel.store.ports import Sealer

_ALL = Hunt(limit=0)
_MOST_FRESH = 100_000  # ids that are remembered because no search shows them yet


class ElasticEventStore:
    """The events under one prefix. One process writes; any thread reads."""

    def __init__(
        self, link: Link, sealer: Sealer, *, prefix: str = "sentinel", read_only: bool = False
    ) -> None:
        """Take over ``link``; it is asked when it is needed, so the server may still be down."""
        self._link = link
        self._names = Names(prefix)
        self._codec = Codec(sealer)
        self._reader = Reader(link, self._names, self._codec)
        self._writer = Writer(link, self._names, self._codec, self._reader)
        self._progress = Progress(link, self._names)
        self._read_only = read_only
        self._lock = RLock()
        self._is_open = False
        self._fresh: set[str] = set()
        self._count = 0

    def open(self) -> None:
        """Look at what is stored, make what is missing, remove what was never finished.

        Called by every other call where need be. Raises StorageError.
        """
        with self._lock:
            if self._read_only:
                self._progress.read()
            elif not self._is_open:
                self._progress.prepare()
                self._reader.refresh()
                self._writer.remove_beyond(self._progress.offset)
                self._reader.refresh()
                self._fresh.clear()
                self._count = self._counted()
            self._is_open = True

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored, and so is an event whose id is stored.
        Returns how many events were added. Raises UnstorableEvent, or StorageError: then nothing
        of the batch is seen and the next call works again.
        """
        with self._lock:
            if self._read_only:
                raise StorageError("opened to read", where=self._link.where)
            self.open()
            if last_offset <= self._progress.offset:
                return 0
            try:
                new = self._new(events)
                if new:
                    self._progress.require_mine()
                    self._writer.put(new, last_offset=last_offset)
                self._progress.write(last_offset)
            except StorageError:
                self._is_open = False  # what is in force is asked again
                raise
            self._fresh.update(event.id for event in new)
            if len(self._fresh) > _MOST_FRESH:
                self._look()
            self._count += len(new)
            return len(new)

    def stored_offset(self) -> int:
        """Return the highest spool offset stored, -1 when empty."""
        with self._lock:
            self.open()
            return self._progress.offset

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""
        upto = self._look()
        query = both([by_ids([event_id]), *within(_ALL, upto=upto)])
        found = self._reader.first(query, sort=sorted_by(*BY_ARRIVAL), size=1)
        return found[0] if found else None

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Callable[[Event], bool] | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events with ``since <= time < until`` for which ``where`` is true, by time.

        Sees what was stored when the first event is asked for. Holds one page in memory.
        """
        upto = self._look()
        if limit == 0:
            return
        query = both(within(Hunt(since=since, until=until), upto=upto))
        size = PAGE if limit is None or where is not None else min(limit, PAGE)
        events = self._reader.events(query, sort=sorted_by(*BY_ARRIVAL), size=size)
        yield from islice((event for event in events if where is None or where(event)), limit)

    def count(self) -> int:
        """Return how many events are stored: as last known, where the server does not answer."""
        if self._read_only:
            self._look()
            return self._counted()
        return self._count  # without the lock: who writes may be waiting for the server

    def hunt(self, hunt: Hunt) -> list[Event]:
        """Return a page of events. Raises StorageError."""
        upto = self._look()
        if hunt.limit <= 0:
            return []
        after = None
        if hunt.after is not None:
            after = [micros(hunt.after.time), hunt.after.id]
        question = asked(hunt, upto=upto)
        events = self._reader.events(
            question.query,
            sort=sorted_by(columns.MICROS, ID, newest_first=hunt.newest_first),
            after=after,
            size=min(hunt.limit, PAGE) if question.exact else PAGE,
        )
        return list(islice((event for event in events if selects(hunt, event)), hunt.limit))

    def aggregate(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what ``hunt`` selects by groups. Raises StorageError.

        Counted by the server where condition and groups are columns; else each event is opened.
        """
        upto = self._look()
        question = asked(hunt, upto=upto)
        is_exact = question.exact and grouped.can_count(groups)
        if is_exact and not self._reader.count(_odd(hunt, upto)):
            counts = grouped.counted(self._reader, question.query, groups)
            return events_answers.ranked(counts.items(), groups)
        events = self._reader.events(question.query, sort=[{"_doc": {"order": "asc"}}])
        return events_answers.aggregate(events, hunt, groups)

    def purge(
        self,
        *,
        before: datetime,
        kind: str = NORMAL,
        keep: Condition | None = None,
        dry_run: bool = False,
    ) -> list[Purged]:
        """Remove the events of a retention class older than ``before``; say by day what went."""
        with self._lock:
            if self._read_only and not dry_run:
                raise StorageError("opened to read", where=self._link.where)
            upto = self._look()
            purge = Purge(self._link, self._names, self._codec, self._reader, self._writer)
            try:
                told = list(
                    purge.run(before=before, kind=kind, keep=keep, dry_run=dry_run, upto=upto)
                )
            finally:
                if not dry_run:
                    self._is_open = False  # counted again
            if not dry_run:
                self.open()
            return told

    def close(self) -> None:
        """Close the connections. A second call does nothing."""
        self._link.close()

    def _look(self) -> int:
        """Make visible what was written; return up to which offset a reader sees."""
        with self._lock:
            self.open()
            if self._fresh or self._read_only:
                self._reader.refresh()
                self._fresh.clear()
            return self._progress.offset

    def _counted(self) -> int:
        return self._reader.count(both(within(_ALL, upto=self._progress.offset)))

    def _new(self, events: Sequence[Event]) -> list[Event]:
        """Return the events that are not stored, each once."""
        first = {event.id: event for event in reversed(events)}
        unseen = [event_id for event_id in first if event_id not in self._fresh]
        known = self._writer.known(unseen, upto=self._progress.offset)
        return [
            event
            for event in events
            if event.id not in self._fresh
            and event.id not in known
            and first.pop(event.id, None) is not None
        ]


def _odd(hunt: Hunt, upto: int) -> dict[str, object]:
    return both([*within(hunt, upto=upto), {"term": {columns.ODD: True}}])
