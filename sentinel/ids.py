"""Identifiers: UUIDv7 for records, content digests for what must be the same when replayed."""

from __future__ import annotations

import hashlib
import os
import time
import uuid


def uuid7() -> str:
    """Return a time-ordered UUID version 7 (RFC 9562, section 5.7) as text."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def digest_id(*parts: str) -> str:
    """Return 32 hex digits that depend on ``parts`` alone: the identity of a replayed thing.

    Each part is preceded by its length, so that no two lists of parts share a digest.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        hasher.update(len(raw).to_bytes(8, "big"))
        hasher.update(raw)
    return hasher.hexdigest()
