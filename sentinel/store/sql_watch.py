"""Blind windows and dead letters in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.dead_letter import DeadLetter, LetterKind, LetterState, Tally
from sentinel.store.sql_codec import decode, from_us, to_us
from sentinel.store.sql_write import upsert
from sentinel.store.tables_watch import BLIND_WINDOWS, DEAD_LETTERS


class SqlBlindWindows:
    """`sentinel.store.ports.BlindWindows` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, window: BlindWindow) -> None:
        """Insert or replace by id."""
        row = {
            "id": window.id,
            "cause": window.cause.value,
            "source": window.source,
            "begin_us": to_us(window.begin),
            "end_us": to_us(window.end) if window.end else None,
            "body": msgspec.json.encode(window).decode(),
        }
        upsert(self._connection, BLIND_WINDOWS, row)

    def drop(self, window_id: str) -> None:
        """Forget a window that another one has taken in."""
        self._connection.execute(delete(BLIND_WINDOWS).where(BLIND_WINDOWS.c.id == window_id))

    def find(
        self,
        *,
        cause: Cause | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[BlindWindow]:
        """Return the windows that reach into ``[since, until]``, newest begin first."""
        table = BLIND_WINDOWS.c
        query = select(table.body).order_by(table.begin_us.desc(), table.id.desc()).limit(limit)
        if cause is not None:
            query = query.where(table.cause == cause.value)
        if source is not None:
            query = query.where(table.source == source)
        if since is not None:
            query = query.where(or_(table.end_us.is_(None), table.end_us >= to_us(since)))
        if until is not None:
            query = query.where(table.begin_us <= to_us(until))
        if open_only:
            query = query.where(table.end_us.is_(None))
        rows = self._connection.execute(query)
        return [decode(row.body, BlindWindow, "blind_windows") for row in rows]


class SqlDeadLetters:
    """`sentinel.store.ports.DeadLetters` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_many(self, letters: Iterable[DeadLetter]) -> int:
        """Keep letters; one whose id is known adds nothing. Returns how many were added."""
        rows = {letter.id: _row(letter) for letter in letters}
        if not rows:
            return 0
        ids = select(DEAD_LETTERS.c.id).where(DEAD_LETTERS.c.id.in_(rows))
        for known in self._connection.scalars(ids).all():
            del rows[known]
        if rows:
            self._connection.execute(insert(DEAD_LETTERS), list(rows.values()))
        return len(rows)

    def find(
        self,
        *,
        source: str | None = None,
        since: datetime | None = None,
        state: LetterState | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 1000,
    ) -> list[DeadLetter]:
        """Return letters received at or after ``since``, oldest first; ``after``: to page on."""
        table = DEAD_LETTERS.c
        query = select(DEAD_LETTERS).order_by(table.received_us, table.id).limit(limit)
        if source is not None:
            query = query.where(table.source == source)
        if since is not None:
            query = query.where(table.received_us >= to_us(since))
        if state is not None:
            query = query.where(table.state == state.value)
        if after is not None:
            at = to_us(after[0])
            query = query.where(
                or_(table.received_us > at, (table.received_us == at) & (table.id > after[1]))
            )
        return [_letter(row) for row in self._connection.execute(query)]

    def parsed(self, letter_id: str, *, sealed: bytes, context: str, event_id: str) -> bool:
        """Put the event that a waiting letter became in its place. False where it does not wait."""
        changed = self._connection.execute(
            update(DEAD_LETTERS)
            .where(
                DEAD_LETTERS.c.id == letter_id, DEAD_LETTERS.c.state == LetterState.WAITING.value
            )
            .values(
                state=LetterState.PARSED.value, sealed=sealed, context=context, event_id=event_id
            )
        )
        return changed.rowcount == 1

    def replayed(self, letter_ids: Iterable[str], *, at: datetime) -> int:
        """Mark letters whose event is in the spool; their content is erased."""
        changed = self._connection.execute(
            update(DEAD_LETTERS)
            .where(
                DEAD_LETTERS.c.id.in_(list(letter_ids)),
                DEAD_LETTERS.c.state == LetterState.PARSED.value,
            )
            .values(state=LetterState.REPLAYED.value, replayed_us=to_us(at), sealed=b"")
        )
        return int(changed.rowcount)

    def erase(self, letter_ids: Iterable[str]) -> int:
        """Remove letters before their term; return how many."""
        ids = list(letter_ids)
        gone = 0
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            gone += self._connection.execute(
                delete(DEAD_LETTERS).where(DEAD_LETTERS.c.id.in_(some))
            ).rowcount
        return gone

    def counts(self) -> dict[tuple[str, LetterState], int]:
        """Return how many there are, by source and state."""
        table = DEAD_LETTERS.c
        query = select(table.source, table.state, func.count()).group_by(table.source, table.state)
        return {
            (source, LetterState(state)): count
            for source, state, count in self._connection.execute(query)
        }

    def expire(self, now: datetime) -> list[Tally]:
        """Erase the letters whose term is over; return those among them that no one replayed."""
        table = DEAD_LETTERS.c
        due = table.expires_us <= to_us(now)
        query = (
            select(
                table.source,
                func.count(),
                func.min(table.received_us),
                func.max(table.received_us),
            )
            .where(due, table.state != LetterState.REPLAYED.value)
            .group_by(table.source)
            .order_by(table.source)
        )
        lost = [
            Tally(source, count, from_us(first), from_us(last))
            for source, count, first, last in self._connection.execute(query)
        ]
        self._connection.execute(delete(DEAD_LETTERS).where(due))
        return lost


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "source": letter.source,
        "kind": letter.kind.value,
        "state": letter.state.value,
        "reason": letter.reason,
        "received_us": to_us(letter.received),
        "expires_us": to_us(letter.expires),
        "replayed_us": to_us(letter.replayed_at) if letter.replayed_at else None,
        "event_id": letter.event_id,
        "context": letter.context,
        "sealed": letter.sealed,
    }


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        source=row.source,
        kind=LetterKind(row.kind),
        reason=row.reason,
        received=from_us(row.received_us),
        expires=from_us(row.expires_us),
        sealed=row.sealed,
        context=row.context,
        state=LetterState(row.state),
        replayed_at=None if row.replayed_us is None else from_us(row.replayed_us),
        event_id=row.event_id,
    )
