"""Values as compressed bytes, a chunk at a time. The inverse of each `pack_…` stands beside it.

Integers are cut to their narrowest width, laid out byte plane by byte plane (all low bytes, then
all next ones: what changes seldom stands together), then compressed. A chunk starts with one byte
that says how it was packed. Nothing here is encrypted: `write` and `read` do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import local
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from sentinel.errors import StorageError

Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[Any]
"""Unsigned integers of any width."""

LEVEL = 6
_PLAIN, _ZSTD = 0, 1
_HEX_DIGITS = 32
HEX_BYTES = _HEX_DIGITS // 2
_WIDTHS = (1, 2, 4, 8)
_OF_THREAD = local()


def compress(raw: bytes) -> bytes:
    """Compress where that makes it smaller."""
    packed = zstandard.ZstdCompressor(level=LEVEL).compress(raw)
    return bytes([_ZSTD]) + packed if len(packed) < len(raw) else bytes([_PLAIN]) + raw


def decompress(packed: bytes | memoryview) -> bytes:
    """Undo `compress`. Raises StorageError."""
    body = memoryview(packed)[1:]
    if packed[0] == _PLAIN:
        return bytes(body)
    try:
        return _decompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise StorageError(f"a chunk cannot be read: {error}", where="events") from error


def _decompressor() -> zstandard.ZstdDecompressor:
    """Return this thread's: to make one costs half of what a small chunk does."""
    found: zstandard.ZstdDecompressor | None = getattr(_OF_THREAD, "zstd", None)
    if found is None:
        found = _OF_THREAD.zstd = zstandard.ZstdDecompressor()
    return found


def pack_codes(codes: Codes) -> bytes:
    """Pack unsigned integers."""
    top = int(codes.max()) if len(codes) else 0
    width = next(width for width in _WIDTHS if top < 1 << (8 * width))
    cut = codes.astype(f"<u{width}")
    planes = cut.view(np.uint8).reshape(-1, width).T.tobytes()
    return bytes([width]) + compress(planes)


def unpack_codes(packed: bytes) -> Codes:
    """Return the integers, as wide as they were stored."""
    width, planes = _planes(packed)
    joined: Codes = planes[0] if width == 1 else planes[0].astype(f"<u{width}")
    for place in range(1, width):
        joined |= planes[place].astype(f"<u{width}") << np.array(8 * place, f"<u{width}")
    return joined


def pick_codes(packed: bytes, places: Sequence[int]) -> list[int]:
    """Return the integers in some places."""
    width, planes = _planes(packed)
    return [
        int.from_bytes([int(planes[byte][place]) for byte in range(width)], "little")
        for place in places
    ]


def _planes(packed: bytes) -> tuple[int, Codes]:
    width = packed[0]
    planes = np.frombuffer(decompress(memoryview(packed)[1:]), dtype=np.uint8)
    return width, planes.reshape(width, -1)


def pack_ascending(values: Ints) -> bytes:
    """Pack integers of which none is below the one before it."""
    first = int(values[0]).to_bytes(8, "little", signed=True)
    return first + pack_codes(np.diff(values))


def unpack_ascending(packed: bytes) -> Ints:
    """Return what `pack_ascending` packed."""
    steps = unpack_codes(packed[8:])
    values: Ints = np.empty(len(steps) + 1, dtype=np.int64)
    values[0] = int.from_bytes(packed[:8], "little", signed=True)
    np.cumsum(steps, dtype=np.int64, out=values[1:])
    values[1:] += values[0]
    return values


def pack_blob(items: Sequence[bytes]) -> bytes:
    """Pack byte strings."""
    lengths = pack_codes(np.fromiter(map(len, items), dtype=np.uint32, count=len(items)))
    return len(lengths).to_bytes(4, "little") + lengths + compress(b"".join(items))


def unpack_blob(packed: bytes) -> tuple[Codes, bytes]:
    """Return the lengths of the strings and the strings joined."""
    end = 4 + int.from_bytes(packed[:4], "little")
    return unpack_codes(packed[4:end]), decompress(memoryview(packed)[end:])


def pack_hex(items: Sequence[str]) -> bytes:
    """Pack texts of 32 hex digits (`is_hex`)."""
    return bytes.fromhex("".join(items))


def is_hex(items: Sequence[str]) -> bool:
    """Tell whether each text has 32 lower-case hex digits."""
    if any(len(item) != _HEX_DIGITS for item in items):
        return False
    joined = "".join(items)
    try:
        return bytes.fromhex(joined).hex() == joined
    except ValueError:
        return False


def pack_values(values: Sequence[object]) -> bytes:
    """Pack values of any type."""
    return compress(msgspec.msgpack.encode(values))


def unpack_values(packed: bytes) -> list[Any]:
    """Return what `pack_values` packed. Raises StorageError."""
    try:
        return msgspec.msgpack.decode(decompress(packed), type=list[Any])
    except msgspec.MsgspecError as error:
        raise StorageError(f"a chunk cannot be read: {error}", where="events") from error
