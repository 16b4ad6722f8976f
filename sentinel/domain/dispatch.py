"""One letter to one person: exactly one hand-over, or one named failure.

``queued`` is the only state from which a letter is handed over, and ``handing_over`` is written
durably before the first byte of it leaves. Whoever dies in between leaves ``handing_over`` behind;
that becomes ``unknown_handover``, which no program sends again: a log of the server, a delivery
report or a person settles it, or it becomes a named failure for the post.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum

import msgspec


class DispatchState(StrEnum):
    """Where one letter stands."""

    QUEUED = "queued"
    HANDING_OVER = "handing_over"
    UNKNOWN = "unknown_handover"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    FAILED = "failed"

    @property
    def settled(self) -> bool:
        """Tell whether nothing is to be sent, and nothing is unknown."""
        return self in (DispatchState.HANDED_OVER, DispatchState.DELIVERED, DispatchState.FAILED)


class Failure(StrEnum):
    """Why a person got no letter by mail. Those up to ``SYSTEM``: classes of RFC 3463."""

    ADDRESS = "address"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    TOO_LARGE = "too_large"
    POLICY = "policy"
    CONTENT = "content"
    ROUTING = "routing"
    EXPIRED = "expired"
    PROTOCOL = "protocol"
    SYSTEM = "system"
    OTHER = "other"
    PUT_OFF_TOO_LONG = "put_off_too_long"
    HANDOVER_UNKNOWN = "handover_unknown"
    BAD_ADDRESS = "bad_address"
    NO_EMAIL = "no_email"
    ACCOUNT_CLOSED = "account_closed"
    NOT_FOUND = "not_found"
    NO_ADDRESS = "no_address"
    NO_LANGUAGE = "no_language"
    STOPPED = "stopped"


class Step(msgspec.Struct, frozen=True):
    """Something that happened to a letter. ``at``: UTC. ``what``: without any address."""

    at: datetime
    what: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery status notification (RFC 3464) as it was read.

    ``action``: delivered, relayed, expanded, delayed, failed. ``status``: RFC 3463. ``sha256``: of
    the report's bytes. ``reporter``: the server that wrote it.
    """

    at: datetime
    action: str
    status: str
    detail: str
    reporter: str
    sha256: str


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """One letter.

    ``token``: its key, which is person x letter version, keyed; it is also the envelope id and the
    left part of the Message-ID.
    ``number``: its place in the campaign, from 1. ``path``: ``primary`` or ``second``. ``reply``:
    the server's words, without addresses. ``pseudonym``: empty once the list is destroyed.
    ``posted_at``: when its letter by post was recorded.
    """

    token: str
    campaign: str
    number: int
    state: DispatchState = DispatchState.QUEUED
    failure: Failure | None = None
    next_at: datetime | None = None
    pseudonym: str = ""
    language: str = ""
    variant: str = ""
    reach: str = ""
    mail_key: str = ""
    path: str = ""
    attempts: int = 0
    first_tried_at: datetime | None = None
    begun_at: datetime | None = None
    handed_at: datetime | None = None
    reply: str = ""
    queue_id: str = ""
    settled_by: str = ""
    reports: tuple[Report, ...] = ()
    steps: tuple[Step, ...] = ()
    posted_at: datetime | None = None


def token_of(key: bytes, pseudonym: str, letter_sha256: str) -> str:
    """Return the idempotency key of a person x a letter version: 32 hex digits, keyed."""
    text = f"letter\n{letter_sha256}\n{pseudonym}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


def mail_key_of(key: bytes, address: str) -> str:
    """Return the keyed hash of an e-mail address, by which a person may ask: 32 hex digits."""
    text = f"mail\n{address.strip().casefold()}".encode()
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]
