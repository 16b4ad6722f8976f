"""Opens a database so that what was committed stays, and so that one writes at a time.

SQLite: WAL, synchronous=FULL, foreign keys; a transaction starts with BEGIN IMMEDIATE. PostgreSQL:
a transaction starts by taking the advisory lock of the case store and reads what is committed
(READ COMMITTED). On both it reads under the write lock, so that what it read is still true when it
writes, and two workers wait for each other instead of failing half-way.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from sentinel.errors import ConfigError, StorageError

MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 30_000
ADVISORY_LOCK = 0x53656E74696E656C
"""What transactions of a case store lock in PostgreSQL; one case store a database."""
_IDLE_MS = 900_000
_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock: PostgreSQL rolled it back


def open_engine(target: str | Path) -> Engine:
    """Return an engine for a database URL, a path of an SQLite file, or ``:memory:``.

    A new file is readable by its owner alone. Raises StorageError, ConfigError.
    """
    url = _url(target)
    backend = url.get_backend_name()
    if backend == "postgresql":
        return _postgresql(url)
    if backend != "sqlite":
        raise ConfigError(
            f"a database of the kind {backend!r} is not supported",
            where="store.cases.url",
            hint="postgresql://user@host/database; without it the cases lie in SQLite",
        )
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


def empty_log(engine: Engine) -> None:
    """Bring everything into an SQLite file and cut its log, which held what was before.

    What was deleted is overwritten in the file (``secure_delete``). Nothing elsewhere.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - it is open
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def may_repeat(error: DBAPIError) -> bool:
    """Tell whether the database undid a transaction for no fault of its own."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") in _AGAIN


def said(error: DBAPIError) -> str:
    """Return what the database said, without the values of a row, which may be personal data."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return str(primary or str(error.orig).split("\n", 1)[0])


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            connect_args=server_args(url),
        )
    except (NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            "PostgreSQL needs the extra `postgres`",
            where="store.cases.url",
            hint="pip install 'sentinel-rgpd[postgres]'",
        ) from error
    event.listen(engine, "begin", _take_turn)
    return engine


def server_args(url: URL) -> dict[str, Any]:
    """Return what libpq is told beside ``url``; what the address says itself stands."""
    options = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c idle_in_transaction_session_timeout={_IDLE_MS}"
    args: dict[str, Any] = {"options": options, "connect_timeout": 10}
    if not _near(url):
        args |= {"sslmode": "verify-full", "ssl_min_protocol_version": "TLSv1.3"}
    return {name: value for name, value in args.items() if name not in url.query}


def _near(url: URL) -> bool:
    """Tell whether the server is on this machine: a socket, or loopback."""
    host = str(url.query.get("host", url.host or ""))
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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


def _take_turn(connection: Connection) -> None:
    # A statement of its own: the next one sees what was committed while this one waited.
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
