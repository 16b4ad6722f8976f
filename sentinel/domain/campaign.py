"""A campaign of letters: what is sent, to whom, who allowed it, and where it stands.

A campaign holds no name and no address: the audience is a hash, a count and a question. What a
second person approves is `Campaign.content_sha256`: the exact letters and the exact audience.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from sentinel.domain.directory import Audience
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

    ``document_id``: the case's document that it is; empty for a notice.
    """

    language: str
    media_type: str
    path: str
    sha256: str
    document_id: str = ""


class Campaign(CaseRecord, kw_only=True):
    """One letter version to one audience. ``incident_id``: empty for a change notice.

    ``audience_query``: in words. ``canary``: how many letters go first. ``approved_sha256``: what
    was approved when it started. ``started_at``, ``ended_at``: UTC. ``effective_at``: when an
    announced change takes effect. ``reason``: of a pause or stop. ``list_destroyed_at``: since
    then only keyed hashes remain.
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
    approved_sha256: str = ""
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
    def content_sha256(self) -> str:
        """Return what an approval binds: letters and audience, hex."""
        return hashlib.sha256(content_of(self)).hexdigest()

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages in which the letter exists."""
        return tuple(sorted({part.language for part in self.parts}))


def content_of(campaign: Campaign) -> bytes:
    """Return, as canonical JSON, what an approval of this campaign binds."""
    bound = {
        "format": "sentinel-campaign-1",
        "campaign": campaign.id,
        "kind": campaign.kind.value,
        "incident": campaign.incident_id,
        "letter_sha256": campaign.letter_sha256,
        "audience_sha256": campaign.audience_sha256,
        "audience_count": campaign.audience_count,
        "effective_at": campaign.effective_at,
    }
    return msgspec.json.encode(bound, order="deterministic")


def letter_version(parts: Iterable[LetterPart]) -> str:
    """Return the SHA-256, hex, of a letter: its files by language and type, whatever they lie."""
    rows = sorted((part.language, part.media_type, part.sha256) for part in parts)
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def audience_hash(audience: Audience) -> str:
    """Return the SHA-256, hex, of an audience: every person, how reached, in which language."""
    rows = sorted((row.pseudonym, row.reach.value, row.language) for row in audience.rows)
    frozen = [audience.affected_sha256, rows]
    return hashlib.sha256(msgspec.json.encode(frozen)).hexdigest()


def canary_of(count: int, percent: float) -> int:
    """Return how many letters go first: ``percent`` of ``count``, at least one."""
    return min(count, max(1, round(count * percent / 100)))
