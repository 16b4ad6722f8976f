"""What left a case for an authority or an insurer, to whom, why, and by whose approval (R-21)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sentinel.domain.record import CaseRecord


class Recipient(StrEnum):
    """Who demands."""

    POLICE = "police"
    INSURER = "insurer"
    OTHER = "other"


class Disclosure(CaseRecord, kw_only=True):
    """One disclosure. ``request``: what demands it, with its reference; ``basis``: by which law.

    ``parts``: what was given. ``document``, ``sha256``: the extract. ``given_at``: UTC, when it
    was handed out; ``approved_by``: the second person.
    """

    recipient: Recipient
    name: str
    request: str
    basis: str
    parts: tuple[str, ...]
    document: str
    sha256: str
    given_at: datetime | None = None
    given_by: str = ""
    approved_by: str = ""
