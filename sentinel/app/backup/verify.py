"""Reads a backup from its first byte to its last, and opens what it holds.

Every piece is decrypted, every file held against its digest, the cases are opened and their
journal is checked line by line, and the events must be all there.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

import msgspec

from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.archive import ArchiveReader, Header, UnusableBackup
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.database_copy import check_sqlite
from sentinel.store.manifest import NAME as MANIFEST
from sentinel.store.manifest import read_manifest
from sentinel.store.ports import Sealer

ABOUT, CONTENTS = "about.json", "contents.json"
CASES, EVENTS = f"data/{parts.CASES}", "data/events"
_PIECE = 1 << 20

Take = Callable[[str, IO[bytes] | None], None]
"""Gets each file's name, and its bytes where it asked for them."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``lines``: of the journal; ``sizes``: bytes by name of file."""

    header: Header
    about: dict[str, object]
    files: int
    size: int
    lines: int
    stored_offset: int


def verify(path: Path, key: bytes, settings: Settings) -> Verified:
    """Raise StorageError where a backup is not whole, or does not open under our keys."""
    sealer = parts.open_sealer(settings)
    beside = settings.data_dir if settings.data_dir.is_dir() else None
    with TemporaryDirectory(prefix=".backup-", dir=beside) as folder:
        root = Path(folder)
        header, about, sizes = unpack(path, key, root, only=_looked_at)
        lines = check_cases(root / CASES, sealer)
        offset = check_events(root / EVENTS, sizes, sealer, where=str(path))
    return Verified(
        header=header,
        about=about,
        files=len(sizes),
        size=sum(sizes.values()),
        lines=lines,
        stored_offset=offset,
    )


def _looked_at(name: str) -> bool:
    return name in (CASES, f"{EVENTS}/{MANIFEST}")


def unpack(
    path: Path, key: bytes, root: Path, *, only: Callable[[str], bool] = lambda _: True
) -> tuple[Header, dict[str, object], dict[str, int]]:
    """Read a backup whole, and write the files that are asked for below ``root``.

    Returns its header, what it says of itself, and the size of each file by name. Raises
    StorageError where anything is cut, altered, missing or more than its list says.
    """
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    about: dict[str, object] = {}
    listed: dict[str, str] | None = None
    try:
        with path.open("rb") as file:
            reader = ArchiveReader(file, key, where=str(path))
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                for member in tar:
                    name = _safe(member, path)
                    source = tar.extractfile(member)
                    if source is None:
                        raise _wrong(path, f"{name} is no file")
                    if name == CONTENTS:
                        listed = msgspec.json.decode(source.read(), type=dict[str, str])
                        continue
                    if name == ABOUT:
                        body = source.read()
                        about = msgspec.json.decode(body, type=dict[str, object])
                        digests[name], sizes[name] = hashlib.sha256(body).hexdigest(), len(body)
                        continue
                    target = root / name if only(name) else None
                    digests[name], sizes[name] = _copy(source, target)
            reader.finish()
            header = reader.header
    except (tarfile.TarError, msgspec.MsgspecError) as error:
        raise _wrong(path, f"its contents cannot be read: {error}") from error
    except OSError as error:
        raise UnusableBackup(error.strerror or str(error), where=str(path)) from error
    if listed is None or listed != digests:
        raise _wrong(path, "its files are not those that its list names")
    return header, about, sizes


def check_cases(path: Path, sealer: Sealer) -> int:
    """Open a copy of the cases and verify the journal; return its lines. Raises StorageError."""
    if not path.exists():
        raise UnusableBackup("it holds no cases", where=str(path))
    check_sqlite(path)
    with closing(SqlCaseStore.open(path, sealer, SystemClock())) as cases, cases.begin() as tx:
        verdict = check(all_lines(tx))
        last = tx.journal.last()
        if last is not None:
            tx.journal.opened(last)
    if not verdict.holds:
        found = verdict.breaks[0]
        raise UnusableBackup(f"its journal does not hold: line {found.seq}: {found.reason}")
    return verdict.lines


def check_events(folder: Path, sizes: dict[str, int], sealer: Sealer, *, where: str) -> int:
    """Check that every file of the events is there; return the offset up to which they go."""
    if not (folder / MANIFEST).exists():
        return -1
    manifest = read_manifest(folder, sealer)
    if manifest is None:
        return -1
    for name, size in (manifest.segments | manifest.columns).items():
        if sizes.get(f"{EVENTS}/{name}") != size:
            raise UnusableBackup(f"its events lack {name}", where=where)
    return manifest.stored_offset


def _copy(source: IO[bytes], target: Path | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    out = target.open("xb") if target is not None else None
    try:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            if out is not None:
                out.write(piece)
    finally:
        if out is not None:
            out.close()
            assert target is not None  # noqa: S101 - it is what was opened
            target.chmod(0o600)
    return digest.hexdigest(), size


def _safe(member: tarfile.TarInfo, path: Path) -> str:
    """Return the name of a file that stays below the folder it is written to."""
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts:
        raise _wrong(path, "it holds what no backup of ours holds")
    return str(name)


def _wrong(path: Path, why: str) -> UnusableBackup:
    return UnusableBackup(
        f"it is not what was written: {why}",
        where=str(path),
        hint="take another one: sentinel backup list",
    )
