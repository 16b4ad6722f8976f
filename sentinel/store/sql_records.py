"""What a case gathers, and what the API remembers, in SQL: sealed bodies under their own ids."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, select

from sentinel.domain.account import ApiToken
from sentinel.domain.record import CaseRecord
from sentinel.errors import NotFound
from sentinel.store.sql_codec import SealedBodies, to_us
from sentinel.store.sql_write import put_versioned, upsert
from sentinel.store.tables import API_TOKENS, CASE_RECORDS, IDEMPOTENCY

R = TypeVar("R", bound=CaseRecord)


class SqlCaseRecords:
    """`sentinel.store.ports.CaseRecords` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies

    def put(self, record: CaseRecord) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        row = {
            "id": record.id,
            "incident_id": record.incident_id,
            "kind": _kind(type(record)),
            "created_us": to_us(record.created_at),
            "version": record.version,
            "body": self._bodies.write(record, f"record:{record.id}"),
        }
        put_versioned(self._connection, CASE_RECORDS, row)

    def get(self, kind: type[R], record_id: str) -> R:
        """Return a record of a kind. Raises NotFound."""
        body = self._connection.scalar(
            select(CASE_RECORDS.c.body).where(
                CASE_RECORDS.c.id == record_id, CASE_RECORDS.c.kind == _kind(kind)
            )
        )
        if body is None:
            raise NotFound(f"{_kind(kind)} {record_id}")
        return self._bodies.read(body, kind, f"record:{record_id}")

    def find(self, kind: type[R], incident_id: str | None = None) -> list[R]:
        """Return the records of a kind, oldest first; of one case or of all."""
        query = select(CASE_RECORDS.c.id, CASE_RECORDS.c.body).where(
            CASE_RECORDS.c.kind == _kind(kind)
        )
        if incident_id is not None:
            query = query.where(CASE_RECORDS.c.incident_id == incident_id)
        rows = self._connection.execute(
            query.order_by(CASE_RECORDS.c.created_us, CASE_RECORDS.c.id)
        )
        return [self._bodies.read(row.body, kind, f"record:{row.id}") for row in rows]


class SqlApi:
    """`sentinel.store.ports.Api` on one connection: tokens, and answers already given."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies

    def put_token(self, token: ApiToken) -> None:
        """Insert or replace a token."""
        row = {
            "token_hash": token.token_hash,
            "account_id": token.account_id,
            "body": self._bodies.write(token, f"token:{token.token_hash}"),
        }
        upsert(self._connection, API_TOKENS, row)

    def token(self, token_hash: str) -> ApiToken | None:
        """Return a token by the SHA-256 of its text, hex."""
        body = self._connection.scalar(
            select(API_TOKENS.c.body).where(API_TOKENS.c.token_hash == token_hash)
        )
        return self._bodies.read(body, ApiToken, f"token:{token_hash}") if body else None

    def tokens(self, account_id: str) -> list[ApiToken]:
        """Return the tokens of an account, oldest first."""
        rows = self._connection.execute(
            select(API_TOKENS.c.token_hash, API_TOKENS.c.body).where(
                API_TOKENS.c.account_id == account_id
            )
        )
        found = [self._bodies.read(r.body, ApiToken, f"token:{r.token_hash}") for r in rows]
        return sorted(found, key=lambda token: token.created_at)

    def remembered(self, key: str) -> object | None:
        """Return what was remembered under ``key`` (64 hex digits), or None."""
        body = self._connection.scalar(select(IDEMPOTENCY.c.body).where(IDEMPOTENCY.c.key == key))
        return self._bodies.read_any(body, f"idempotency:{key}") if body else None

    def remember(self, key: str, answer: object, now: datetime) -> None:
        """Keep an answer (JSON-able) under ``key``. A second one is a Conflict."""
        self._connection.execute(
            insert(IDEMPOTENCY).values(
                key=key,
                created_us=to_us(now),
                body=self._bodies.write(answer, f"idempotency:{key}"),
            )
        )

    def forget(self, before: datetime) -> int:
        """Drop answers given before an instant; return how many."""
        return self._connection.execute(
            delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_us < to_us(before))
        ).rowcount


def _kind(kind: type[CaseRecord]) -> str:
    return kind.__name__.lower()
