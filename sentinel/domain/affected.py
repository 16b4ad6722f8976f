"""Whose data an incident touched, counted from the logs and frozen as evidence."""

from __future__ import annotations

from datetime import datetime

import msgspec


class AffectedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One data subject: when first and last touched (UTC), by how many accesses, which data."""

    subject: str
    first: datetime
    last: datetime
    accesses: int
    categories: tuple[str, ...] = ()


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """The data subjects of a case (GDPR art. 33(3)(a)) as the stored events show them.

    ``subjects``: distinct pseudonyms, sorted. ``categories``: data category -> number of accesses.
    ``record_count``: records touched; records are not persons. ``first``/``last``: instants of the
    first and last access, UTC. ``query``: the selection in words that can be run again.
    ``sha256``: hex, over the sorted set. ``persons``: one row per subject, in the same order.
    ``access_count``: accesses that succeeded. ``refused_count``: attempts that were refused and
    exposed nothing. ``unlisted_records``: records of accesses that name no person: the true number
    of persons may be higher.
    """

    subjects: tuple[str, ...] = ()
    categories: dict[str, int] = {}
    record_count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    query: str = ""
    sha256: str = ""
    persons: tuple[AffectedPerson, ...] = ()
    access_count: int = 0
    refused_count: int = 0
    unlisted_records: int = 0
