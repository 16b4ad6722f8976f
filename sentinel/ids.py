"""Identifiers: UUIDv7 for records, content digests for what must be the same when replayed."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable


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
        hasher.update(_framed(part))
    return hasher.hexdigest()


def digest_ids(*parts: str) -> Callable[[str], str]:
    """Return what makes ``digest_id(*parts, last)`` of each ``last``, at less cost."""
    begun = hashlib.blake2b(digest_size=16)
    for part in parts:
        begun.update(_framed(part))

    def finish(last: str) -> str:
        hasher = begun.copy()
        hasher.update(_framed(last))
        return hasher.hexdigest()

    return finish


def _framed(part: str) -> bytes:
    raw = part.encode()
    return len(raw).to_bytes(8, "big") + raw
