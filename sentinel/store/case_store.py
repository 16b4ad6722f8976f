"""The case store: alerts, cases, journal, outbox, facts, accounts, in one database transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from time import sleep
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from sentinel.clock import Clock
from sentinel.errors import Conflict, StorageError
from sentinel.store.ports import Sealer
from sentinel.store.reseal_cases import reseal_cases
from sentinel.store.seal import AesGcmSealer
from sentinel.store.sql_accounts import SqlAccounts
from sentinel.store.sql_alerts import SqlAlerts
from sentinel.store.sql_codec import SealedBodies
from sentinel.store.sql_engine import in_memory, may_repeat, open_engine, said
from sentinel.store.sql_incidents import SqlIncidents
from sentinel.store.sql_journal import SqlJournal
from sentinel.store.sql_outbox import SqlOutbox
from sentinel.store.sql_records import SqlApi, SqlCaseRecords
from sentinel.store.sql_retention import SqlRetention
from sentinel.store.sql_schema import Schema, look, migrate, prepare
from sentinel.store.sql_small import SqlFacts, SqlState
from sentinel.store.sql_watch import SqlBlindWindows, SqlDeadLetters

T = TypeVar("T")
ATTEMPTS = 5
_PAUSE = 0.05  # seconds


class Undone(StorageError):
    """The database undid a transaction that did nothing wrong: it may be run again."""


class SqlCaseTx:
    """`sentinel.store.ports.CaseTx`: the repositories of one transaction."""

    def __init__(self, connection: Connection, bodies: SealedBodies, clock: Clock) -> None:
        self.alerts = SqlAlerts(connection, bodies)
        self.incidents = SqlIncidents(connection, bodies)
        self.journal = SqlJournal(connection, bodies, clock)
        self.outbox = SqlOutbox(connection)
        self.facts = SqlFacts(connection)
        self.accounts = SqlAccounts(connection, bodies)
        self.state = SqlState(connection)
        self.records = SqlCaseRecords(connection, bodies)
        self.api = SqlApi(connection, bodies)
        self.blind = SqlBlindWindows(connection)
        self.dead_letters = SqlDeadLetters(connection)
        self.retention = SqlRetention(connection, bodies)


class SqlCaseStore:
    """`sentinel.store.ports.CaseStore` on SQLAlchemy Core. Safe from several threads.

    A transaction inside a transaction of the same thread waits for itself: pass the ``tx`` on.
    """

    def __init__(
        self, engine: Engine, bodies: SealedBodies, clock: Clock, schema: Schema | None = None
    ) -> None:
        self._engine = engine
        self._bodies = bodies
        self._clock = clock
        self.schema = schema
        """Where the database stood when it was opened."""
        # All threads share the one connection in whose memory the database lives.
        self._turn: AbstractContextManager[object] = (
            Lock() if in_memory(engine.url) else nullcontext()
        )

    @classmethod
    def open(cls, target: str | Path, sealer: Sealer, clock: Clock) -> SqlCaseStore:
        """Open a database URL, an SQLite file or ``:memory:``; a new one gets its schema.

        Raises StorageError where it cannot be opened, is newer than this version, or too old.
        """
        engine = open_engine(target)
        try:
            schema = prepare(engine)
        except DBAPIError as error:
            engine.dispose()
            raise _storage_error(error) from error
        except StorageError:
            engine.dispose()
            raise
        return cls(engine, SealedBodies(sealer), clock, schema)

    @contextmanager
    def begin(self) -> Iterator[SqlCaseTx]:
        """Open a transaction; commit at the end of the block, roll back on an exception.

        Raises Conflict where a unique key or a reference is violated, StorageError where the
        database fails.
        """
        worked = False
        with self._turn:
            try:
                with self._engine.begin() as connection:
                    yield SqlCaseTx(connection, self._bodies, self._clock)
                    worked = True
            except IntegrityError as error:
                raise Conflict(said(error)) from error
            except DBAPIError as error:
                # Where a connection breaks in the commit, nobody knows whether it came through.
                if may_repeat(error) and not (worked and error.connection_invalidated):
                    raise Undone(said(error)) from error
                raise _storage_error(error) from error

    def run(self, function: Callable[[SqlCaseTx], T], /) -> T:
        """Run ``function`` in a transaction; again where the database undid it for no fault."""
        for attempt in range(1, ATTEMPTS):
            try:
                with self.begin() as tx:
                    return function(tx)
            except Undone:
                sleep(_PAUSE * attempt)
        with self.begin() as tx:
            return function(tx)

    def reseal(self, sealer: AesGcmSealer) -> Iterator[tuple[str, int]]:
        """Seal every row again under the key in force of ``sealer``; yield tables and counts."""
        try:
            yield from reseal_cases(self._engine, sealer)
        except DBAPIError as error:
            raise _storage_error(error) from error

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()


def at_schema(target: str | Path, *, to: str = "", change: bool = True) -> tuple[Schema, Schema]:
    """Return the schema of a database before and after migrating it (``change``) up to ``to``.

    Raises StorageError where it is newer than this version or cannot be opened, UsageError on an
    unknown or earlier revision.
    """
    engine = open_engine(target)
    try:
        if change:
            return migrate(engine, to)
        schema = look(engine)
        return schema, schema
    except DBAPIError as error:
        raise _storage_error(error) from error
    finally:
        engine.dispose()


def _storage_error(error: DBAPIError) -> StorageError:
    # The statement's values stay out of the message: they may be personal data.
    detail = said(error)
    if "no such table" in detail or "does not exist" in detail or "no such column" in detail:
        return StorageError(detail, hint="is the schema the newest? `sentinel migrate --check`")
    return StorageError(detail, hint="is the disk full, or the database held by another?")
