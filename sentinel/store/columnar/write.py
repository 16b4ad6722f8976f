"""Writing a column file: once, whole, durable, and without meaning until a manifest names it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID
from sentinel.domain.hunt_match import text_of
from sentinel.store.columnar import bloom, chunks, layout
from sentinel.store.columnar.build import Drafted, Drafts
from sentinel.store.columnar.chunks import Codes
from sentinel.store.columnar.layout import Chunk, Column, Directory, Kind
from sentinel.store.seal import KEY_BYTES, wrap

if TYPE_CHECKING:
    from sentinel.store.disk import Disk
    from sentinel.store.ports import Sealer

NEEDLES = ("source.ip", "user.name", "sentinel.subject", "sentinel.session")
"""Fields with a filter, so that one value is looked for in the files that may hold it only."""


class FileBuilder:
    """The bytes of one column file."""

    def __init__(self, sealer: Sealer, *, purpose: str) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = wrap(sealer, key, purpose=purpose)
        self._head = layout.MAGIC + layout.KEY_LENGTH.pack(len(wrapped)) + wrapped
        self._cipher = AESGCM(key)
        self._parts = [self._head]
        self._end = len(self._head)
        self._count = 0

    def chunk(self, raw: bytes) -> Chunk:
        """Append one chunk."""
        sealed = self._cipher.encrypt(self._count.to_bytes(12, "big"), raw, self._head)
        made = Chunk(self._count, self._end, len(sealed))
        self._parts.append(sealed)
        self._end += len(sealed)
        self._count += 1
        return made

    def finish(self, directory: Directory) -> list[bytes]:
        """Return the whole file."""
        made = self.chunk(chunks.compress(msgspec.msgpack.encode(directory)))
        tail = layout.TAIL.pack(made.position, made.length, self._count, layout.END_MAGIC)
        return [*self._parts, tail]


def contents(events: Sequence[Event], sealer: Sealer, *, purpose: str) -> list[bytes]:
    """Return the bytes of a file of ``events``: of one UTC day, in the order of time."""
    drafts, file = Drafts(events), FileBuilder(sealer, purpose=purpose)
    strips = range(0, drafts.rows, layout.STRIP)
    fields = {name: _column(file, name, drafted) for name, drafted in
              drafts.fields.items()}  # fmt: skip
    beside = {name: _column(file, name, drafted) for name, drafted in
              drafts.beside.items()}  # fmt: skip
    directory = Directory(
        rows=drafts.rows,
        times=[
            file.chunk(chunks.pack_ascending(drafts.times[at : at + layout.STRIP])) for at in strips
        ],
        firsts=[int(drafts.times[at]) for at in strips],
        last=int(drafts.times[-1]),
        kinds=drafts.kinds,
        fields=fields,
        beside=beside,
        sealed=[
            file.chunk(chunks.pack_blob(block)) if any(block) else None
            for block in _blocks(drafts.sealed, layout.RAW_BLOCK)
        ],
    )
    return file.finish(directory)


def write(disk: Disk, path: Path, parts: Sequence[bytes]) -> int:
    """Create the file and make it durable; return its length. Raises OSError."""
    fd = disk.create(path)
    try:
        for part in parts:
            disk.write(fd, part)
        disk.fsync(fd)
    finally:
        disk.close(fd)
    disk.sync_folder(path.parent)
    return sum(map(len, parts))


def _column(file: FileBuilder, name: str, drafted: Drafted) -> Column:
    codes, kind, entries = drafted.codes, drafted.kind(), drafted.entries
    own = len(entries) == len(codes)
    strips = [] if own else [_strip(file, part) for part in _cut(codes, layout.STRIP)]
    pack = _PACKS[kind]
    return Column(
        kind=kind,
        entries=len(entries),
        blocks=[file.chunk(pack(block)) for block in _blocks(entries, layout.BLOCK)],
        strips=strips,
        own=own,
        bloom=_bloom(file, name, kind, entries),
    )


def _bloom(file: FileBuilder, name: str, kind: Kind, entries: Sequence[Any]) -> Chunk | None:
    if name != ID and name not in NEEDLES:
        return None
    if kind in (Kind.TEXT, Kind.HEX):
        texts = [*entries]
    else:
        lists = (entry if isinstance(entry, list) else [entry] for entry in entries)
        texts = sorted({text_of(one) for items in lists for one in items})
    bits = bloom.BITS_OF_IDS if name == ID else bloom.BITS
    return file.chunk(bloom.make(bloom.hashes_of(texts), bits))


def _strip(file: FileBuilder, codes: Codes) -> Chunk | None:
    return file.chunk(chunks.pack_codes(codes)) if codes.any() else None


def _cut(codes: Codes, size: int) -> list[Codes]:
    return [codes[at : at + size] for at in range(0, len(codes), size)]


def _blocks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


_PACKS: dict[Kind, Any] = {
    Kind.TEXT: lambda texts: chunks.pack_blob([text.encode() for text in texts]),
    Kind.ONE: lambda lists: chunks.pack_blob([text.encode() for (text,) in lists]),
    Kind.HEX: chunks.pack_hex,
    Kind.INT: lambda ints: chunks.compress(np.array(ints, dtype="<i8").tobytes()),
    Kind.ANY: chunks.pack_values,
}
