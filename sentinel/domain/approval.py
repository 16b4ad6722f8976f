"""What two people stand for: exact bytes, for an exact audience, until a stated instant.

An approval binds hashes. One comma more is other bytes, and other bytes were approved by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from sentinel.domain.incident import Role
from sentinel.domain.record import CaseRecord
from sentinel.domain.transitions import COUNSEL, DECIDERS, SENDERS, WRITERS


class Subject(StrEnum):
    """Kinds of things that leave the house by two people."""

    DOSSIER = "dossier"
    LETTER = "letter"
    PUBLIC_COMMUNICATION = "public_communication"
    PROCESSOR_NOTICE = "processor_notice"
    DISCLOSURE = "disclosure"


class Sides(msgspec.Struct, frozen=True):
    """Who may ask for an approval, and who may give it: one of these roles each."""

    ask: frozenset[Role]
    approve: frozenset[Role]


SIDES: Mapping[Subject, Sides] = MappingProxyType(
    {
        Subject.DOSSIER: Sides(WRITERS, DECIDERS),
        Subject.LETTER: Sides(SENDERS | COUNSEL, DECIDERS),
        Subject.PUBLIC_COMMUNICATION: Sides(SENDERS | COUNSEL, DECIDERS),
        Subject.PROCESSOR_NOTICE: Sides(WRITERS, DECIDERS),
        Subject.DISCLOSURE: Sides(DECIDERS, DECIDERS),
    }
)


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What an approval is bound to.

    ``object_id``: id of the document or of the letter's version. ``sha256``: hex, of the exact
    bytes. ``audience``: hex SHA-256 of the frozen audience; empty where nobody is written to.
    """

    incident_id: str
    subject: Subject
    object_id: str
    sha256: str
    audience: str = ""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One side. ``human``: see `Actor.human`. ``at``, ``factor_at``: UTC, act and second factor."""

    account: str
    human: str
    roles: tuple[str, ...]
    at: datetime
    factor_at: datetime


class ApprovalState(StrEnum):
    """Life of an approval. Nothing comes back from ``refused`` and ``void``."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    VOID = "void"


class Approval(CaseRecord, kw_only=True):
    """An approval. ``created_by`` asked for it; ``authors``: accounts that wrote the content.

    ``mac``: HMAC-SHA-256 over all the rest, hex, under a key that does not lie in the database.
    ``expires_at``: UTC; set when it is given.
    """

    bound: Bound
    authors: tuple[str, ...]
    asked: Signature
    approved: Signature | None = None
    state: ApprovalState = ApprovalState.PENDING
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_reason: str = ""
    mac: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the MAC covers: every field but the MAC itself, in a fixed order."""
        bare = msgspec.structs.replace(self, mac="")
        return b"sentinel-approval-1\n" + msgspec.json.encode(bare, order="deterministic")
