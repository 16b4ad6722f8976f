"""Opens a database so that what was committed stays: WAL, synchronous=FULL, foreign keys.

A transaction starts with BEGIN IMMEDIATE: it reads under the write lock, so that what it read is
still true when it writes, and two workers wait for each other instead of failing half-way.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from sentinel.errors import StorageError

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 30_000


def open_engine(target: str | Path) -> Engine:
    """Return an engine for a database URL, a path of an SQLite file, or ``:memory:``.

    A new file is readable by its owner alone. Raises StorageError.
    """
    url = _url(target)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, isolation_level="SERIALIZABLE")
    if in_memory(url):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        _create_private(Path(url.database or ""))
        engine = create_engine(url)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def in_memory(url: URL) -> bool:
    """Tell whether the database lives in one connection's memory."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", MEMORY)


def _url(target: str | Path) -> URL:
    text = str(target)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        return make_url(text)
    except ArgumentError as error:
        raise StorageError("the database URL is wrong", hint=str(error)) from error


def _create_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error


def _configure(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own: `_begin_immediate` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
