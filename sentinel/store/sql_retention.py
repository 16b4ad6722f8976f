"""Rows whose time is over, in SQL; and copies of events under the key of their case."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Table, delete, select

from sentinel.domain.account import ApiToken, WebSession
from sentinel.domain.event import Event
from sentinel.domain.outbox import OutboxState
from sentinel.domain.reclassified import CaseEvents
from sentinel.domain.scope import Fact
from sentinel.errors import StorageError
from sentinel.store.body_keys import BodyKeys
from sentinel.store.payload import encode, pack, unpack
from sentinel.store.ports_retention import Gone, Loose
from sentinel.store.sql_codec import SealedBodies, decode, from_us, to_us
from sentinel.store.tables import (
    ALERTS,
    API_TOKENS,
    CASE_RECORDS,
    DEADLINES,
    DOCUMENTS,
    FACTS,
    FINDINGS,
    OUTBOX,
    WEB_SESSIONS,
)

_AT_ONCE = 500
_DONE = (OutboxState.SENT.value, OutboxState.FAILED.value)


class SqlRetention:
    """`sentinel.store.ports_retention.Retention` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies
        self._keys = BodyKeys(connection, bodies)

    def seal_events(self, incident_id: str, record_id: str, events: Sequence[Event]) -> bytes:
        """Return events sealed under the key of a case."""
        packed = base64.b64encode(pack(encode(events))).decode()
        return self._keys.seal(packed, incident_id, _context(record_id))

    def open_events(self, record: CaseEvents) -> list[Event] | None:
        """Return the events of a copy; None where the key of the case was destroyed."""
        opened = self._keys.open(record.sealed, record.incident_id, _context(record.id))
        if opened is None:
            return None
        if not isinstance(opened, str):
            raise StorageError("a copy of events cannot be read", where=_context(record.id))
        return unpack(base64.b64decode(opened), where=_context(record.id))

    def drop_record(self, record_id: str) -> None:
        """Remove one record of a case."""
        self._drop(CASE_RECORDS, [record_id])

    def alerts_before(self, before: datetime) -> list[Loose]:
        """Return the alerts whose last event is older, oldest first."""
        table = ALERTS.c
        rows = self._connection.execute(
            select(table.id, table.last_us, table.incident_id)
            .where(table.last_us < to_us(before))
            .order_by(table.last_us, table.id)
        )
        return [Loose(row.id, from_us(row.last_us), row.incident_id) for row in rows]

    def drop_alerts(self, alert_ids: Sequence[str]) -> int:
        """Remove alerts with their findings, clocks and keys; return how many findings."""
        findings = 0
        for some in _slices(alert_ids):
            findings += self._connection.execute(
                delete(FINDINGS).where(FINDINGS.c.alert_id.in_(some))
            ).rowcount
            self._connection.execute(delete(DEADLINES).where(DEADLINES.c.incident_id.in_(some)))
            self._connection.execute(delete(ALERTS).where(ALERTS.c.id.in_(some)))
        for alert_id in alert_ids:
            self._keys.destroy(alert_id)
        return findings

    def drop_case(self, incident_id: str, keep: Collection[str] = ()) -> list[Gone]:
        """Remove what a case gathered, but not its own row, with its key; return what went."""
        gone: list[Gone] = []
        for table, at in (
            (DEADLINES, DEADLINES.c.due_us),
            (DOCUMENTS, DOCUMENTS.c.created_us),
            (CASE_RECORDS, CASE_RECORDS.c.created_us),
        ):
            query = select(table.c.id, at.label("at")).where(table.c.incident_id == incident_id)
            if table is CASE_RECORDS:
                query = query.where(CASE_RECORDS.c.kind.not_in(list(keep)))
            found = [Gone(row.id, from_us(row.at)) for row in self._connection.execute(query)]
            self._drop(table, [one.id for one in found])
            gone += found
        self._keys.destroy(incident_id)
        return gone

    def drop_document(self, document_id: str) -> None:
        """Remove the row of a document."""
        self._drop(DOCUMENTS, [document_id])

    def drop_sessions(
        self, now: datetime, tokens_before: datetime
    ) -> tuple[list[Gone], list[Gone]]:
        """Remove sessions that have ended, and tokens that ended before an instant."""
        sessions, tokens = [], []
        for row in self._connection.execute(select(WEB_SESSIONS.c.token_hash, WEB_SESSIONS.c.body)):
            one = self._bodies.read(row.body, WebSession, f"session:{row.token_hash}")
            if one.expires_at <= now:
                sessions.append(Gone(row.token_hash, one.expires_at))
        for row in self._connection.execute(select(API_TOKENS.c.token_hash, API_TOKENS.c.body)):
            token = self._bodies.read(row.body, ApiToken, f"token:{row.token_hash}")
            ended = min(token.expires_at, token.revoked_at or token.expires_at)
            if ended < tokens_before:
                tokens.append(Gone(row.token_hash, ended))
        for table, found in ((WEB_SESSIONS, sessions), (API_TOKENS, tokens)):
            for some in _slices([one.id for one in found]):
                self._connection.execute(delete(table).where(table.c.token_hash.in_(some)))
        return sessions, tokens

    def drop_messages(self, before: datetime, keep: Collection[str]) -> list[Gone]:
        """Remove messages that are sent or given up, older than that, of no case in ``keep``."""
        table = OUTBOX.c
        rows = self._connection.execute(
            select(table.id, table.created_us, table.context).where(
                table.created_us < to_us(before), table.state.in_(_DONE)
            )
        )
        found = [
            Gone(row.id, from_us(row.created_us))
            for row in rows
            if str(msgspec.json.decode(row.context).get("incident_id", "")) not in keep
        ]
        self._drop(OUTBOX, [one.id for one in found])
        return found

    def drop_facts(self, ended_before: datetime) -> list[Gone]:
        """Remove business facts that ceased to hold before an instant."""
        found = []
        for row in self._connection.execute(select(*FACTS.primary_key.columns, FACTS.c.body)):
            fact = decode(row.body, Fact, "facts")
            if fact.valid_to is not None and fact.valid_to < ended_before:
                keys = [row.kind, row.id, row.subject, row.actor]
                found.append((keys, Gone("\t".join(keys), fact.valid_to)))
        for keys, _ in found:
            same = zip(FACTS.primary_key.columns, keys, strict=True)
            self._connection.execute(delete(FACTS).where(*(column == key for column, key in same)))
        return [gone for _, gone in found]

    def _drop(self, table: Table, ids: Sequence[str]) -> None:
        for some in _slices(ids):
            self._connection.execute(delete(table).where(table.c.id.in_(some)))


def _slices(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield list(ids[start : start + _AT_ONCE])


def _context(record_id: str) -> str:
    return f"case-events:{record_id}"
