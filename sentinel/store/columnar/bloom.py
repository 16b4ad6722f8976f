"""Bloom filters: in which file a value cannot stand.

Bloom 1970, with double hashing after Kirsch and Mitzenmacher 2006. A filter errs on one value in
some hundreds; on one in some ten thousand for ids, which each append asks of every file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sentinel.store.columnar.chunks import Codes, is_hex

Hashes: TypeAlias = npt.NDArray[np.uint64]
"""Two columns for each value."""

BITS = 12
BITS_OF_IDS = 20
_PROBES = 8


def hashes_of(texts: Sequence[str]) -> Hashes:
    """Return what a filter asks about each text. Ids are digests already."""
    raw = bytes.fromhex("".join(texts)) if is_hex(texts) else b"".join(map(_hash, texts))
    return np.frombuffer(raw, dtype="<u8").reshape(-1, 2)


def _hash(text: str) -> bytes:
    if is_hex([text]):
        return bytes.fromhex(text)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def make(hashes: Hashes, bits: int) -> bytes:
    """Return a filter that holds these values, at least ``bits`` bits for each."""
    size = max(64, bits * len(hashes))
    size += -size % 8
    marks = np.zeros(size, dtype=np.uint8)
    for places in _places(hashes, size):
        marks[places] = 1
    return np.packbits(marks, bitorder="little").tobytes()


def may_hold(bloom: bytes, hashes: Hashes) -> npt.NDArray[np.bool_]:
    """Tell for each value whether the filter may hold it; False is certain."""
    raw = np.frombuffer(bloom, dtype=np.uint8)
    found = np.ones(len(hashes), dtype=np.bool_)
    for places in _places(hashes, len(raw) * 8):
        found &= (raw[places >> np.uint64(3)] >> (places & np.uint64(7)).astype(np.uint8)) & 1 == 1
        if not found.any():
            break
    return found


def _places(hashes: Hashes, size: int) -> list[Codes]:
    one, two = hashes[:, 0], hashes[:, 1] | np.uint64(1)
    return [(one + np.uint64(turn) * two) % np.uint64(size) for turn in range(_PROBES)]
