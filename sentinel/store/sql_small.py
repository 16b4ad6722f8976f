"""The small repositories in SQL: business facts, and named state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from sentinel.domain.scope import Fact
from sentinel.store.sql_codec import decode
from sentinel.store.sql_write import upsert
from sentinel.store.tables import FACTS, STATE


class SqlFacts:
    """`sentinel.store.ports.Facts` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_many(self, facts: Iterable[Fact]) -> int:
        """Insert or replace by ``(kind, id, subject, actor)``; returns how many were given.

        Of two facts with one key in the same batch, the later wins.
        """
        given = list(facts)
        rows = {
            (fact.kind, fact.id, fact.subject, fact.actor): {
                "kind": fact.kind,
                "id": fact.id,
                "subject": fact.subject,
                "actor": fact.actor,
                "body": msgspec.json.encode(fact).decode(),
            }
            for fact in given
        }
        if rows:
            keys = [
                {f"key_{column.name}": row[column.name] for column in FACTS.primary_key.columns}
                for row in rows.values()
            ]
            same = [
                column == bindparam(f"key_{column.name}") for column in FACTS.primary_key.columns
            ]
            self._connection.execute(delete(FACTS).where(*same), keys)
            self._connection.execute(insert(FACTS), list(rows.values()))
        return len(given)

    def all(self) -> Iterator[Fact]:
        """Yield every fact, in the order of the key."""
        rows = self._connection.execute(select(FACTS.c.body).order_by(*FACTS.primary_key.columns))
        for row in rows:
            yield decode(row.body, Fact, "facts")


class SqlState:
    """`sentinel.store.ports.State` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> bytes | None:
        """Return the value stored under ``name``."""
        return self._connection.scalar(select(STATE.c.value).where(STATE.c.name == name))

    def put(self, name: str, value: bytes) -> None:
        """Store ``value`` under ``name``."""
        upsert(self._connection, STATE, {"name": name, "value": value})
