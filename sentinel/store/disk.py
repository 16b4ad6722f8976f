"""The writes that durability rests on, in one small place, so that a test can make each one fail.

What `Disk` promises is POSIX's: a write is safe after ``fsync`` of the file, a new or renamed name
after ``fsync`` of its folder. A failed ``fsync`` is never tried again on the same descriptor: the
kernel may have dropped the dirty pages, and the second call would report a success that is none.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from sentinel.errors import StorageError


class Disk:
    """The machine's disk. Every method raises OSError."""

    def create(self, path: Path) -> int:
        """Create a file that does not exist; return a descriptor open for appending."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)

    def write(self, fd: int, data: bytes) -> None:
        """Write all of ``data``."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def fsync(self, fd: int) -> None:
        """Return once what was written to ``fd`` is on the medium."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to ``size`` bytes, durably. A cut to its own size only makes it durable."""
        fd = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(fd, size)
            self.fsync(fd)
        finally:
            os.close(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Rename atomically over ``target``."""
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in ``folder`` are on the medium."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.fsync(fd)
        finally:
            os.close(fd)


def make_folder(disk: Disk, folder: Path) -> None:
    """Make ``folder`` with its parents, for the owner alone, durably. Raises OSError.

    Where it is there already its name is made durable all the same: whoever made it may have
    failed, or died, before the sync. So is the name of the folder above.
    """
    if folder.is_dir():
        disk.sync_folder(folder.parent)
        with contextlib.suppress(PermissionError):  # not ours, so not made by us
            disk.sync_folder(folder.parent.parent)
        return
    if not folder.parent.is_dir():
        make_folder(disk, folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    disk.sync_folder(folder.parent)
    with contextlib.suppress(PermissionError):
        disk.sync_folder(folder.parent.parent)


def trouble(error: OSError, where: Path | str) -> StorageError:
    """Turn the system's error into ours."""
    return StorageError(
        error.strerror or str(error),
        where=str(where),
        hint="look at the disk's free space, permissions and health",
    )


class FolderLock:
    """One writer a folder: an advisory lock, which the kernel drops when the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock. Raises StorageError where somebody holds it."""
        path = folder / "lock"
        try:
            self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise trouble(error, path) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise StorageError(
                "another process writes here",
                where=str(folder),
                hint="one Sentinel a data directory: stop the other one first",
            ) from error

    def release(self) -> None:
        """Let the next writer in. A second call does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
