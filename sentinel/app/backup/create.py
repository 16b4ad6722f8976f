"""Makes a backup of everything, encrypted, read again before it has its name."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from pydantic import SecretStr

from sentinel import __version__
from sentinel.app import parts
from sentinel.app.backup import cycle
from sentinel.app.backup.ledger import backup_key
from sentinel.app.backup.snapshot import Copied, Snapshot
from sentinel.app.backup.verify import Verified, verify
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.config.section import Section
from sentinel.content import content_dir
from sentinel.domain.deadline import zone_of
from sentinel.errors import ConfigError, StorageError
from sentinel.ids import uuid7
from sentinel.store.archive import ArchiveWriter, make_header
from sentinel.store.disk import Disk, FolderLock

ABOUT, CONTENTS = "about.json", "contents.json"
DATA, CONTENT = "data", "content"
_PIECE = 1 << 20


def create(settings: Settings, now: datetime, *, kind: str = "") -> tuple[cycle.Archive, Verified]:
    """Write an archive into the folder of the backups, verify it, then give it its name.

    ``kind``: ``daily``, ``weekly``, ``monthly``; empty: what the cycle asks for today.
    Raises StorageError, ConfigError: then no archive has appeared.
    """
    folder, key = settings.backup.dir, backup_key(settings)
    if folder is None or key is None:
        raise ConfigError("backup.dir: where do backups go?", hint="set dir and key_file")
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(error.strerror or str(error), where=str(folder)) from error
        lock = FolderLock(folder)
        held.callback(lock.release)
        for left in folder.glob(".making-*"):
            left.unlink()
        today = now.astimezone(zone_of(settings.timezone)).date()
        chosen = kind or cycle.kind_for(cycle.archives(folder), today, settings.timezone)
        archive_id = uuid7()
        mark = archive_id[-8:]
        draft = folder / f".making-{mark}"
        try:
            _write(settings, draft, key, chosen, archive_id, now)
            verified = verify(draft, key, settings)
            path = folder / cycle.name_of(chosen, now, mark)
            draft.rename(path)
            Disk().sync_folder(folder)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StorageError(error.strerror or str(error), where=str(folder)) from error
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    size = path.stat().st_size
    return cycle.Archive(path=path, kind=chosen, made_at=now, size=size), verified


def _write(
    settings: Settings, draft: Path, key: bytes, kind: str, archive_id: str, now: datetime
) -> None:
    header = make_header(
        key, archive_id=archive_id, kind=kind, at=now, software=f"sentinel {__version__}"
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        stream = ArchiveWriter(file, key, header)
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            _fill(tar, settings, archive_id, now)
        stream.finish()
        file.flush()
        os.fsync(file.fileno())


def _fill(tar: tarfile.TarFile, settings: Settings, archive_id: str, now: datetime) -> None:
    digests: dict[str, str] = {}
    about = {
        "id": archive_id,
        "made_at": isoformat(now),
        "software": __version__,
        "cases": "sqlite" if settings.store.cases.url is None else "postgresql",
        "settings": without_secrets(settings),
    }
    _add_bytes(tar, ABOUT, msgspec.json.encode(about), digests)
    sealer = parts.open_sealer(settings)
    with Snapshot(settings, sealer, archive_id[-8:]) as snapshot:
        for one in snapshot.files():
            _add_file(tar, f"{DATA}/{one.name}", one, digests)
    for name, folder in _content(settings):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                inside = f"{CONTENT}/{name}/{path.relative_to(folder)}"
                _add_file(tar, inside, Copied(inside, path, path.stat().st_size), digests)
    _add_bytes(tar, CONTENTS, msgspec.json.encode(digests), {})


def _content(settings: Settings) -> list[tuple[str, Path]]:
    """Return the folders of content in use that are not the shipped ones."""
    used = {
        "rules": settings.rules_path,
        "notifiers": settings.notifiers_path,
        "runbooks": settings.runbooks_path,
    }
    return [(name, path) for name, path in used.items() if path != content_dir(name)]


def without_secrets(settings: Settings) -> dict[str, Any]:
    """Return the settings as data, every secret left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, Section):
            fields = {name: getattr(value, name) for name in type(value).model_fields}
            return {
                name: plain(one)
                for name, one in fields.items()
                if one is not None and not isinstance(one, SecretStr)
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(one) for one in value if not isinstance(one, SecretStr)]
        if isinstance(value, dict):
            return {str(name): plain(one) for name, one in value.items()}
        return value if isinstance(value, str | int | float | bool) else str(value)

    made: dict[str, Any] = plain(settings)
    return made


def _add_bytes(tar: tarfile.TarFile, name: str, body: bytes, digests: dict[str, str]) -> None:
    digests[name] = hashlib.sha256(body).hexdigest()
    tar.addfile(_info(name, len(body)), io.BytesIO(body))


def _add_file(tar: tarfile.TarFile, name: str, one: Copied, digests: dict[str, str]) -> None:
    with one.path.open("rb") as file:
        hashing = _Hashing(file, one.size)
        try:
            tar.addfile(_info(name, one.size), hashing)
        except OSError as error:
            raise StorageError(str(error), where=str(one.path)) from error
    digests[name] = hashing.digest.hexdigest()


class _Hashing:
    """A file that is hashed as it is read, up to a length."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int = _PIECE) -> bytes:
        """Return the next bytes."""
        taken = self._file.read(min(size, self._left))
        self._left -= len(taken)
        self.digest.update(taken)
        return taken


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info
