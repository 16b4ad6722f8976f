"""Copies of databases while others write to them: of SQLite page by page, of any row by row.

A copy of PostgreSQL is an SQLite file with the same tables, so that a backup is the same whatever
the cases lie in, and may be restored into the other one.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from sentinel.errors import Refused, StorageError
from sentinel.store import tables_watch  # noqa: F401 - its tables belong to the metadata
from sentinel.store.sql_engine import open_engine, said
from sentinel.store.sql_schema import prepare
from sentinel.store.tables import METADATA

MAGIC = b"SQLite format 3\0"
_ROWS = 500


def is_sqlite(path: Path) -> bool:
    """Tell whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database as it is at one instant, whoever writes to it. Raises StorageError."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as from_db,
            closing(sqlite3.connect(target)) as to_db,
        ):
            from_db.backup(to_db)
            to_db.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(f"the database cannot be copied: {error}", where=str(source)) from error


def check_sqlite(path: Path) -> None:
    """Raise StorageError where a database is damaged."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StorageError(f"the database is damaged: {error}", where=str(path)) from error
    if found != "ok":
        raise StorageError(f"the database is damaged: {found}", where=str(path))


def copy_rows(source: str | Path, target: str | Path) -> int:
    """Copy every row of a case store into an empty one; return how many.

    While it lasts nobody writes to either. Raises StorageError; Refused over rows.
    """
    from_engine, to_engine = open_engine(source), open_engine(target)
    try:
        prepare(to_engine)
        with from_engine.begin() as read, to_engine.begin() as write:
            if _count(write):
                raise Refused("the database is not empty: nothing is restored over anything")
            there = set(inspect(read).get_table_names())
            return sum(_copy_table(read, write, one) for one in _tables() if one.name in there)
    except DBAPIError as error:
        raise StorageError(f"the rows cannot be copied: {said(error)}") from error
    finally:
        from_engine.dispose()
        to_engine.dispose()


def is_empty(target: str | Path) -> bool:
    """Tell whether a case store holds no row. Raises StorageError."""
    engine = open_engine(target)
    try:
        prepare(engine)
        with engine.begin() as connection:
            return _count(connection) == 0
    except DBAPIError as error:
        raise StorageError(said(error)) from error
    finally:
        engine.dispose()


def _tables() -> list[Table]:
    return METADATA.sorted_tables


def _copy_table(read: Connection, write: Connection, table: Table) -> int:
    copied = 0
    rows = read.execution_options(yield_per=_ROWS).execute(select(table))
    for some in rows.mappings().partitions(_ROWS):
        write.execute(insert(table), [dict(row) for row in some])
        copied += len(some)
    return copied


def _count(connection: Connection) -> int:
    counts = (connection.scalar(select(func.count()).select_from(one)) for one in _tables())
    return sum(count or 0 for count in counts)
