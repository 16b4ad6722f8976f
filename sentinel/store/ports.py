"""What the rooms ask of a store. The contract suites in ``tests/contract`` hold for every one.

A `CaseStore` is synchronous and transactional: ``with store.begin() as tx`` commits at the end or
rolls back on an exception. The asynchronous service calls it through one worker thread.
An `EventStore` is append-only and idempotent by spool offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from sentinel.domain.event import Event
from sentinel.domain.hunt import NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.domain.scope import Fact
from sentinel.store.ports_accounts import Accounts, Api
from sentinel.store.ports_cases import Alerts, CaseRecords, Incidents
from sentinel.store.ports_journal import JournalLines
from sentinel.store.ports_outbox import Outbox
from sentinel.store.ports_retention import Retention
from sentinel.store.ports_watch import BlindWindows, DeadLetters


class EventStore(Protocol):
    """Where normalised events lie."""

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        """Store a batch durably; ``last_offset`` is the spool offset of its last event.

        A batch at or below `stored_offset` is ignored. Returns how many events were added.
        """
        ...

    def stored_offset(self) -> int:
        """Return the highest spool offset stored, -1 when empty."""
        ...

    def get(self, event_id: str) -> Event | None:
        """Return the event with this id."""
        ...

    def search(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Callable[[Event], bool] | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
        """Yield events with ``since <= time < until`` for which ``where`` is true, by time."""
        ...

    def count(self) -> int:
        """Return how many events are stored."""
        ...

    def hunt(self, hunt: Hunt) -> list[Event]:
        """Return a page of events; `Hunt.beyond` its last one asks for the next page.

        Answers as `domain.hunt_match.holds` does. Raises StorageError.
        """
        ...

    def aggregate(self, hunt: Hunt, groups: Groups) -> list[Group]:
        """Count what ``hunt`` selects by groups; its order, limit and position are not looked at.

        Exact, whatever the number of groups. Raises StorageError.
        """
        ...

    def purge(
        self,
        *,
        before: datetime,
        kind: str = NORMAL,
        keep: Condition | None = None,
        dry_run: bool = False,
    ) -> list[Purged]:
        """Remove the events of a retention class older than ``before``; say by day what went.

        ``kind``: `domain.hunt_match.class_of` the event. ``keep``: what is held and stays.
        `stored_offset` does not move; an event that went and is sent again is stored again, by a
        later offset. ``dry_run``: say what would go. All of a day goes or none: killed in
        between, the same call again finishes, and tells of what was left only.
        """
        ...

    def close(self) -> None:
        """Release files."""
        ...


class Facts(Protocol):
    """Business facts of the scope engine."""

    def put_many(self, facts: Iterable[Fact]) -> int:
        """Insert or replace by ``(kind, id, subject, actor)``; returns how many were given."""
        ...

    def all(self) -> Iterator[Fact]:
        """Yield every fact."""
        ...


class State(Protocol):
    """Small named state: consumer offsets, checkpoints."""

    def get(self, name: str) -> bytes | None:
        """Return the value stored under ``name``."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Store ``value`` under ``name``."""
        ...


class CaseTx(Protocol):
    """One transaction."""

    @property
    def alerts(self) -> Alerts:
        """Findings and alerts."""
        ...

    @property
    def incidents(self) -> Incidents:
        """Cases."""
        ...

    @property
    def journal(self) -> JournalLines:
        """The journal."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Messages that wait."""
        ...

    @property
    def facts(self) -> Facts:
        """Business facts."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Accounts."""
        ...

    @property
    def state(self) -> State:
        """Offsets and checkpoints."""
        ...

    @property
    def records(self) -> CaseRecords:
        """What a case gathers beside its state."""
        ...

    @property
    def api(self) -> Api:
        """Tokens and answers of the API."""
        ...

    @property
    def blind(self) -> BlindWindows:
        """The blind-window ledger."""
        ...

    @property
    def dead_letters(self) -> DeadLetters:
        """What was not understood."""
        ...

    @property
    def retention(self) -> Retention:
        """What the purge takes, and copies of events kept for a case."""
        ...


class CaseStore(Protocol):
    """Alerts, cases, journal, outbox, accounts."""

    def begin(self) -> AbstractContextManager[CaseTx]:
        """Open a transaction; commit at the end of the block, roll back on an exception."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class Sealer(Protocol):
    """Authenticated encryption under a master key that lives apart from the data."""

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt; ``context`` is authenticated and must be given again to open."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt. Raises StorageError where the key or the context is wrong."""
        ...
