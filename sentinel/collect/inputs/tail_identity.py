"""Which file is which: by device, inode and content, since names move and inodes are used again.

A file is known by a digest of its first bytes, and by one of the bytes right before the place up
to which it was read. Both together tell a file that grew from one that was cut and written anew
(copytruncate), and find the rest of it in its copy or in its compressed form.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import msgspec

HEAD_BYTES = 1024
TAIL_BYTES = 256
_GZIP = b"\x1f\x8b"


class Mark(msgspec.Struct):
    """How far a file was read, and how it is known again.

    ``generation``: how often a file stood at this inode; ``head``, ``tail``: digests of the first
    ``head_bytes`` and of the last ``tail_bytes`` before ``offset``. ``name``: the first part of the
    identity of its lines. ``finished``: nothing more is expected of it. ``header``: earlier lines
    without which later ones cannot be read.
    """

    path: str
    device: int
    inode: int
    generation: int
    name: str
    offset: int = 0
    head: str = ""
    head_bytes: int = 0
    tail: str = ""
    tail_bytes: int = 0
    finished: bool = False
    header: list[str] = []

    def is_at(self, stat: os.stat_result) -> bool:
        """Tell whether a file stands at this mark's inode."""
        return (self.device, self.inode) == (stat.st_dev, stat.st_ino)


class Content:
    """A log file's bytes; those of a gzip file are its plain ones."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises OSError."""
        self._raw = path.open("rb")
        self.stat = os.fstat(self._raw.fileno())
        self.is_gzip = os.pread(self._raw.fileno(), 2, 0) == _GZIP
        self.is_cut = False
        """A gzip file that ends too early, or is damaged: it was read as far as it goes."""
        self._unzip = gzip.GzipFile(fileobj=self._raw) if self.is_gzip else None
        self._held, self._from = b"", 0
        self._head = b""

    def refresh(self) -> os.stat_result:
        """Look again at the file that is open, wherever it was moved."""
        self.stat = os.fstat(self._raw.fileno())
        return self.stat

    def read(self, offset: int, size: int) -> bytes:
        """Return up to ``size`` plain bytes from ``offset`` on."""
        if self._unzip is None:
            return os.pread(self._raw.fileno(), size, offset)
        if offset + size <= len(self._head):  # going back would unpack all of it once more
            return self._head[offset : offset + size]
        end = self._from + len(self._held)
        if not self._from <= offset <= end:
            self._held, self._from = b"", offset
            end = self._unzipped_from(offset)
        if offset + size > end:
            more = self._unzipped(offset + size - end)
            keep = max(0, offset - HEAD_BYTES - self._from)  # going back would begin at the start
            self._held, self._from = self._held[keep:] + more, self._from + keep
        start = offset - self._from
        if not offset and start == 0 and len(self._held) >= HEAD_BYTES:
            self._head = self._held[:HEAD_BYTES]
        return self._held[start : start + size]

    def _unzipped_from(self, offset: int) -> int:
        assert self._unzip is not None  # noqa: S101 - asked before
        try:
            return self._unzip.seek(offset)
        except (OSError, EOFError, zlib.error):
            self._damaged()
            return offset

    def _unzipped(self, size: int) -> bytes:
        assert self._unzip is not None  # noqa: S101 - asked before
        out = bytearray()
        try:
            while len(out) < size and (part := self._unzip.read1(size - len(out))):
                out += part
        except (OSError, EOFError, zlib.error):
            self._damaged()
        return bytes(out)

    def _damaged(self) -> None:
        """Begin anew at the next read: a file that is being compressed will be longer then."""
        self.is_cut = True
        self._raw.seek(0)
        self._unzip = gzip.GzipFile(fileobj=self._raw)
        self._held, self._from = b"", -1

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def digest(data: bytes) -> str:
    """Return what stands for some bytes in a mark."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def is_same(mark: Mark, content: Content) -> bool:
    """Tell whether ``content`` holds what was read under ``mark``, at the same places."""
    if mark.head_bytes and digest(content.read(0, mark.head_bytes)) != mark.head:
        return False
    if not mark.tail_bytes:
        return True
    return digest(content.read(mark.offset - mark.tail_bytes, mark.tail_bytes)) == mark.tail


def is_copy(mark: Mark, content: Content) -> bool:
    """Tell whether another file is a copy of what was read under ``mark``."""
    return mark.head_bytes > 0 and is_same(mark, content)


def advanced(mark: Mark, content: Content, offset: int) -> Mark | None:
    """Return the mark of a file of which everything before ``offset`` was read.

    None where ``content`` is not what was read under ``mark`` any more. Asked before the lines are
    stored: a file that is cut afterwards is known again by what it was.
    """
    new = msgspec.structs.replace(mark, offset=offset)
    if mark.head_bytes < min(HEAD_BYTES, offset):
        new.head_bytes = min(HEAD_BYTES, offset)
        new.head = digest(content.read(0, new.head_bytes))
    new.tail_bytes = min(TAIL_BYTES, offset)
    new.tail = digest(content.read(offset - new.tail_bytes, new.tail_bytes))
    return new if is_same(mark, content) else None
