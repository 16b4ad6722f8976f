"""What a column file says of itself, and how it lies on disk.

====================  =======================================================================
Head                  magic ``SNTLCOL1``, length of the wrapped key u16, the wrapped key
Chunks                each under AES-256-GCM with the file's own key; the nonce is the chunk's
                      number, the head is associated data
Directory             the last chunk: `Directory` as MessagePack, compressed
Tail                  position u64 and length u32 of the directory, chunks u32, magic ``COL1``
====================  =======================================================================

A file holds events of one UTC day in the order of time; of the same instant, in that of arrival.
Every field is a column: a *dictionary* of its distinct values in the order of their first
appearance, in blocks of `BLOCK` entries, and for each event a *code*, the number of its value from
1, 0 where the field is absent, in strips of `STRIP` events. Where each event has a value of its
own the codes are left out. The key is used for one file, written once by one process: the chunk's
number cannot repeat as a nonce (SP 800-38D, 8.2.1).
"""

from __future__ import annotations

import struct
from enum import StrEnum

import msgspec

MAGIC = b"SNTLCOL1"
END_MAGIC = b"COL1"
KEY_LENGTH = struct.Struct(">H")
TAIL = struct.Struct(">QII4s")
STRIP = 8_192
BLOCK = 1_024
RAW_BLOCK = 512


class Kind(StrEnum):
    """Of what the entries of a dictionary are."""

    TEXT = "text"
    HEX = "hex"  # texts of 32 hex digits, as 16 bytes
    ONE = "one"  # lists of one text each, as texts
    INT = "int"  # 64 bits, signed
    ANY = "any"  # MessagePack: longer lists, booleans, floats, null, a mixture


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Where a chunk stands. ``number`` is its nonce."""

    number: int
    position: int
    length: int


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column. ``strips``: codes, None where no event of a strip has the field."""

    kind: Kind
    entries: int
    blocks: list[Chunk]
    strips: list[Chunk | None] = []
    own: bool = False  # the value of the event in row n is entry n: there are no codes
    bloom: Chunk | None = None


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. Times in microseconds since 1970, UTC."""

    rows: int
    times: list[Chunk]
    firsts: list[int]
    """The first time of each strip."""
    last: int
    kinds: dict[str, int]
    """How many events there are of each retention class."""
    fields: dict[str, Column]
    beside: dict[str, Column]
    """What stands beside the fields, by the names of `domain.hunt`; absent where it is empty."""
    sealed: list[Chunk | None]
    """`Event.sealed` in blocks of `RAW_BLOCK` events; None where none of them has any."""
