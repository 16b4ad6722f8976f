"""One segment: a file that is written once, by one opening, and read for ever after.

`Segment.scan` walks the blocks of a file that an earlier process
left and tells three things apart: a whole block, a torn tail (a write that did not finish, the
normal trace of a crash) and damage (anything else, an error that names file and position).
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store import frames
from sentinel.store.disk import trouble
from sentinel.store.frames import Head, Header, Torn
from sentinel.store.payload import unpack
from sentinel.store.ports import Sealer
from sentinel.store.seal import unwrap

SEGMENT_GLOB = "[0-9]" * 10 + ".seg"
_CHUNK = 1 << 20
_LONGEST_HEADER = frames.HEADER_FIXED_BYTES + (1 << 16)


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block stands in its segment and which offsets it holds (both ends included)."""

    number: int
    position: int
    size: int
    count: int
    first: int
    last: int
    link: bytes


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of segment ``number``."""
    return folder / f"{number:010d}.seg"


class Segment:
    """A readable segment. Blocks that were made known by `publish` may be read from any thread."""

    def __init__(self, path: Path, header: Header, cipher: AESGCM, start: int, link: bytes) -> None:
        self.path = path
        self.number = header.number
        self.base = header.base
        self.previous = header.previous
        self.cipher = cipher
        self.end = start
        """Where the last published block ends, in bytes."""
        self.link = link
        self.last = header.base - 1
        self.events = 0
        self.firsts = array("q")
        self._positions = array("q")

    @classmethod
    def open(cls, path: Path, sealer: Sealer, *, purpose: str) -> Segment:
        """Read the header of a file; ``purpose`` prefixes the data key's name.

        Raises Torn where the header was not written whole, StorageError where it is damaged or
        where the key is another.
        """
        where = f"{path}:0"
        try:
            with path.open("rb") as file:
                raw = file.read(_LONGEST_HEADER)
                if not any(raw) and _blank(file.fileno(), 0):
                    raise Torn
        except OSError as error:
            raise trouble(error, path) from error
        header, start = frames.read_header(raw, where=where)
        try:
            key = unwrap(sealer, header.wrapped_key, purpose=f"{purpose}:{header.number}")
        except StorageError as error:
            raise StorageError(error.detail, where=where, hint=error.hint) from error
        if segment_path(path.parent, header.number) != path:
            raise StorageError(f"the file holds segment {header.number}", where=where)
        return cls(path, header, AESGCM(key), start, frames.link_of(raw[:start]))

    def publish(self, block: Block) -> None:
        """Make a durable block known to readers."""
        self._positions.append(block.position)
        self.firsts.append(block.first)
        self.end = block.position + block.size
        self.link = block.link
        self.last = block.last
        self.events += block.count

    @property
    def blocks(self) -> int:
        """How many blocks may be read."""
        return len(self.firsts)

    @contextmanager
    def reading(self) -> Iterator[int]:
        """Open the file; yield the descriptor that `read` takes."""
        try:
            fd = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise trouble(error, self.path) from error
        try:
            yield fd
        finally:
            os.close(fd)

    def read(self, fd: int, number: int) -> list[Event]:
        """Return the events of block ``number``. Raises StorageError where it is damaged."""
        position = self._positions[number]
        where = f"{self.path}:{position}"
        raw = _pread(fd, frames.HEAD_BYTES, position, self.path)
        try:
            head = frames.read_head(raw, where=where)
        except Torn as error:
            raise StorageError("a block is missing", where=where) from error
        return self._open_body(fd, number, head, raw, position)

    def scan(self, *, until: int | None = None, verify: bool = False) -> Iterator[Block]:
        """Yield the whole blocks of the file after those published, which the caller publishes.

        ``until``: a position at which to stop. ``verify`` decrypts each body too. Ends at the end
        of the file or at a torn tail; raises StorageError where a block is damaged.
        """
        with self.reading() as fd:
            position, number, link = self.end, self.blocks, self.link
            while until is None or position < until:
                try:
                    head, raw = self._head(fd, position, link)
                    tag = self._tag(fd, position, head)
                except Torn:
                    return
                if verify:
                    self._open_body(fd, number, head, raw, position)
                link = frames.link_of(raw, tag)
                size = frames.HEAD_BYTES + head.length
                yield Block(number, position, size, head.count, head.first, head.last, link)
                position += size
                number += 1

    def _head(self, fd: int, position: int, link: bytes) -> tuple[Head, bytes]:
        where = f"{self.path}:{position}"
        raw = _pread(fd, frames.HEAD_BYTES, position, self.path)
        if not any(raw) and _blank(fd, position):
            raise Torn
        head = frames.read_head(raw, where=where)
        if head.link != link:
            raise StorageError("a block does not follow the one before it", where=where)
        return head, raw

    def _tag(self, fd: int, position: int, head: Head) -> bytes:
        """Return a block's tag. A file that ends before it, or in zeros, is torn."""
        end = position + frames.HEAD_BYTES + head.length
        tag = _pread(fd, frames.TAG_BYTES, end - frames.TAG_BYTES, self.path)
        if len(tag) < frames.TAG_BYTES or (not any(tag) and _blank(fd, end - frames.TAG_BYTES)):
            raise Torn
        return tag

    def _open_body(
        self, fd: int, number: int, head: Head, raw_head: bytes, position: int
    ) -> list[Event]:
        where = f"{self.path}:{position}"
        body = _pread(fd, head.length, position + frames.HEAD_BYTES, self.path)
        packed = frames.decrypt(self.cipher, number, body, raw_head, where=where)
        events = unpack(packed, where=where)
        if len(events) != head.count:
            raise StorageError("a block holds another number of events", where=where)
        return events


def _pread(fd: int, length: int, position: int, path: Path) -> bytes:
    try:
        return os.pread(fd, length, position)
    except OSError as error:
        raise trouble(error, path) from error


def _blank(fd: int, position: int) -> bool:
    """Tell whether only zeros follow: space that a file system gave and never filled."""
    while chunk := os.pread(fd, _CHUNK, position):
        if any(chunk):
            return False
        position += len(chunk)
    return True
