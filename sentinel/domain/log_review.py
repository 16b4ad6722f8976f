"""The weekly review of the audit logs: a sample that anybody can draw again, signed by others.

An event is in the sample where the SHA-256 of seed and event id, read as a fraction, is below the
share: whoever has the seed and the events draws the same sample, in whatever order they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from sentinel.domain.record import CaseRecord

FULL = 2**64
A_WEEK = timedelta(days=7)


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One access to look at. ``actor``: pseudonym. ``why``: ``sampled`` or ``key``."""

    event: str
    ref: str
    time: datetime
    actor: str
    action: str
    category: str
    reason: str
    why: str


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What one reviewer stands for: the entries of others. ``covered``: how many."""

    by: str
    at: datetime
    covered: int
    not_own: tuple[str, ...]
    remarks: str
    suspicious: tuple[str, ...] = ()


class LogReview(CaseRecord, kw_only=True):
    """The review of one week. ``incident_id`` is ``log-review``; ``id`` of the week (2026-W10).

    ``population``: explained accesses, of which ``entries`` are the sample, with all key accesses.
    ``sha256``: of the ids of the entries, sorted. ``own``: pseudonyms whose entries nobody has
    signed yet.
    """

    week: str
    since: datetime
    until: datetime
    seed: str
    share: float
    population: int
    key_accesses: int
    entries: tuple[Looked, ...]
    sha256: str
    signatures: tuple[Signature, ...] = ()

    def open_for(self, own: Iterable[str]) -> list[Looked]:
        """Return the entries that a reviewer called ``own`` may sign and that nobody signed."""
        mine = set(own)
        return [
            one for one in self.entries if one.actor not in mine and not self._signed(one.actor)
        ]

    def waiting(self) -> list[Looked]:
        """Return the entries that nobody signed yet."""
        return [one for one in self.entries if not self._signed(one.actor)]

    @property
    def complete(self) -> bool:
        """Whether somebody else stands for every entry; an empty sample takes a signature too."""
        return bool(self.signatures) and not self.waiting()

    def _signed(self, actor: str) -> bool:
        return any(actor not in one.not_own for one in self.signatures)


def drawn(seed: str, event_id: str, share: float) -> bool:
    """Tell whether an event is in the sample."""
    digest = hashlib.sha256(f"{seed}:{event_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * FULL


def digest_of(entries: Iterable[Looked]) -> str:
    """Return the SHA-256 over the ids of the entries, hex."""
    ids = "\n".join(sorted(one.event for one in entries))
    return hashlib.sha256(ids.encode()).hexdigest()


def week_name(day: date) -> str:
    """Return the ISO week of a day: ``2026-W10``."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(week: str) -> date:
    """Return the Monday of ``2026-W10``. Raises ValueError."""
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)
