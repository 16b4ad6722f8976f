"""The bytes of a segment: a header, then blocks. All numbers are big-endian.

====================  =======================================================================
Header                magic ``SNTLSEG1``, segment number u64, first offset u64, link of the
                      segment before (32), length of the wrapped key u16, crc32 of these; then
                      the wrapped key
Block                 magic ``BLK1``, body length u32, events u32, first offset u64, last offset
                      u64, link of what stands before (32), crc32 of these; then the body: zstd
                      under AES-256-GCM, the tag at its end
====================  =======================================================================

A *link* is the SHA-256 of a header, or of a block's head and tag: each block names the one before,
and the tag stands for the body. The data key is fresh for each segment and a segment is written by
one opening only, so the block's number can be the nonce (SP 800-38D, 8.2.1). The head is
associated data. The crc tells a head that was written whole from one that was not.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sentinel.errors import StorageError

LINK_BYTES = 32
TAG_BYTES = 16
NO_LINK = bytes(LINK_BYTES)

_HEADER = struct.Struct(f">8sQQ{LINK_BYTES}sH")
_HEADER_MAGIC = b"SNTLSEG1"
_HEAD = struct.Struct(f">4sIIQQ{LINK_BYTES}s")
_HEAD_MAGIC = b"BLK1"
_CRC = struct.Struct(">I")

HEADER_FIXED_BYTES = _HEADER.size + _CRC.size
HEAD_BYTES = _HEAD.size + _CRC.size


class Torn(Exception):
    """The bytes end before the structure does: a write that did not finish."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself."""

    number: int
    base: int
    previous: bytes
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What a block says of its body; ``length`` counts the tag."""

    length: int
    count: int
    first: int
    last: int
    link: bytes


def write_header(header: Header) -> bytes:
    """Return the bytes of a segment's header."""
    raw = _HEADER.pack(
        _HEADER_MAGIC, header.number, header.base, header.previous, len(header.wrapped_key)
    )
    return raw + _CRC.pack(zlib.crc32(raw)) + header.wrapped_key


def read_header(raw: bytes, *, where: str) -> tuple[Header, int]:
    """Return the header at the start of ``raw`` and its length.

    Raises Torn where it is incomplete, StorageError where it is damaged.
    """
    if len(raw) < HEADER_FIXED_BYTES:
        raise Torn
    magic, number, base, previous, key_length = _HEADER.unpack_from(raw)
    crc = _CRC.unpack_from(raw, _HEADER.size)[0]
    if magic != _HEADER_MAGIC or crc != zlib.crc32(raw[: _HEADER.size]):
        raise StorageError("not a segment, or its header is damaged", where=where)
    end = HEADER_FIXED_BYTES + key_length
    if len(raw) < end:
        raise Torn
    return Header(number, base, previous, raw[HEADER_FIXED_BYTES:end]), end


def write_head(head: Head) -> bytes:
    """Return the bytes of a block's head."""
    raw = _HEAD.pack(_HEAD_MAGIC, head.length, head.count, head.first, head.last, head.link)
    return raw + _CRC.pack(zlib.crc32(raw))


def read_head(raw: bytes, *, where: str) -> Head:
    """Return a block's head. Raises Torn where incomplete, StorageError where damaged."""
    if len(raw) < HEAD_BYTES:
        raise Torn
    magic, length, count, first, last, link = _HEAD.unpack_from(raw)
    crc = _CRC.unpack_from(raw, _HEAD.size)[0]
    if magic != _HEAD_MAGIC or crc != zlib.crc32(raw[: _HEAD.size]):
        raise StorageError("the head of a block is damaged", where=where)
    return Head(length, count, first, last, link)


def link_of(head_or_header: bytes, tag: bytes = b"") -> bytes:
    """Return the link that names a header, or a block by its head and tag."""
    return hashlib.sha256(head_or_header + tag).digest()


def encrypt(cipher: AESGCM, number: int, body: bytes, head: bytes) -> bytes:
    """Encrypt the body of block ``number`` (from 0) of a segment."""
    return cipher.encrypt(_nonce(number), body, head)


def decrypt(cipher: AESGCM, number: int, body: bytes, head: bytes, *, where: str) -> bytes:
    """Decrypt the body of block ``number``. Raises StorageError where a byte changed."""
    try:
        return cipher.decrypt(_nonce(number), body, head)
    except InvalidTag as error:
        raise StorageError("a block is damaged", where=where) from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
