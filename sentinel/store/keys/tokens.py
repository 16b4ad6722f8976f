"""Keys of tokens: addresses and sessions are known again for a while, and then by nobody (R-02).

A token is a keyed hash. Its key is changed when it is old enough; the keys before are kept as long
as what was stored under them may be asked for, and then destroyed.
"""

from __future__ import annotations

import base64
import hmac
import os
from datetime import datetime, timedelta
from typing import Final

import msgspec

from sentinel.store.keys.map_file import MapFile
from sentinel.store.ports import Sealer
from sentinel.store.sql_codec import from_us, to_us

KEY_BYTES: Final = 32
_HASH_BYTES: Final = 10  # 16 digits of base32: no collision in sight below 10^11 persons


class Epoch(msgspec.Struct, frozen=True, gc=False):
    """A key of tokens, and from when on it was in force (UTC)."""

    number: int
    started: datetime
    key: bytes


class TokenKeys:
    """The keys of tokens in a map. ``seed``, ``former``: see `sentinel.store.keys.persons`."""

    def __init__(
        self,
        file: MapFile,
        sealer: Sealer,
        *,
        seed: bytes,
        former: bytes,
        period: timedelta,
        kept: timedelta,
    ) -> None:
        self._file = file
        self._sealer = sealer
        self._seed = seed
        self._former = former
        self._period = period
        self._kept = kept
        self.epochs: list[Epoch] = []
        """The keys that are kept, oldest first; the last one is in force."""
        self.read()

    def due(self, now: datetime) -> bool:
        """Tell whether the key in force is too old, or there is none."""
        return not self.epochs or now - self.epochs[-1].started >= self._period

    def read(self) -> None:
        """Read the keys as they are now."""
        rows = self._file.all("SELECT number, started_us, sealed FROM epochs ORDER BY number")
        self.epochs = [
            Epoch(number, from_us(started), self._sealer.open(sealed, context=context_of(number)))
            for number, started, sealed in rows
        ]

    def change(self, now: datetime) -> None:
        """Put a new key in force, unless another process did; destroy those that are too old."""
        with self._file.writing():
            self.read()
            if not self.due(now):
                return
            number = self.epochs[-1].number + 1 if self.epochs else 1
            key = os.urandom(KEY_BYTES)
            if number == 1 and self._former:
                key = self._former
            elif self._seed:
                key = hmac.digest(self._seed, b"tokens/%d" % number, "sha256")
            self._file.do(
                "INSERT INTO epochs (number, started_us, sealed) VALUES (?, ?, ?)",
                number, to_us(now), self._sealer.seal(key, context=context_of(number)),
            )  # fmt: skip
            # A key ends when the next one starts: so long after that it is kept.
            ends = [*(epoch.started for epoch in self.epochs[1:]), now]
            for epoch, ended in zip(self.epochs, ends, strict=False):
                if now - ended > self._kept:
                    self._file.do("DELETE FROM epochs WHERE number = ?", epoch.number)
        self.read()


def context_of(number: int) -> str:
    """Return what binds a sealed key to its place."""
    return f"token-key:{number}"


def token(kind: str, key: bytes, value: str) -> str:
    """Return ``kind``, an underscore and 16 digits of base32 of HMAC-SHA-256 (RFC 2104)."""
    digest = hmac.digest(key, named(kind, value), "sha256")
    return f"{kind}_{base64.b32encode(digest[:_HASH_BYTES]).decode().lower()}"


def named(kind: str, value: str) -> bytes:
    """Return a kind and a value as bytes; a lone surrogate is a value too."""
    return f"{kind}\0{value}".encode("utf-8", "surrogatepass")
