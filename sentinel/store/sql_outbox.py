"""The outbox in SQL. A message is claimed by a conditional UPDATE, so that no two workers send it.

``attempts`` grows when a message is claimed, not when it fails: a worker that dies while sending
has tried too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, exists, insert, select, update

from sentinel.domain.outbox import Message, OutboxState
from sentinel.errors import NotFound
from sentinel.store.sql_codec import from_us, to_us
from sentinel.store.tables import OUTBOX


class SqlOutbox:
    """`sentinel.store.ports.Outbox` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enqueue(self, message: Message) -> bool:
        """Add a message; False where its key is known already."""
        known = self._connection.scalar(select(exists().where(OUTBOX.c.key == message.key)))
        if known:
            return False
        self._connection.execute(insert(OUTBOX).values(**_row(message)))
        return True

    def claim(self, now: datetime, *, limit: int = 20) -> list[Message]:
        """Claim pending messages that are due, oldest due first; they become ``sending``."""
        pending = OUTBOX.c.state == OutboxState.PENDING.value
        due = self._connection.scalars(
            select(OUTBOX.c.id)
            .where(pending, OUTBOX.c.next_attempt_us <= to_us(now))
            .order_by(OUTBOX.c.next_attempt_us, OUTBOX.c.created_us, OUTBOX.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # no row twice, whoever else reads this table
        ).all()
        claimed = [
            message_id
            for message_id in due
            if self._change(
                message_id,
                pending,
                state=OutboxState.SENDING.value,
                claimed_us=to_us(now),
                attempts=OUTBOX.c.attempts + 1,
            )
        ]
        return [self._get(message_id) for message_id in claimed]

    def mark_sent(self, message_id: str, *, at: datetime, receipt: str) -> None:
        """Record success. Raises NotFound."""
        self._must_change(
            message_id,
            state=OutboxState.SENT.value,
            sent_us=to_us(at),
            receipt=receipt,
            last_error="",
        )

    def mark_retry(self, message_id: str, *, next_attempt_at: datetime, error: str) -> None:
        """Give a message back for a later try. Raises NotFound."""
        self._must_change(
            message_id,
            state=OutboxState.PENDING.value,
            next_attempt_us=to_us(next_attempt_at),
            last_error=error,
        )

    def mark_failed(self, message_id: str, *, error: str) -> None:
        """Give up, visibly. Raises NotFound."""
        self._must_change(message_id, state=OutboxState.FAILED.value, last_error=error)

    def release_stale(self, *, claimed_before: datetime) -> int:
        """Give back messages whose sender died while sending; returns how many."""
        changed = self._connection.execute(
            update(OUTBOX)
            .where(
                OUTBOX.c.state == OutboxState.SENDING.value,
                OUTBOX.c.claimed_us < to_us(claimed_before),
            )
            .values(state=OutboxState.PENDING.value)
        )
        return changed.rowcount

    def find(self, *, state: OutboxState | None = None, limit: int = 200) -> list[Message]:
        """Return messages, newest first."""
        query = select(OUTBOX)
        if state is not None:
            query = query.where(OUTBOX.c.state == state.value)
        newest = query.order_by(OUTBOX.c.created_us.desc(), OUTBOX.c.id.desc())
        return [_message(row) for row in self._connection.execute(newest.limit(limit))]

    def _get(self, message_id: str) -> Message:
        return _message(
            self._connection.execute(select(OUTBOX).where(OUTBOX.c.id == message_id)).one()
        )

    def _must_change(self, message_id: str, **values: Any) -> None:
        if not self._change(message_id, **values):
            raise NotFound(f"message {message_id}")

    def _change(self, message_id: str, *where: ColumnElement[bool], **values: Any) -> bool:
        changed = self._connection.execute(
            update(OUTBOX).where(OUTBOX.c.id == message_id, *where).values(**values)
        )
        return changed.rowcount == 1


def _row(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "key": message.key,
        "channel": message.channel,
        "kind": message.kind,
        "context": msgspec.json.encode(message.context).decode(),
        "state": message.state.value,
        "created_us": to_us(message.created_at),
        "next_attempt_us": to_us(message.next_attempt_at),
        "claimed_us": None,
        "sent_us": to_us(message.sent_at) if message.sent_at else None,
        "attempts": message.attempts,
        "last_error": message.last_error,
        "receipt": message.receipt,
    }


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        key=row.key,
        channel=row.channel,
        kind=row.kind,
        context=msgspec.json.decode(row.context, type=dict[str, object]),
        created_at=from_us(row.created_us),
        next_attempt_at=from_us(row.next_attempt_us),
        state=OutboxState(row.state),
        attempts=row.attempts,
        last_error=row.last_error,
        sent_at=from_us(row.sent_us) if row.sent_us is not None else None,
        receipt=row.receipt,
    )
