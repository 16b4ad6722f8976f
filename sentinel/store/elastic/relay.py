"""Events on their way to Elasticsearch: a sealed log on this disk first, the server behind it.

Detection waits for this disk alone: while the server is slow, gone or being upgraded, events are
judged and alerts go out, and what was judged lies here. A thread brings it on, in large batches,
in order, as often as need be; a batch that arrived already is ignored there. Reading asks the
server, after what lies here has arrived, so that an answer never lacks what was appended before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Condition as Signal
from threading import Thread
from time import monotonic

from sentinel.domain.event import Event
from sentinel.domain.hunt import NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.errors import SentinelError, StorageError
from sentinel.store.disk import Disk, FolderLock, make_folder, trouble
from sentinel.store.elastic.batches import Batches
from sentinel.store.elastic.faults import EventsUnreachable
from sentinel.store.elastic.store import ElasticEventStore
from sentinel.store.ports import Sealer

_SHORTEST, _LONGEST = 0.5, 10.0  # seconds between tries
_AT_CLOSE = 5.0


class RelayedEventStore:
    """An `EventStore` whose events are durable here and searched there.

    ``patience``: seconds for which a reader waits for what is on its way. ``on_trouble`` hears of
    each new reason why nothing can be brought on.
    """

    def __init__(
        self,
        folder: Path,
        sealer: Sealer,
        target: ElasticEventStore,
        *,
        patience: float = 30.0,
        disk: Disk | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open the log in ``folder``. Raises StorageError where it is damaged or taken."""
        disk = disk or Disk()
        try:
            make_folder(disk, folder)
        except OSError as error:
            raise trouble(error, folder) from error
        self._lock = FolderLock(folder)
        try:
            self._batches = Batches(folder, sealer, disk)
        except BaseException:
            self._lock.release()
            raise
        self._target = target
        self._patience = patience
        self._on_trouble = on_trouble
        self._signal = Signal()
        self._arrived = -1
        self._closing = False
        self._refusal: SentinelError | None = None
        self._thread = Thread(target=self._bring_on, name="relay", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why nothing can be brought on now; empty where it can."""
        refusal = self._refusal
        return "" if refusal is None else str(refusal)

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored. Returns how many events were taken: of
        those that are stored already the server knows, not this log. Raises UnstorableEvent, or
        StorageError where this disk fails.
        """
        if last_offset <= self.stored_offset():
            return 0
        taken = self._batches.append(events, last_offset=last_offset)
        with self._signal:
            self._signal.notify_all()
        return taken

    def stored_offset(self) -> int:
        """Return the highest spool offset that is durable, -1 when empty.

        Asks the server where nothing was ever written here. Raises StorageError.
        """
        if self._batches.last < 0:
            there = self._target.stored_offset()
            with self._signal:
                self._batches.begin_at(there)
                self._arrived = max(self._arrived, there)
        return self._batches.last

    def count(self) -> int:
        """Return how many events are stored, there as last known and here."""
        return self._target.count() + self._batches.waiting(self._arrived)

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id; here, while the server does not answer."""
        try:
            self._settle()
            return self._target.get(event_id)
        except StorageError:
            for batch in self._batches.after(self._arrived):
                for event in batch.events:
                    if event.id == event_id:
                        return event
            raise

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Callable[[Event], bool] | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events by time (see `ElasticEventStore.search`). Raises StorageError."""
        self._settle()
        yield from self._target.search(since=since, until=until, where=where, limit=limit)

    def hunt(self, hunt: Hunt) -> list[Event]:
        """Return a page of events. Raises StorageError."""
        self._settle()
        return self._target.hunt(hunt)

    def aggregate(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what ``hunt`` selects by groups. Raises StorageError."""
        self._settle()
        return self._target.aggregate(hunt, groups)

    def purge(
        self,
        *,
        before: datetime,
        kind: str = NORMAL,
        keep: Condition | None = None,
        dry_run: bool = False,
    ) -> list[Purged]:
        """Remove the events of a retention class older than ``before``; say by day what went."""
        self._settle()
        return self._target.purge(before=before, kind=kind, keep=keep, dry_run=dry_run)

    def close(self) -> None:
        """Stop bringing on; what has not arrived stays here. A second call does nothing."""
        with suppress(StorageError):
            if not self._closing and not self.trouble:
                self._settle(_AT_CLOSE)
        with self._signal:
            self._closing = True
            self._signal.notify_all()
        self._thread.join()
        self._batches.close()
        self._target.close()
        self._lock.release()

    def _settle(self, patience: float | None = None) -> None:
        """Return once all that is here now has arrived. Raises StorageError."""
        wanted = self._batches.last
        end = monotonic() + (self._patience if patience is None else patience)
        with self._signal:
            while self._arrived < wanted:
                if self._refusal is not None:
                    raise self._refusal
                left = end - monotonic()
                if left <= 0 or self._closing:
                    raise EventsUnreachable(
                        "what was stored lately is still on its way", hint="ask again later"
                    )
                self._signal.wait(left)

    def _bring_on(self) -> None:
        pause = _SHORTEST
        while True:
            with self._signal:
                self._signal.wait_for(lambda: self._closing or self._arrived < self._batches.last)
                if self._closing:
                    return
            try:
                self._bring_some()
            except Exception as error:
                foreign = StorageError(type(error).__name__)
                self._refused(error if isinstance(error, SentinelError) else foreign)
                with self._signal:
                    self._signal.wait_for(lambda: self._closing, pause)
                pause = min(pause * 2, _LONGEST)
            else:
                pause = _SHORTEST

    def _bring_some(self) -> None:
        """Bring on what waits, up to a large batch. Raises SentinelError."""
        there = self._target.stored_offset()
        self._batches.require_joined(there)
        batch = self._batches.portion(there)
        if batch is not None:
            self._target.append(batch.events, last_offset=batch.last)
            there = batch.last
        with self._signal:
            self._arrived, self._refusal = there, None
            self._signal.notify_all()
        with suppress(StorageError):  # tried again after the next batch
            self._batches.drop(there)

    def _refused(self, error: SentinelError) -> None:
        with self._signal:
            is_new = str(error) != self.trouble
            self._refusal = error
            self._signal.notify_all()
        if is_new:
            self._on_trouble(str(error))
