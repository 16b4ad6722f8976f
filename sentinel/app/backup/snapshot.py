"""What the data directory holds at one instant, while the service writes to it.

The order makes the copies fit: the cases first, then the events, then the spool, then everything
else, the map of persons among it. So the events hold what was judged, the spool what was stored,
and the map the keys of all of it. Files that only grow are linked and cut at a length that was
committed; databases are copied by their own means.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import msgspec

from sentinel.app import parts
from sentinel.config import Settings
from sentinel.errors import StorageError
from sentinel.store.database_copy import copy_rows, copy_sqlite, is_sqlite
from sentinel.store.manifest import NAME as MANIFEST
from sentinel.store.manifest import read_manifest
from sentinel.store.payload import encode, pack
from sentinel.store.ports import Sealer

PREFIX = ".backup-"
CASES = parts.CASES
SPOOL = "spool"
DUMP, LAST = "events-of-server", "last-offset"
A_DUMP = 10_000
_TRIES = 20
_NOT_KEPT = ("lock", "rules.cache")
_BESIDE_SQLITE = ("-wal", "-shm", "-journal")


class Copied(msgspec.Struct, frozen=True):
    """A file of the backup: its name inside, where its bytes are now, how many of them count."""

    name: str
    path: Path
    size: int


class Snapshot:
    """A folder beside the data in which it is held still. Use as a context manager."""

    def __init__(self, settings: Settings, sealer: Sealer, mark: str) -> None:
        self._settings = settings
        self._sealer = sealer
        self._root = settings.data_dir
        self._folder = settings.data_dir / f"{PREFIX}{mark}"
        self._held_still: set[str] = set()

    def __enter__(self) -> Snapshot:
        """Remove what a death left, and make the folder. Raises StorageError."""
        try:
            for left in self._root.glob(f"{PREFIX}*"):
                shutil.rmtree(left)
            self._folder.mkdir(mode=0o700)
        except OSError as error:
            raise StorageError(error.strerror or str(error), where=str(self._folder)) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def files(self) -> Iterator[Copied]:
        """Yield every file, in the order in which the copies must be made. Raises StorageError."""
        yield self._cases()
        if self._settings.store.events.kind != "embedded":
            yield from self._dump()
        for folder in self._committed_folders():
            yield from self._events(folder)
        yield from self._spool()
        yield from self._rest()

    def _cases(self) -> Copied:
        target = self._folder / CASES
        if self._settings.store.cases.url is None:
            if not (self._root / CASES).exists():
                raise StorageError("there is nothing to back up", where=str(self._root))
            copy_sqlite(self._root / CASES, target)
        else:
            copy_rows(parts.cases_target(self._settings), target)
        return Copied(CASES, target, target.stat().st_size)

    def _committed_folders(self) -> list[Path]:
        """Return the folders of which a manifest says what is committed."""
        return [
            path.parent
            for path in sorted(self._root.glob(f"*/{MANIFEST}"))
            if not path.parent.name.startswith(PREFIX)
        ]

    def _dump(self) -> Iterator[Copied]:
        """Write the events of a server down, in order of time."""
        folder = self._folder / DUMP
        folder.mkdir(mode=0o700)
        with closing(parts.read_events(self._settings, self._sealer)) as events:
            offset = events.stored_offset()
            found = events.search()
            number = 0
            while some := list(islice(found, A_DUMP)):
                path = folder / f"{number:08d}"
                path.write_bytes(pack(encode(some)))
                yield Copied(f"{DUMP}/{path.name}", path, _size(path))
                path.unlink()  # the archive holds it by now
                number += 1
        last = folder / LAST
        last.write_text(str(offset), encoding="ascii")
        yield Copied(f"{DUMP}/{LAST}", last, _size(last))

    def _events(self, source: Path) -> Iterator[Copied]:
        """Hold the files of one manifest; where a newer one came in between, begin again."""
        for number in range(_TRIES):
            folder = self._folder / f"{source.name}-{number}"
            try:
                yield from self._held(source, folder)
            except FileNotFoundError:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                return
        raise StorageError("the events change too fast to be copied", where=str(source))

    def _held(self, source: Path, folder: Path) -> list[Copied]:
        folder.mkdir(mode=0o700)
        shutil.copyfile(source / MANIFEST, folder / MANIFEST)
        manifest = read_manifest(folder, self._sealer)
        if manifest is None:
            raise FileNotFoundError(source / MANIFEST)
        inside = source.name
        found = [Copied(f"{inside}/{MANIFEST}", folder / MANIFEST, _size(folder / MANIFEST))]
        for name, size in (manifest.segments | manifest.columns).items():
            target = folder / name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.link(source / name, target)
            found.append(Copied(f"{inside}/{name}", target, size))
        return found

    def _spool(self) -> Iterator[Copied]:
        source, folder = self._root / SPOOL, self._folder / SPOOL
        if not source.is_dir():
            return
        folder.mkdir(mode=0o700)
        while not _linked(source, folder):
            pass  # all of it was judged, old, and pruned just now: what says so lies there by now
        for path in sorted(folder.iterdir()):
            yield Copied(f"{SPOOL}/{path.name}", path, _size(path))

    def _rest(self) -> Iterator[Copied]:
        """Yield what is left, as it is now; a file that goes meanwhile is not of this backup."""
        self._held_still = {SPOOL, *(path.name for path in self._committed_folders())}
        for path in sorted(self._root.rglob("*")):
            name = path.relative_to(self._root)
            if not self._wanted(path, name):
                continue
            target = self._folder / "rest" / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                if is_sqlite(path):
                    copy_sqlite(path, target)
                else:
                    shutil.copyfile(path, target)
                    target.chmod(0o600)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StorageError(error.strerror or str(error), where=str(path)) from error
            yield Copied(str(name), target, _size(target))
            target.unlink()  # the archive holds it by now

    def _wanted(self, path: Path, name: Path) -> bool:
        first = name.parts[0]
        if first in self._held_still or first.startswith(PREFIX) or not path.is_file():
            return False
        if path.is_symlink() or name.name in _NOT_KEPT or name.name.startswith("."):
            return False
        if str(name) == CASES or name.name.endswith(_BESIDE_SQLITE):
            return False
        inside = self._settings.backup.dir
        return inside is None or not path.is_relative_to(inside)


def _linked(source: Path, folder: Path) -> bool:
    """Link what lies in the spool, the newest first; False where that was pruned meanwhile."""
    paths = [one for one in source.iterdir() if one.name not in _NOT_KEPT and not one.is_dir()]
    for number, path in enumerate(sorted(paths, reverse=True)):
        try:
            os.link(path, folder / path.name)
        except FileNotFoundError:
            if number == 0:
                return False
    return True


def _size(path: Path) -> int:
    return path.stat().st_size
