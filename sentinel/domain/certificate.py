"""What a purge says it did: a certificate, signed, each naming the one before.

It holds counts, days and digests, never what was purged. Whoever keeps the certificates can check
that none is missing, that none was altered, and that each was made by this service.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime

import msgspec

SCHEME = "sentinel-purge-certificate/1"
NOTHING_BEFORE = "0" * 64


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What went of one kind. ``what``: ``events``, ``cases``, ``sessions``...; see the reference.

    ``kind``: the retention class. ``day``: UTC day of the events, for ``events``. ``first``,
    ``last``: of what went, where it has instants. ``size``: bytes on disk, 0 where not known.
    ``digest``: SHA-256 over what identifies what went. ``rule``: why it was due.
    """

    what: str
    kind: str
    count: int
    rule: str
    digest: str
    day: date | None = None
    first: datetime | None = None
    last: datetime | None = None
    size: int = 0


class Stayed(msgspec.Struct, frozen=True, kw_only=True):
    """What was due and stayed. ``why``: ``hold`` or ``open_case``; ``name``: of the hold, the
    reference of the case.
    """  # noqa: D205

    what: str
    why: str
    name: str
    count: int


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Instants UTC; ``day``: the day of the run in the zone of the service.

    ``resumed``: an earlier run died, and this one finished it. ``gone_everywhere``: the day from
    which no backup holds what went; None: no backups are made here. ``previous``: digest of the
    certificate before. ``signature``: Ed25519, hex, over `signed_bytes`; empty: no key is set.
    """

    id: str
    number: int
    day: date
    started_at: datetime
    finished_at: datetime
    items: tuple[Item, ...]
    stayed: tuple[Stayed, ...]
    gone_everywhere: date | None
    previous: str
    resumed: bool = False
    by: str = ""
    software: str = ""
    key_id: str = ""
    signature: str = ""
    scheme: str = SCHEME

    def signed_bytes(self) -> bytes:
        """Return what is signed: the scheme, a line end, and all but the signature as JSON."""
        bare = msgspec.structs.replace(self, signature="")
        return self.scheme.encode() + b"\n" + msgspec.json.encode(bare, order="deterministic")

    @property
    def digest(self) -> str:
        """Return what the next certificate and the journal call this one: SHA-256, hex."""
        return hashlib.sha256(self.signed_bytes() + bytes.fromhex(self.signature)).hexdigest()

    @property
    def count(self) -> int:
        """Return how many things went."""
        return sum(item.count for item in self.items)


class PurgeRun(msgspec.Struct, kw_only=True):
    """Where a run stands, so that the next one can finish what a death left.

    ``number``: of the certificate to come. ``planned``: what is to go from places that no
    transaction covers: events, files. ``cutoffs``: first instant that stays, by retention class.
    ``archives``: names of the backups that go.
    """

    number: int
    started_at: datetime
    day: date
    planned: tuple[Item, ...]
    cutoffs: dict[str, datetime]
    archives: tuple[str, ...] = ()


def digest_of(names: list[str]) -> str:
    """Return the SHA-256, hex, over sorted names, one a line."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(names)).encode()).hexdigest()
