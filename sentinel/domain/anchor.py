"""An anchor of the journal: where the chain stood at the end of a day, signed, kept elsewhere.

Whoever can rewrite the database can rewrite the whole chain; not so that it still reaches the hash
of an anchor that lies elsewhere, nor so that a new anchor carries our signature.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain.journal import GENESIS, instant_us

SCHEME = "sentinel-journal-anchor/1"


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """``day``: UTC day, ISO. ``first_seq``..``last_seq``: the segment; ``hash``: of its last line.

    ``previous``: digest of the anchor before (GENESIS: none). ``key_id``: first 16 hex digits of
    the SHA-256 of the public key. ``signature``: Ed25519 (RFC 8032), hex, over `signed_bytes`.
    ``timestamp``: RFC 3161 token, base64, or empty.
    """

    day: str
    first_seq: int
    last_seq: int
    hash: str
    previous: str
    made_at: datetime
    key_id: str
    signature: str = ""
    timestamp: str = ""
    scheme: str = SCHEME

    def signed_bytes(self) -> bytes:
        """Return what is signed and time-stamped: all but the signature and the token."""
        return msgspec.json.encode(
            [
                self.scheme,
                self.day,
                self.first_seq,
                self.last_seq,
                self.hash,
                self.previous,
                instant_us(self.made_at),
                self.key_id,
            ]
        )


NOTHING_BEFORE = GENESIS
