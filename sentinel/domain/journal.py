"""The hash chain of the journal.

Each line's hash covers the previous hash and the *ciphertext* of the payload, so that destroying
a key, or purging a payload down to its digest, breaks nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

GENESIS = "0" * 64


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``occurred_at``/``recorded_at`` are UTC; ``payload`` is ciphertext.

    ``payload_digest`` is the SHA-256 of the ciphertext (hex): it stays when the payload is purged.
    """

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    action: str
    object: str
    payload: bytes
    payload_digest: str
    prev_hash: str
    hash: str


class Break(msgspec.Struct, frozen=True):
    """A line that does not fit the chain, and why."""

    seq: int
    reason: str


def payload_digest(ciphertext: bytes) -> str:
    """Return the SHA-256 of a payload's ciphertext, hex."""
    return hashlib.sha256(ciphertext).hexdigest()


def line_hash(
    *,
    seq: int,
    occurred_at: datetime,
    recorded_at: datetime,
    actor: str,
    action: str,
    object: str,  # noqa: A002 - the journal's own word for what was acted upon
    payload_digest: str,
    prev_hash: str,
) -> str:
    """Return the SHA-256 over the canonical form of a line, hex."""
    canonical = msgspec.json.encode(
        [
            seq,
            instant_us(occurred_at),
            instant_us(recorded_at),
            actor,
            action,
            object,
            payload_digest,
            prev_hash,
        ]
    )
    return hashlib.sha256(canonical).hexdigest()


def instant_us(instant: datetime) -> str:
    """Write an instant in UTC with microseconds: the hash must not lose a digit."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def verify(
    lines: Iterable[JournalLine], *, prev_hash: str = GENESIS, first_seq: int = 1
) -> list[Break]:
    """Return every break of a chain that starts after ``prev_hash``; empty means that it holds.

    An altered line breaks itself; a removed, inserted or moved one breaks the sequence or the link
    to the line before it. A cut tail shows only against an anchor kept elsewhere.
    """
    breaks: list[Break] = []
    expected_seq, expected_prev = first_seq, prev_hash
    for line in lines:
        breaks.extend(Break(line.seq, why) for why in _faults(line, expected_seq, expected_prev))
        expected_seq, expected_prev = line.seq + 1, line.hash
    return breaks


def _faults(line: JournalLine, expected_seq: int, expected_prev: str) -> Iterator[str]:
    if line.seq != expected_seq:
        yield f"sequence {line.seq} where {expected_seq} was due: removed, inserted or moved"
    if line.prev_hash != expected_prev:
        yield "does not follow the line before it"
    if line.payload and payload_digest(line.payload) != line.payload_digest:
        yield "the payload was altered"
    sealed = line_hash(
        seq=line.seq,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        actor=line.actor,
        action=line.action,
        object=line.object,
        payload_digest=line.payload_digest,
        prev_hash=line.prev_hash,
    )
    if sealed != line.hash:
        yield "the line was altered"
