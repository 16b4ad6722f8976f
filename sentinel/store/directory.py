"""The subject directory in a database of its own, beside the cases: sealed bodies, every version.

It is apart so that it can be kept, restored and destroyed alone. An import is one transaction:
either all of it is in force, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from sentinel.domain.directory import (
    DirectoryEntry,
    DirectoryVersion,
    Listed,
    Reach,
    reach_of,
)
from sentinel.errors import StorageError
from sentinel.store.ports import Sealer
from sentinel.store.sql_codec import from_us, to_us
from sentinel.store.sql_engine import empty_log, open_engine

CONTEXT = "directory"
AT_ONCE = 500
_META = MetaData()
VERSIONS = Table(
    "directory_versions",
    _META,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)
CURRENT = Table(
    "directory_current",
    _META,
    Column("pseudonym", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("language", String(8), nullable=False),
    Column("email", Integer, nullable=False),
    Column("address", Integer, nullable=False),
)
ENTRIES = Table(
    "directory_entries",
    _META,
    Column("pseudonym", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("valid_from_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


class SubjectDirectory:
    """Open with `SubjectDirectory(path, sealer)`; close when done."""

    def __init__(self, path: Path, sealer: Sealer) -> None:
        """Open or make the directory. Raises StorageError."""
        self._sealer = sealer
        self._path = path
        self._engine = open_engine(path)
        try:
            _META.create_all(self._engine)
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise StorageError(str(error.__cause__ or error), where=str(path)) from error

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    def take(
        self,
        entries: Iterable[DirectoryEntry],
        *,
        at: datetime,
        by: str,
        source: str,
        whole: bool = True,
    ) -> DirectoryVersion:
        """Take an import in as the next version; ``whole``: who is not in it has no account now.

        Only what changed is written again. Raises StorageError; then the version before stays.
        """
        try:
            with self._engine.begin() as connection:
                return _Import(connection, self._sealer, at).run(entries, by, source, whole=whole)
        except SQLAlchemyError as error:
            raise StorageError(str(error.__cause__ or error), where=str(self._path)) from error

    def versions(self) -> list[DirectoryVersion]:
        """Return every import, oldest first."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(VERSIONS.c.body).order_by(VERSIONS.c.version))
            return [msgspec.json.decode(row.body, type=DirectoryVersion) for row in rows]

    def listed(self, pseudonyms: Sequence[str]) -> dict[str, Listed]:
        """Return what is known of these persons, nothing of it personal; absent = not found."""
        with self._engine.begin() as connection:
            return {
                row.pseudonym: Listed(
                    pseudonym=row.pseudonym,
                    version=row.version,
                    closed=bool(row.closed),
                    language=row.language,
                    email=bool(row.email),
                    address=bool(row.address),
                )
                for some in _slices(pseudonyms)
                for row in connection.execute(select(CURRENT).where(CURRENT.c.pseudonym.in_(some)))
            }

    def everybody(self) -> Iterator[tuple[Listed, Reach]]:
        """Yield every person with how a letter reaches them; nothing is opened."""
        query = select(CURRENT.c.pseudonym).order_by(CURRENT.c.pseudonym)
        with self._engine.begin() as connection:
            names = list(connection.scalars(query))
        for some in _slices(names):
            for one in self.listed(some).values():
                yield one, reach_of(one)

    def opened(
        self, pseudonyms: Sequence[str], *, at: datetime | None = None
    ) -> dict[str, DirectoryEntry]:
        """Return the persons, in clear, as of ``at`` (UTC; None = now). The caller journals it."""
        found: dict[str, DirectoryEntry] = {}
        with self._engine.begin() as connection:
            for some in _slices(pseudonyms):
                query = select(ENTRIES).where(ENTRIES.c.pseudonym.in_(some))
                if at is not None:
                    query = query.where(ENTRIES.c.valid_from_us <= to_us(at))
                for row in connection.execute(query.order_by(ENTRIES.c.version)):
                    found[row.pseudonym] = _opened(self._sealer, row)
        return found

    def forget(self, pseudonyms: Sequence[str]) -> int:
        """Remove persons with every version of them, durably; return how many were listed."""
        gone = 0
        with self._engine.begin() as connection:
            for some in _slices(pseudonyms):
                connection.execute(delete(ENTRIES).where(ENTRIES.c.pseudonym.in_(some)))
                gone += connection.execute(
                    delete(CURRENT).where(CURRENT.c.pseudonym.in_(some))
                ).rowcount
        empty_log(self._engine)
        return gone

    def history(self, pseudonym: str) -> list[tuple[int, datetime]]:
        """Return the versions in which a person changed, each with from when it is valid."""
        query = select(ENTRIES.c.version, ENTRIES.c.valid_from_us).where(
            ENTRIES.c.pseudonym == pseudonym
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query.order_by(ENTRIES.c.version))
            return [(row.version, from_us(row.valid_from_us)) for row in rows]


class _Import:
    """One import in one transaction."""

    def __init__(self, connection: Connection, sealer: Sealer, at: datetime) -> None:
        self._connection, self._sealer, self._at = connection, sealer, at
        last = connection.scalar(select(func.max(VERSIONS.c.version)))
        self.version = (last or 0) + 1
        self.added = self.changed = self.entries = 0

    def run(
        self, entries: Iterable[DirectoryEntry], by: str, source: str, *, whole: bool
    ) -> DirectoryVersion:
        digest = hashlib.sha256()
        batch: dict[str, DirectoryEntry] = {}
        for entry in entries:
            batch[entry.pseudonym] = entry
            if len(batch) == AT_ONCE:
                self._take(batch, digest)
                batch = {}
        self._take(batch, digest)
        made = DirectoryVersion(
            version=self.version,
            at=self._at,
            by=by,
            source=source,
            whole=whole,
            entries=self.entries,
            added=self.added,
            changed=self.changed,
            gone=self._close_absent() if whole else 0,
            sha256=digest.hexdigest(),
        )
        self._connection.execute(
            insert(VERSIONS),
            {"version": self.version, "body": msgspec.json.encode(made).decode()},
        )
        return made

    def _take(self, batch: dict[str, DirectoryEntry], digest: Any) -> None:
        if not batch:
            return
        self.entries += len(batch)
        known = {entry.pseudonym: entry for entry in self._known(list(batch))}
        news = [entry for entry in batch.values() if known.get(entry.pseudonym) != entry]
        for entry in batch.values():
            digest.update(msgspec.json.encode(entry))
        self.added += sum(entry.pseudonym not in known for entry in news)
        self.changed += sum(entry.pseudonym in known for entry in news)
        self._write(news, known)
        same = [{"key": name, "now": self.version} for name in batch]
        self._connection.execute(
            update(CURRENT)
            .where(CURRENT.c.pseudonym == bindparam("key"))
            .values(seen=bindparam("now")),
            same,
        )

    def _known(self, pseudonyms: list[str]) -> Iterator[DirectoryEntry]:
        query = (
            select(ENTRIES)
            .join(
                CURRENT,
                (CURRENT.c.pseudonym == ENTRIES.c.pseudonym)
                & (CURRENT.c.version == ENTRIES.c.version),
            )
            .where(ENTRIES.c.pseudonym.in_(pseudonyms))
        )
        for row in self._connection.execute(query):
            yield _opened(self._sealer, row)

    def _write(self, news: Sequence[DirectoryEntry], known: dict[str, DirectoryEntry]) -> None:
        if not news:
            return
        self._connection.execute(insert(ENTRIES), [self._row(entry) for entry in news])
        fresh = [_mark(entry, self.version) for entry in news if entry.pseudonym not in known]
        if fresh:
            self._connection.execute(insert(CURRENT), fresh)
        changed = [
            {f"new_{name}": value for name, value in _mark(entry, self.version).items()}
            for entry in news
            if entry.pseudonym in known
        ]
        if changed:
            names = [column.name for column in CURRENT.columns if not column.primary_key]
            self._connection.execute(
                update(CURRENT)
                .where(CURRENT.c.pseudonym == bindparam("new_pseudonym"))
                .values({name: bindparam(f"new_{name}") for name in names}),
                changed,
            )

    def _row(self, entry: DirectoryEntry) -> dict[str, Any]:
        sealed = self._sealer.seal(msgspec.json.encode(entry), context=CONTEXT)
        return {
            "pseudonym": entry.pseudonym,
            "version": self.version,
            "valid_from_us": to_us(self._at),
            "body": sealed,
        }

    def _close_absent(self) -> int:
        """Mark as closed who is not in a whole import; what was known of them stays."""
        absent = self._connection.scalars(
            select(CURRENT.c.pseudonym).where(CURRENT.c.seen < self.version, CURRENT.c.closed == 0)
        ).all()
        for some in _slices(absent):
            known = list(self._known(list(some)))
            closed = [msgspec.structs.replace(entry, closed=True) for entry in known]
            self._write(closed, {entry.pseudonym: entry for entry in known})
        return len(absent)


def _mark(entry: DirectoryEntry, version: int) -> dict[str, Any]:
    return {
        "pseudonym": entry.pseudonym,
        "version": version,
        "seen": version,
        "closed": int(entry.closed),
        "language": entry.language,
        "email": int(bool(entry.email)),
        "address": int(bool(entry.address)),
    }


def _opened(sealer: Sealer, row: Any) -> DirectoryEntry:
    entry = msgspec.json.decode(sealer.open(row.body, context=CONTEXT), type=DirectoryEntry)
    if entry.pseudonym != row.pseudonym:
        raise StorageError("a sealed entry stands under another person", where="directory")
    return entry


def _slices(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]
