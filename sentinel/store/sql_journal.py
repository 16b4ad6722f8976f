"""The hash-chained journal in SQL. A line is written in the transaction of the change it tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from sentinel.clock import Clock
from sentinel.domain.anchor import Anchor
from sentinel.domain.journal import GENESIS, JournalLine, line_hash, payload_digest
from sentinel.store.body_keys import BodyKeys
from sentinel.store.sql_codec import SealedBodies, from_us, to_us
from sentinel.store.tables import JOURNAL, JOURNAL_ANCHORS


class SqlJournal:
    """`sentinel.store.ports.JournalLines` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._keys = BodyKeys(connection, bodies)

    def append(
        self, *, occurred_at: datetime, actor: str, action: str, object_id: str, payload: object
    ) -> JournalLine:
        """Seal ``payload`` (JSON-able), chain and store one line in this transaction."""
        last = self._connection.execute(
            select(JOURNAL.c.seq, JOURNAL.c.hash).order_by(JOURNAL.c.seq.desc()).limit(1)
        ).first()
        seq, prev_hash = (last.seq + 1, last.hash) if last else (1, GENESIS)
        sealed = self._keys.seal(payload, object_id, _context(seq))
        digest = payload_digest(sealed)
        recorded_at = self._clock.now()
        line = JournalLine(
            seq=seq,
            occurred_at=occurred_at,
            recorded_at=recorded_at,
            actor=actor,
            action=action,
            object=object_id,
            payload=sealed,
            payload_digest=digest,
            prev_hash=prev_hash,
            hash=line_hash(
                seq=seq,
                occurred_at=occurred_at,
                recorded_at=recorded_at,
                actor=actor,
                action=action,
                object=object_id,
                payload_digest=digest,
                prev_hash=prev_hash,
            ),
        )
        self._connection.execute(insert(JOURNAL).values(**_row(line)))
        return line

    def lines(
        self, *, object_id: str | None = None, after: int = 0, limit: int = 10_000
    ) -> list[JournalLine]:
        """Return lines in order; ``object_id`` is an incident's or alert's id."""
        query = select(JOURNAL).where(JOURNAL.c.seq > after)
        if object_id is not None:
            query = query.where(JOURNAL.c.object == object_id)
        rows = self._connection.execute(query.order_by(JOURNAL.c.seq).limit(limit))
        return [_line(row) for row in rows]

    def opened(self, line: JournalLine) -> object:
        """Return the payload of a line in clear; None where it was purged or its key destroyed."""
        if not line.payload:
            return None
        return self._keys.open(line.payload, line.object, _context(line.seq))

    def last(self) -> JournalLine | None:
        """Return the newest line."""
        row = self._connection.execute(select(JOURNAL).order_by(JOURNAL.c.seq.desc()).limit(1))
        found = row.first()
        return _line(found) if found else None

    def purge(self, *, recorded_before: datetime, up_to: int) -> tuple[int, int]:
        """Drop the payloads of lines up to ``up_to`` recorded before an instant.

        Returns how many, and the highest line among them.
        """
        old = (
            JOURNAL.c.seq <= up_to,
            JOURNAL.c.recorded_us < to_us(recorded_before),
            JOURNAL.c.payload != b"",
        )
        highest = self._connection.scalar(select(func.max(JOURNAL.c.seq)).where(*old)) or 0
        dropped = self._connection.execute(update(JOURNAL).where(*old).values(payload=b""))
        return dropped.rowcount, highest

    def destroy_key(self, object_id: str) -> bool:
        """Destroy the data key of an object's payloads; False where it had none."""
        return self._keys.destroy(object_id)

    def put_anchor(self, anchor: Anchor) -> None:
        """Keep an anchor; its ``last_seq`` is its key, so that another one is a Conflict."""
        row = {"last_seq": anchor.last_seq, "day": anchor.day, "body": _json(anchor)}
        self._connection.execute(insert(JOURNAL_ANCHORS).values(**row))

    def stamp_anchor(self, last_seq: int, timestamp: str) -> None:
        """Keep the time-stamp of an anchor that has none so far."""
        here = JOURNAL_ANCHORS.c.last_seq == last_seq
        body = self._connection.scalar(select(JOURNAL_ANCHORS.c.body).where(here))
        known = msgspec.json.decode(body, type=Anchor) if body else None
        if known is None or known.timestamp:
            return
        stamped = msgspec.structs.replace(known, timestamp=timestamp)
        self._connection.execute(update(JOURNAL_ANCHORS).where(here).values(body=_json(stamped)))

    def anchors(self) -> list[Anchor]:
        """Return the anchors, oldest first."""
        rows = self._connection.scalars(
            select(JOURNAL_ANCHORS.c.body).order_by(JOURNAL_ANCHORS.c.last_seq)
        )
        return [msgspec.json.decode(body, type=Anchor) for body in rows]


def _json(anchor: Anchor) -> str:
    return msgspec.json.encode(anchor).decode()


def _context(seq: int) -> str:
    return f"journal:{seq}"


def _row(line: JournalLine) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "occurred_us": to_us(line.occurred_at),
        "recorded_us": to_us(line.recorded_at),
        "actor": line.actor,
        "action": line.action,
        "object": line.object,
        "payload": line.payload,
        "payload_digest": line.payload_digest,
        "prev_hash": line.prev_hash,
        "hash": line.hash,
    }


def _line(row: Row[Any]) -> JournalLine:
    return JournalLine(
        seq=row.seq,
        occurred_at=from_us(row.occurred_us),
        recorded_at=from_us(row.recorded_us),
        actor=row.actor,
        action=row.action,
        object=row.object,
        payload=row.payload,
        payload_digest=row.payload_digest,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )
