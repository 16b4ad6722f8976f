"""Disks that fail or forget, below the real code and above the real file system."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field
from pathlib import Path

from sentinel.store.disk import Disk


class KilledHere(BaseException):
    """The process would have died at this call."""


class CountingDisk(Disk):
    """A disk that notes its calls and lets a subclass step in before each one."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def before(self, call: str) -> None:
        self.log.append(call)

    def create(self, path: Path) -> int:
        self.before("create")
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        self.before("write")
        super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self.before("fsync")
        super().fsync(fd)

    def truncate(self, path: Path, size: int) -> None:
        self.before("truncate")
        super().truncate(path, size)

    def replace(self, source: Path, target: Path) -> None:
        self.before("replace")
        super().replace(source, target)

    def unlink(self, path: Path) -> None:
        self.before("unlink")
        super().unlink(path)


class KillingDisk(CountingDisk):
    """A disk at whose n-th call the process dies; a write then leaves half of its bytes."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def before(self, call: str) -> None:
        if len(self.log) >= self.at:
            raise KilledHere
        super().before(call)

    def write(self, fd: int, data: bytes) -> None:
        if len(self.log) >= self.at:
            os.write(fd, data[: len(data) // 2])
        super().write(fd, data)


class FailingDisk(CountingDisk):
    """A disk that refuses chosen calls with an error number, for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse: set[str] = set()
        self.error = errno.EIO
        self.partial = 0

    def before(self, call: str) -> None:
        super().before(call)
        if call in self.refuse:
            raise OSError(self.error, os.strerror(self.error))

    def write(self, fd: int, data: bytes) -> None:
        if "write" in self.refuse:
            os.write(fd, data[: self.partial])
        super().write(fd, data)


@dataclass
class PowerLossDisk(Disk):
    """A disk with a volatile cache: at `power_loss` only what was synced is left.

    ``honest`` false makes every sync a lie, which shows that the tests would notice.
    """

    honest: bool = True
    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[Path, int] = field(default_factory=dict)
    alive: list[int] = field(default_factory=list)

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self.alive.append(os.dup(fd))  # its inode number is not given to another file
        return fd

    def fsync(self, fd: int) -> None:
        super().fsync(fd)
        if not self.honest:
            return
        opened = Path(f"/proc/self/fd/{fd}").readlink()
        if opened.is_dir():
            self.names = {path: node for path, node in self.names.items() if path.parent != opened}
            for path in opened.iterdir():
                with contextlib.suppress(FileNotFoundError):  # a neighbour's, and gone again
                    self.names[path] = path.stat().st_ino
        else:
            self.contents[os.fstat(fd).st_ino] = opened.read_bytes()

    def power_loss(self, root: Path) -> None:
        """Leave under ``root`` what a machine would find after the power came back."""
        self.names = {path: n for path, n in self.names.items() if path.is_relative_to(root)}
        folders = {path for path in self.names if path.is_dir()} | {root}
        for path in list(root.rglob("*")):
            if path.is_file() and path.name != "lock":
                path.unlink()
        for path, node in self.names.items():
            if path.name != "lock" and path not in folders and _durable(path, root, folders):
                path.write_bytes(self.contents.get(node, b""))
        while self.alive:
            os.close(self.alive.pop())


def _durable(path: Path, root: Path, folders: set[Path]) -> bool:
    """Tell whether every folder from ``root`` down to ``path`` has a name that was synced."""
    return all(parent in folders for parent in path.parents if parent.is_relative_to(root))
