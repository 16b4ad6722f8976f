"""The file of the map of persons: SQLite, private, durable, and empty where it was emptied."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final
from weakref import finalize

from sentinel.errors import StorageError
from sentinel.store.disk import Disk, make_folder, trouble

VERSION: Final = 1
_BUSY_SECONDS: Final = 30
# ``seen``: day on which the person was met, as a number, exact to `persons.SEEN_EXACT` days.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS persons (
    tag BLOB PRIMARY KEY, pseudonym TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS epochs (
    number INTEGER PRIMARY KEY, started_us INTEGER NOT NULL, sealed BLOB NOT NULL
);
INSERT OR IGNORE INTO meta (name, value) VALUES ('version', 1), ('erasures', 0);
"""


class MapFile:
    """One connection, for one thread at a time; other processes have their own."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, for its owner alone. Raises StorageError."""
        self.path = path
        self._lock = RLock()
        self._depth = 0
        with self.turn():
            self._db = _connect(path)
        finalize(self, self._db.close)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other threads out; turn errors of the database into ours."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise StorageError(
                    str(error),
                    where=str(self.path),
                    hint="is the disk full, or the file held by another?",
                ) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock; what is written is on the medium at the end of the outermost block.

        Where the outermost block fails, nothing of it is written.
        """
        with self.turn():
            self._depth += 1
            try:
                if self._depth == 1:
                    self._db.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._db.commit()
            finally:
                self._depth -= 1
                if self._depth == 0 and self._db.in_transaction:
                    self._db.rollback()

    @property
    def held(self) -> bool:
        """Whether a block of `writing` is open."""
        return self._depth > 0

    def one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        """Return the first row of a query."""
        with self.turn():
            row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        return row

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return every row of a query."""
        with self.turn():
            return self._db.execute(query, values).fetchall()

    def do(self, statement: str, *values: object) -> int:
        """Change rows; return how many."""
        with self.turn():
            return self._db.execute(statement, values).rowcount

    def changed(self) -> int:
        """Return a number that is another one after each change by another process."""
        row = self.one("PRAGMA data_version")
        return int(row[0]) if row else 0

    def empty_log(self) -> None:
        """Bring everything into the file and cut the write-ahead log, which held what was before.

        Raises StorageError where a reader kept it from being cut.
        """
        row = self.one("PRAGMA wal_checkpoint(TRUNCATE)")
        if row is None or row[0]:
            raise StorageError(
                "the log of the map of persons is being read by another process",
                where=str(self.path),
                hint="what was erased may stand in it still: do it again",
            )


def _connect(path: Path) -> sqlite3.Connection:
    try:
        if not path.parent.is_dir():
            make_folder(Disk(), path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise trouble(error, path) from error
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            db.execute(f"PRAGMA {pragma}")
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'epochs'").fetchone():
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
        (version,) = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        if version > VERSION:
            raise StorageError(
                f"the map of persons has version {version}, this Sentinel knows {VERSION}",
                where=str(path),
                hint="a newer Sentinel wrote it",
            )
    except BaseException:
        db.close()
        raise
    return db
