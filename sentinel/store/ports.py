"""What the rooms ask of a store. The contract suites in ``tests/contract`` hold for every one.

A `CaseStore` is synchronous and transactional: ``with store.begin() as tx`` commits at the end or
rolls back on an exception. The asynchronous service calls it through one worker thread.
An `EventStore` is append-only and idempotent by spool offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from sentinel.domain.account import Account, ApiToken, WebSession
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.anchor import Anchor
from sentinel.domain.deadline import Deadline
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.domain.hunt import NORMAL, Condition, Group, Groups, Hunt, Purged
from sentinel.domain.incident import Document, Incident
from sentinel.domain.journal import JournalLine
from sentinel.domain.outbox import Message, OutboxState
from sentinel.domain.record import CaseRecord
from sentinel.domain.scope import Fact
from sentinel.store.ports_retention import Retention
from sentinel.store.ports_watch import BlindWindows, DeadLetters

R = TypeVar("R", bound=CaseRecord)


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


class Alerts(Protocol):
    """Findings and alerts."""

    def add_finding(self, finding: Finding, alert_id: str) -> bool:
        """Record that a finding was folded into an alert. False if it was known already."""
        ...

    def has_finding(self, finding_id: str) -> bool:
        """Tell whether a finding was folded before."""
        ...

    def put(self, alert: Alert) -> None:
        """Insert, or update where the stored version is ``alert.version - 1``. Raises Conflict."""
        ...

    def get(self, alert_id: str) -> Alert:
        """Return an alert. Raises NotFound."""
        ...

    def open_with_fingerprint(
        self,
        fingerprint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Alert | None:
        """Return the newest open or acknowledged alert with this fingerprint.

        With ``since`` or ``until``: the newest that reaches into that span of event time.
        """
        ...

    def find(
        self,
        *,
        state: AlertState | None = None,
        incident_id: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Alert]:
        """Return alerts, newest ``last`` first."""
        ...

    def count(self, *, state: AlertState | None = None) -> int:
        """Return how many alerts there are."""
        ...


class Incidents(Protocol):
    """Cases with their deadlines and documents."""

    def next_reference(self, year: int) -> str:
        """Return the next ``INC-<year>-<4 digits>``; never the same twice."""
        ...

    def put(self, incident: Incident) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def get(self, incident_id: str) -> Incident:
        """Return a case by id or reference. Raises NotFound."""
        ...

    def find(self, *, open_only: bool = False, limit: int = 200) -> list[Incident]:
        """Return cases, newest first."""
        ...

    def put_deadline(self, deadline: Deadline) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def deadlines(
        self, incident_id: str | None = None, *, open_only: bool = False
    ) -> list[Deadline]:
        """Return deadlines, soonest first."""
        ...

    def alarms_due(self, now: datetime) -> list[Deadline]:
        """Return open deadlines whose next alarm is at or before ``now``, oldest alarm first."""
        ...

    def put_document(self, document: Document) -> None:
        """Record a document."""
        ...

    def documents(self, incident_id: str) -> list[Document]:
        """Return the documents of a case, oldest first."""
        ...

    def get_document(self, document_id: str) -> Document:
        """Return a document. Raises NotFound."""
        ...


class JournalLines(Protocol):
    """The hash-chained journal."""

    def append(
        self, *, occurred_at: datetime, actor: str, action: str, object_id: str, payload: object
    ) -> JournalLine:
        """Seal ``payload`` (JSON-able), chain and store one line in this transaction."""
        ...

    def lines(
        self, *, object_id: str | None = None, after: int = 0, limit: int = 10_000
    ) -> list[JournalLine]:
        """Return lines in order; ``object_id`` is an incident's or alert's id."""
        ...

    def opened(self, line: JournalLine) -> object:
        """Return the payload of a line in clear; None where it was purged or its key destroyed."""
        ...

    def last(self) -> JournalLine | None:
        """Return the newest line."""
        ...

    def purge(self, *, recorded_before: datetime, up_to: int) -> tuple[int, int]:
        """Drop the payloads of lines up to ``up_to`` recorded before an instant.

        Returns how many, and the highest line among them.
        """
        ...

    def destroy_key(self, object_id: str) -> bool:
        """Destroy the data key of an object's payloads; False where it had none."""
        ...

    def put_anchor(self, anchor: Anchor) -> None:
        """Keep an anchor; its ``last_seq`` is its key."""
        ...

    def stamp_anchor(self, last_seq: int, timestamp: str) -> None:
        """Keep the time-stamp of an anchor that has none so far."""
        ...

    def anchors(self) -> list[Anchor]:
        """Return the anchors, oldest first."""
        ...


class Outbox(Protocol):
    """Messages that wait."""

    def enqueue(self, message: Message) -> bool:
        """Add a message; False where its key is known already."""
        ...

    def claim(self, now: datetime, *, limit: int = 20) -> list[Message]:
        """Claim pending messages that are due, by conditional UPDATE; they become ``sending``."""
        ...

    def mark_sent(self, message_id: str, *, at: datetime, receipt: str) -> None:
        """Record success."""
        ...

    def mark_retry(self, message_id: str, *, next_attempt_at: datetime, error: str) -> None:
        """Give a message back for a later try."""
        ...

    def mark_failed(self, message_id: str, *, error: str) -> None:
        """Give up, visibly."""
        ...

    def release_stale(self, *, claimed_before: datetime) -> int:
        """Give back messages whose sender died while sending; returns how many."""
        ...

    def find(self, *, state: OutboxState | None = None, limit: int = 200) -> list[Message]:
        """Return messages, newest first."""
        ...


class Facts(Protocol):
    """Business facts of the scope engine."""

    def put_many(self, facts: Iterable[Fact]) -> int:
        """Insert or replace by ``(kind, id, subject, actor)``; returns how many were given."""
        ...

    def all(self) -> Iterator[Fact]:
        """Yield every fact."""
        ...


class Accounts(Protocol):
    """Accounts and web sessions."""

    def put(self, account: Account) -> None:
        """Insert or replace by id."""
        ...

    def get(self, account_id: str) -> Account | None:
        """Return an account by id."""
        ...

    def by_name(self, name: str) -> Account | None:
        """Return an account by its sign-in name (case-insensitive)."""
        ...

    def all(self) -> list[Account]:
        """Return every account by name."""
        ...

    def put_session(self, session: WebSession) -> None:
        """Insert or replace a session."""
        ...

    def session(self, token_hash: str) -> WebSession | None:
        """Return a session."""
        ...

    def drop_session(self, token_hash: str) -> None:
        """End a session."""
        ...


class State(Protocol):
    """Small named state: consumer offsets, checkpoints."""

    def get(self, name: str) -> bytes | None:
        """Return the value stored under ``name``."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Store ``value`` under ``name``."""
        ...


class CaseRecords(Protocol):
    """Tasks, evidence, notes, answers, proposals, merges of cases."""

    def put(self, record: CaseRecord) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def get(self, kind: type[R], record_id: str) -> R:
        """Return a record of a kind. Raises NotFound."""
        ...

    def find(self, kind: type[R], incident_id: str | None = None) -> list[R]:
        """Return the records of a kind, oldest first; of one case or of all."""
        ...


class Api(Protocol):
    """Tokens of the API, and answers already given to its commands."""

    def put_token(self, token: ApiToken) -> None:
        """Insert or replace a token."""
        ...

    def token(self, token_hash: str) -> ApiToken | None:
        """Return a token by the SHA-256 of its text, hex."""
        ...

    def tokens(self, account_id: str) -> list[ApiToken]:
        """Return the tokens of an account, oldest first."""
        ...

    def remembered(self, key: str) -> object | None:
        """Return what was remembered under ``key``, or None."""
        ...

    def remember(self, key: str, answer: object, now: datetime) -> None:
        """Keep an answer (JSON-able) under ``key``."""
        ...

    def forget(self, before: datetime) -> int:
        """Drop answers given before an instant; return how many."""
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
