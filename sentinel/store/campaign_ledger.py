"""The ledger of letters, in a database of its own: one row per letter, each step durable.

What a search needs stands in columns and names nobody: a keyed token, a state, a number. The body
(who, in which language, what the servers said) is sealed and bound to its token. A letter may leave
only through `begin`, which asks in one transaction whether the campaign's gate is open and whether
the letter still waits: a kill switch holds from the instant its transaction commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from sentinel.domain.dispatch import Dispatch, DispatchState, Failure
from sentinel.errors import NotFound, StorageError
from sentinel.store.ports import Sealer
from sentinel.store.sql_codec import SealedBodies, to_us
from sentinel.store.sql_engine import open_engine

AT_ONCE = 500
_META = MetaData()
GATES = Table(
    "gates",
    _META,
    Column("campaign", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("open_to", Integer, nullable=False),
)
LETTERS = Table(
    "letters",
    _META,
    Column("token", String(32), primary_key=True),
    Column("campaign", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("failure", String(32), nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("mail_key", String(32), nullable=False),
    Column("posted", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_letters_campaign_state", "campaign", "state", "next_us", "number"),
    Index("ix_letters_mail_key", "mail_key"),
)

Change = Callable[[Dispatch], Dispatch | None]


class CampaignLedger:
    """Open with `CampaignLedger(path, sealer)`; close when done. Instants are UTC."""

    def __init__(self, path: Path, sealer: Sealer) -> None:
        """Open or make the ledger. Raises StorageError."""
        self._bodies = SealedBodies(sealer)
        self._path = path
        self._engine = open_engine(path)
        with self._begin() as connection:
            _META.create_all(connection)

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    def fill(self, letters: Iterable[Dispatch]) -> int:
        """Add letters whose token is not known yet, in one transaction; return how many.

        A token is a person and a letter version: whoever was written to is not added again.
        """
        added = 0
        with self._begin() as connection:
            for some in _slices(list(letters)):
                tokens = [one.token for one in some]
                known = set(
                    connection.scalars(select(LETTERS.c.token).where(LETTERS.c.token.in_(tokens)))
                )
                rows = [self._row(one) for one in some if one.token not in known]
                if rows:
                    connection.execute(insert(LETTERS), rows)
                added += len(rows)
        return added

    def discard(self, campaign: str) -> None:
        """Remove the letters of a campaign that never started."""
        with self._begin() as connection:
            connection.execute(delete(LETTERS).where(LETTERS.c.campaign == campaign))

    def gate(self, campaign: str, *, version: int, open_to: int) -> bool:
        """Let the letters up to number ``open_to`` out; 0 = none. Return whether it holds.

        ``version`` is that of the campaign's record: an older one changes nothing, so that a worker
        that is behind cannot open what a person has just shut.
        """
        with self._begin() as connection:
            stored = connection.scalar(select(GATES.c.version).where(GATES.c.campaign == campaign))
            if stored is not None and stored > version:
                return False
            row = {"campaign": campaign, "version": version, "open_to": open_to}
            if stored is None:
                connection.execute(insert(GATES), row)
            else:
                connection.execute(update(GATES).where(GATES.c.campaign == campaign).values(**row))
        return True

    def due(self, campaign: str, now: datetime, *, open_to: int, limit: int) -> list[Dispatch]:
        """Return letters that wait and are due, by number."""
        query = (
            select(LETTERS)
            .where(
                LETTERS.c.campaign == campaign,
                LETTERS.c.state == DispatchState.QUEUED.value,
                LETTERS.c.next_us <= to_us(now),
                LETTERS.c.number <= open_to,
            )
            .order_by(LETTERS.c.next_us, LETTERS.c.number)
            .limit(limit)
        )
        with self._begin() as connection:
            return [self._read(row) for row in connection.execute(query)]

    def begin(self, token: str, change: Change) -> Dispatch | None:
        """Write that a letter is about to be handed over; None: it may not leave (any more)."""
        with self._begin() as connection:
            row = self._one(connection, token)
            if row is None or row.state != DispatchState.QUEUED.value:
                return None
            open_to = connection.scalar(
                select(GATES.c.open_to).where(GATES.c.campaign == row.campaign)
            )
            if open_to is None or row.number > open_to:
                return None
            changed = change(self._read(row))
            if changed is not None:
                self._write(connection, changed)
            return changed

    def change(self, token: str, change: Change) -> Dispatch | None:
        """Change one letter in one transaction; None where ``change`` leaves it as it is.

        Raises NotFound.
        """
        with self._begin() as connection:
            row = self._one(connection, token)
            if row is None:
                raise NotFound("letter")
            changed = change(self._read(row))
            if changed is not None:
                self._write(connection, changed)
            return changed

    def change_all(self, campaign: str | None, state: DispatchState, change: Change) -> int:
        """Change every letter in ``state`` (of one campaign or all); return how many changed."""
        query = select(LETTERS).where(LETTERS.c.state == state.value)
        if campaign is not None:
            query = query.where(LETTERS.c.campaign == campaign)
        count = 0
        with self._begin() as connection:
            for row in connection.execute(query).fetchall():
                changed = change(self._read(row))
                if changed is not None:
                    self._write(connection, changed)
                    count += 1
        return count

    def scrub(self) -> None:
        """Leave no trace of what was overwritten: what the log of the database holds goes too."""
        with self._engine.connect() as connection:
            raw = connection.connection.cursor()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.close()

    def find(self, token: str) -> Dispatch | None:
        """Return the letter with this token."""
        with self._begin() as connection:
            row = self._one(connection, token)
            return self._read(row) if row is not None else None

    def by_mail_key(self, mail_key: str) -> list[Dispatch]:
        """Return the letters that went to an address, by its keyed hash."""
        query = select(LETTERS).where(LETTERS.c.mail_key == mail_key)
        with self._begin() as connection:
            return [self._read(row) for row in connection.execute(query)]

    def letters(self, campaign: str, *states: DispatchState) -> Iterator[Dispatch]:
        """Yield the letters of a campaign, by number; only those in ``states`` if any is given."""
        last = 0
        while True:
            query = (
                select(LETTERS)
                .where(LETTERS.c.campaign == campaign, LETTERS.c.number > last)
                .order_by(LETTERS.c.number)
                .limit(AT_ONCE)
            )
            if states:
                query = query.where(LETTERS.c.state.in_([state.value for state in states]))
            with self._begin() as connection:
                found = [self._read(row) for row in connection.execute(query)]
            if not found:
                return
            yield from found
            last = found[-1].number

    def counts(self, campaign: str, *, up_to: int | None = None) -> dict[DispatchState, int]:
        """Return how many letters are in each state; ``up_to``: of the first so many."""
        query = select(LETTERS.c.state, func.count()).where(LETTERS.c.campaign == campaign)
        if up_to is not None:
            query = query.where(LETTERS.c.number <= up_to)
        with self._begin() as connection:
            found = connection.execute(query.group_by(LETTERS.c.state)).fetchall()
        rows = {str(row[0]): int(row[1]) for row in found}
        return {state: rows.get(state.value, 0) for state in DispatchState}

    def failures(self, campaign: str) -> dict[Failure, int]:
        """Return how many letters failed, by name."""
        query = (
            select(LETTERS.c.failure, func.count())
            .where(LETTERS.c.campaign == campaign, LETTERS.c.failure != "")
            .group_by(LETTERS.c.failure)
            .order_by(LETTERS.c.failure)
        )
        with self._begin() as connection:
            return {Failure(name): int(n) for name, n in connection.execute(query)}

    def posted(self, campaign: str) -> int:
        """Return how many letters went by post."""
        query = select(func.count()).where(LETTERS.c.campaign == campaign, LETTERS.c.posted == 1)
        with self._begin() as connection:
            return int(connection.scalar(query) or 0)

    def _one(self, connection: Connection, token: str) -> Any:
        return connection.execute(select(LETTERS).where(LETTERS.c.token == token)).one_or_none()

    def _read(self, row: Any) -> Dispatch:
        found = self._bodies.read(row.body, Dispatch, f"letter:{row.token}")
        columns = (row.campaign, row.number, row.state, row.failure)
        failure = found.failure.value if found.failure else ""
        if columns != (found.campaign, found.number, found.state.value, failure):
            raise StorageError("a letter's row was altered", where=f"letters/{row.token}")
        return found

    def _row(self, one: Dispatch) -> dict[str, Any]:
        return {
            "token": one.token,
            "campaign": one.campaign,
            "number": one.number,
            "state": one.state.value,
            "failure": one.failure.value if one.failure else "",
            "next_us": to_us(one.next_at) if one.next_at else 0,
            "mail_key": one.mail_key,
            "posted": int(one.posted_at is not None),
            "body": self._bodies.write(one, f"letter:{one.token}"),
        }

    def _write(self, connection: Connection, one: Dispatch) -> None:
        connection.execute(
            update(LETTERS).where(LETTERS.c.token == one.token).values(**self._row(one))
        )

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(str(error.__cause__ or error), where=str(self._path)) from error


def _slices(letters: list[Dispatch]) -> Iterator[list[Dispatch]]:
    for start in range(0, len(letters), AT_ONCE):
        yield letters[start : start + AT_ONCE]
