"""The two ways in which rows are written: under optimistic concurrency, or insert-or-replace.

Both are an UPDATE and then, where no row was touched, an INSERT: the same words on every database.
A race between the two ends in a violated primary key, which `case_store` reports as Conflict.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from sentinel.errors import Conflict

Row = dict[str, Any]


def put_versioned(connection: Connection, table: Table, row: Row) -> None:
    """Insert ``row``, or update where the stored version is one less. Raises Conflict."""
    before = row["version"] - 1
    changed = connection.execute(
        update(table).where(table.c.id == row["id"], table.c.version == before).values(**row)
    )
    if changed.rowcount == 1:
        return
    stored = connection.scalar(select(table.c.version).where(table.c.id == row["id"]))
    if stored is not None:
        raise Conflict(
            f"version {stored} is stored, version {row['version']} was given",
            where=f"{table.name}/{row['id']}",
            hint="read it again and repeat the change",
        )
    connection.execute(insert(table).values(**row))


def upsert(connection: Connection, table: Table, row: Row) -> None:
    """Insert ``row``, or replace the row with the same primary key."""
    keys = [column == row[column.name] for column in table.primary_key.columns]
    changed = connection.execute(update(table).where(*keys).values(**row))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(**row))
