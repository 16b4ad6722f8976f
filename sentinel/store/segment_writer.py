"""Writing a segment: append, sync, never repair.

Whoever meets an error drops the writer and makes a new segment, under a new key: so no nonce is
used twice, and no failed ``fsync`` is asked again.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from time import monotonic

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.store import frames
from sentinel.store.disk import Disk
from sentinel.store.frames import Head, Header
from sentinel.store.ports import Sealer
from sentinel.store.seal import KEY_BYTES, wrap
from sentinel.store.segments import Block, Segment, segment_path


class SegmentWriter:
    """The one writer of a fresh segment. After an OSError it is worth nothing: `abandon` it."""

    def __init__(self, disk: Disk, fd: int, segment: Segment) -> None:
        self.segment = segment
        self.started = monotonic()
        self._disk = disk
        self._fd = fd
        self._number = 0
        self._link = segment.link
        self._end = segment.end

    @classmethod
    def create(
        cls,
        disk: Disk,
        folder: Path,
        header: tuple[int, int, bytes],
        sealer: Sealer,
        *,
        purpose: str,
    ) -> SegmentWriter:
        """Create a segment; ``header``: its number, its first offset, the link before it.

        The file's name is durable at return, its header with the first `sync`. Raises OSError.
        """
        number, base, previous = header
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = wrap(sealer, key, purpose=f"{purpose}:{number}")
        made = Header(number, base, previous, wrapped)
        raw = frames.write_header(made)
        path = segment_path(folder, number)
        fd = disk.create(path)
        try:
            disk.write(fd, raw)
            disk.sync_folder(folder)
        except OSError:
            with suppress(OSError):
                disk.close(fd)
            with suppress(OSError):
                disk.unlink(path)
            raise
        return cls(disk, fd, Segment(path, made, AESGCM(key), len(raw), frames.link_of(raw)))

    def write(self, packed: bytes, *, count: int, first: int, last: int) -> Block:
        """Append a block, neither durable nor known to readers yet. Raises OSError."""
        head = Head(len(packed) + frames.TAG_BYTES, count, first, last, self._link)
        raw = frames.write_head(head)
        body = frames.encrypt(self.segment.cipher, self._number, packed, raw)
        self._disk.write(self._fd, raw + body)
        link = frames.link_of(raw, body[-frames.TAG_BYTES :])
        block = Block(self._number, self._end, len(raw) + len(body), count, first, last, link)
        self._number += 1
        self._link = link
        self._end += block.size
        return block

    def sync(self) -> None:
        """Return once every block written is on the medium. Raises OSError."""
        self._disk.fsync(self._fd)

    def close(self) -> None:
        """Close the file. Raises OSError."""
        self._disk.close(self._fd)
