"""Reading a column file: what it says of itself, and chunks of it, decrypted on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.domain.hunt import ID
from sentinel.errors import StorageError
from sentinel.store.columnar import bloom as filters
from sentinel.store.columnar import chunks, layout
from sentinel.store.columnar.chunks import Codes, Ints
from sentinel.store.columnar.entries import Entries, entries_of
from sentinel.store.columnar.layout import Chunk, Column, Directory
from sentinel.store.disk import trouble
from sentinel.store.seal import unwrap

if TYPE_CHECKING:
    from sentinel.store.ports import Sealer

_RESTORE = "restore the file from a backup, or move it away and accept the loss"
_LONGEST_HEAD = 4096
_FEW = 64
_SMALL = 64


class ColumnFile:
    """One file that is never changed. Any thread may read it."""

    def __init__(self, path: Path, sealer: Sealer, *, purpose: str) -> None:
        """Read the directory. Raises StorageError: damaged, cut short, or under another key."""
        self.path = path
        self._blooms: dict[str, bytes] = {}
        self.small: dict[int, Entries] = {}
        """Small dictionaries, which nearly every event needs, by the number of their chunk."""
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise trouble(error, path) from error
        try:
            self.size = os.fstat(fd).st_size
            self._head, self._cipher = self._open_head(fd, sealer, purpose)
            self.directory = self._open_directory(fd)
        except OSError as error:
            raise trouble(error, path) from error
        finally:
            os.close(fd)

    @property
    def rows(self) -> int:
        """How many events it holds."""
        return self.directory.rows

    @property
    def first(self) -> int:
        """The time of its first event, in microseconds."""
        return self.directory.firsts[0]

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the file for one question. Raises StorageError."""
        try:
            fd = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise trouble(error, self.path) from error
        try:
            yield Reader(self, fd)
        finally:
            os.close(fd)

    def bloom(self, name: str, column: Column) -> bytes | None:
        """Return the filter of a column, None where it has none."""
        if column.bloom is None:
            return None
        known = self._blooms.get(name)
        if known is None:
            with self.reading() as reader:
                known = self._blooms[name] = reader.chunk(column.bloom)
        return known

    def may_have_ids(self, hashes: filters.Hashes) -> Codes:
        """Return which of these ids may stand here, by their place in ``hashes``."""
        held = self.bloom(ID, self.directory.beside[ID])
        return np.nonzero(filters.may_hold(held, hashes))[0] if held else np.arange(len(hashes))

    def decrypt(self, fd: int, chunk: Chunk) -> bytes:
        """Return a chunk in clear. Raises StorageError where a byte changed."""
        where = f"{self.path}:{chunk.position}"
        try:
            sealed = os.pread(fd, chunk.length, chunk.position)
            return self._cipher.decrypt(chunk.number.to_bytes(12, "big"), sealed, self._head)
        except InvalidTag as error:
            raise StorageError("a chunk is damaged", where=where, hint=_RESTORE) from error
        except OSError as error:
            raise trouble(error, self.path) from error

    def _open_head(self, fd: int, sealer: Sealer, purpose: str) -> tuple[bytes, AESGCM]:
        raw = os.pread(fd, _LONGEST_HEAD, 0)
        start = len(layout.MAGIC) + layout.KEY_LENGTH.size
        if raw[: len(layout.MAGIC)] != layout.MAGIC or len(raw) < start:
            raise StorageError("no column file", where=f"{self.path}:0", hint=_RESTORE)
        (length,) = layout.KEY_LENGTH.unpack_from(raw, len(layout.MAGIC))
        try:
            key = unwrap(sealer, raw[start : start + length], purpose=purpose)
        except StorageError as error:
            raise StorageError(error.detail, where=f"{self.path}:0", hint=error.hint) from error
        return raw[: start + length], AESGCM(key)

    def _open_directory(self, fd: int) -> Directory:
        at = self.size - layout.TAIL.size
        raw = os.pread(fd, layout.TAIL.size, max(at, 0))
        if at < 0 or raw[-4:] != layout.END_MAGIC:
            raise StorageError("the file is cut short", where=f"{self.path}:{at}", hint=_RESTORE)
        position, length, count, _ = layout.TAIL.unpack(raw)
        packed = self.decrypt(fd, Chunk(count - 1, position, length))
        return msgspec.msgpack.decode(chunks.decompress(packed), type=Directory)


class Reader:
    """One question to one file: what it decoded is kept until the question is answered."""

    def __init__(self, file: ColumnFile, fd: int) -> None:
        self.file = file
        self.directory = file.directory
        self._fd = fd
        self._entries: dict[int, Entries] = {}
        self._blocks: dict[int, Entries] = {}
        self._values: dict[int, list[Any]] = {}
        self._times: dict[int, Ints] = {}

    def chunk(self, chunk: Chunk) -> bytes:
        """Return a chunk in clear."""
        return self.file.decrypt(self._fd, chunk)

    def columns(self, name: str) -> list[Column]:
        """Return where values of a field stand: the field, then what stands beside the fields."""
        found = (self.directory.fields.get(name), self.directory.beside.get(name))
        return [column for column in found if column is not None and column.entries]

    def entries(self, column: Column) -> Entries:
        """Return the whole dictionary of a column."""
        known = self._entries.get(id(column))
        if known is None:
            packed = [self.chunk(block) for block in column.blocks]
            known = self._entries[id(column)] = entries_of(column.kind, packed)
        return known

    def values(self, column: Column) -> list[Any]:
        """Return every value of a dictionary."""
        known = self._values.get(id(column))
        if known is None:
            known = self._values[id(column)] = self.entries(column).values()
        return known

    def block(self, column: Column, number: int) -> Entries:
        """Return one block of a dictionary."""
        chunk = column.blocks[number]
        kept = self.file.small if column.entries <= _SMALL else self._blocks
        known = kept.get(chunk.number)
        if known is None:
            known = kept[chunk.number] = entries_of(column.kind, [self.chunk(chunk)])
        return known

    def codes(self, column: Column, low: int, high: int) -> Codes:
        """Return the codes of the rows from ``low`` to before ``high``."""
        if column.own:
            return np.arange(low + 1, high + 1, dtype=np.uint32)
        start, end = low // layout.STRIP, (high - 1) // layout.STRIP + 1
        parts = [self.strip(column, number) for number in range(start, end)]
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return joined[low - start * layout.STRIP : high - start * layout.STRIP]

    def strip(self, column: Column, number: int) -> Codes:
        """Return the codes of one strip."""
        chunk = column.strips[number]
        if chunk is None:
            rows = min(layout.STRIP, self.directory.rows - number * layout.STRIP)
            return np.zeros(rows, dtype=np.uint8)
        return chunks.unpack_codes(self.chunk(chunk))

    def codes_at(self, column: Column, number: int, rows: Sequence[int]) -> list[int]:
        """Return the codes of some rows of one strip."""
        chunk = column.strips[number]
        if chunk is None:
            return [0] * len(rows)
        places = [row - number * layout.STRIP for row in rows]
        if len(rows) > _FEW:
            return chunks.unpack_codes(self.chunk(chunk))[places].tolist()  # type: ignore[no-any-return]
        return chunks.pick_codes(self.chunk(chunk), places)

    def times(self, low: int, high: int) -> Ints:
        """Return the times of some rows, in microseconds."""
        start, end = low // layout.STRIP, (high - 1) // layout.STRIP + 1
        parts = [
            chunks.unpack_ascending(self.chunk(self.directory.times[number]))
            for number in range(start, end)
        ]
        return np.concatenate(parts)[low - start * layout.STRIP : high - start * layout.STRIP]

    def times_at(self, rows: Sequence[int]) -> list[int]:
        """Return the times of single rows."""
        found = []
        for row in rows:
            number, place = divmod(row, layout.STRIP)
            if number not in self._times:
                chunk = self.chunk(self.directory.times[number])
                self._times[number] = chunks.unpack_ascending(chunk)
            found.append(int(self._times[number][place]))
        return found

    def column_of(self, name: str) -> list[Any]:
        """Return the value of each row in a column of what stands beside the fields."""
        column = self.directory.beside[name]
        values = [None, *self.values(column)]
        return [values[code] for code in self.codes(column, 0, self.directory.rows).tolist()]

    def value_at(self, column: Column, row: int) -> Any:
        """Return the value of a column in one row, None where it has none."""
        code = row + 1 if column.own else self.codes_at(column, row // layout.STRIP, [row])[0]
        if code == 0:
            return None
        number, place = divmod(code - 1, layout.BLOCK)
        return self.block(column, number).value(place)

    def window(self, since: int | None, until: int | None) -> tuple[int, int]:
        """Return the rows with ``since <= time < until``: the first, and the one after the last."""
        low = 0 if since is None else self._place(since)
        return low, self.directory.rows if until is None else self._place(until)

    def _place(self, instant: int) -> int:
        """Return the first row whose time is not before ``instant``."""
        firsts = self.directory.firsts
        if instant <= firsts[0]:
            return 0
        if instant > self.directory.last:
            return self.directory.rows
        strip = int(np.searchsorted(np.array(firsts), instant, side="left")) - 1
        low = strip * layout.STRIP
        times = self.times(low, min(low + layout.STRIP, self.directory.rows))
        return low + int(np.searchsorted(times, instant, side="left"))
