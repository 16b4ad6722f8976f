"""The small repositories in SQL: business facts, and named state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from sentinel.domain.scope import Fact, age
from sentinel.store.sql_codec import decode
from sentinel.store.sql_write import upsert
from sentinel.store.tables import FACTS, STATE

_KEYS_AT_ONCE = 200


class SqlFacts:
    """`sentinel.store.ports.Facts` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_many(self, facts: Iterable[Fact]) -> int:
        """Insert, or replace what is older by ``(kind, id, subject, actor)``; return how many.

        The order of arrival decides nothing: of two versions the one recorded later stays
        (`sentinel.domain.scope.age`).
        """
        given = list(facts)
        newest: dict[tuple[str, str, str, str], Fact] = {}
        for fact in given:
            key = (fact.kind, fact.id, fact.subject, fact.actor)
            if key not in newest or age(newest[key]) < age(fact):
                newest[key] = fact
        for known in self._known(list(newest)):
            key = (known.kind, known.id, known.subject, known.actor)
            if age(known) >= age(newest[key]):
                del newest[key]
        if newest:
            columns = FACTS.primary_key.columns
            rows = [
                dict(zip((column.name for column in columns), key, strict=True))
                | {"body": msgspec.json.encode(fact).decode()}
                for key, fact in newest.items()
            ]
            keys = [{f"key_{column.name}": row[column.name] for column in columns} for row in rows]
            same = [column == bindparam(f"key_{column.name}") for column in columns]
            self._connection.execute(delete(FACTS).where(*same), keys)
            self._connection.execute(insert(FACTS), rows)
        return len(given)

    def _known(self, keys: list[tuple[str, str, str, str]]) -> Iterator[Fact]:
        columns = tuple_(*FACTS.primary_key.columns)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            for row in self._connection.execute(select(FACTS.c.body).where(columns.in_(some))):
                yield decode(row.body, Fact, "facts")

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
