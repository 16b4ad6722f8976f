"""A campaign of letters: what is sent, to whom, who allowed it, and where it stands.

A campaign holds no name and no address: the audience is a hash, a count and a question. What a
second person approves are two hashes: of the exact letters, and of the exact audience.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from sentinel.domain.record import CaseRecord

NOTICE_AHEAD = timedelta(days=30)
"""How long before a change the persons are told (promise R-60)."""
COVERAGE_AFTER = timedelta(hours=72)
COVERAGE_WANTED = 0.95
"""Below this share after that time somebody decides on a public communication (art. 34(3)(c))."""


class CampaignKind(StrEnum):
    """Why letters are sent: a breach (GDPR art. 34, promise R-41), or a change (R-60)."""

    BREACH_LETTER = "breach_letter"
    CHANGE_NOTICE = "change_notice"


class CampaignState(StrEnum):
    """Where a campaign stands. ``canary``: the first letters; then it waits for a person."""

    PREPARED = "prepared"
    CANARY = "canary"
    CANARY_DONE = "canary_done"
    RUNNING = "running"
    PAUSED = "paused"
    SENT = "sent"
    STOPPED = "stopped"

    @property
    def sends(self) -> bool:
        """Tell whether letters leave in this state."""
        return self in (CampaignState.CANARY, CampaignState.RUNNING)


class LetterPart(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the letter. ``path``: relative to the data directory. ``sha256``: of its bytes.

    ``variant``: of the letters of one case, the one for persons whose data are these categories,
    joined by commas; empty: for everybody. ``document_id``: the case's document that it is; empty
    for a notice.
    """

    variant: str = ""
    language: str
    media_type: str
    path: str
    sha256: str
    document_id: str = ""


class Campaign(CaseRecord, kw_only=True):
    """One letter version to one audience. ``incident_id``: empty for a change notice.

    ``audience_query``: in words. ``canary``: how many letters go first. ``approved_by``: accounts
    that asked for and gave the approval. ``started_at``, ``ended_at``: UTC. ``effective_at``: when
    an announced change holds. ``reason``: of a pause or stop. ``list_destroyed_at``: since then
    only keyed hashes remain.
    """

    kind: CampaignKind
    parts: tuple[LetterPart, ...]
    letter_sha256: str
    audience_sha256: str
    audience_count: int
    audience_query: str
    audience_counts: dict[str, int] = msgspec.field(default_factory=dict)
    affected_sha256: str = ""
    directory_version: int = 0
    canary: int = 1
    state: CampaignState = CampaignState.PREPARED
    drill: bool = False
    approval_id: str = ""
    approved_by: tuple[str, ...] = ()
    started_at: datetime | None = None
    canary_ended_at: datetime | None = None
    ended_at: datetime | None = None
    effective_at: datetime | None = None
    coverage_asked_at: datetime | None = None
    tested_at: datetime | None = None
    reason: str = ""
    list_destroyed_at: datetime | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages in which the letter exists."""
        return tuple(sorted({part.language for part in self.parts}))


def letter_version(parts: Iterable[LetterPart]) -> str:
    """Return the SHA-256, hex, of a letter: its files by language and type, whatever they lie."""
    rows = sorted((part.variant, part.language, part.media_type, part.sha256) for part in parts)
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


class Listed(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One person of an audience: who, how reached, in which language, which letter."""

    pseudonym: str
    reach: str
    language: str
    variant: str


def audience_hash(affected_sha256: str, persons: Iterable[Listed]) -> str:
    """Return the SHA-256, hex, of an audience, in whatever order it is given."""
    frozen = [affected_sha256, sorted(persons)]
    return hashlib.sha256(msgspec.json.encode(frozen)).hexdigest()


def canary_of(count: int, percent: float) -> int:
    """Return how many letters go first: ``percent`` of ``count``, at least one."""
    return min(count, max(1, round(count * percent / 100)))
