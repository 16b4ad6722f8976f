"""Sessions of the console: a random token in a cookie, its SHA-256 in the store."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec

from sentinel.config import ConsoleSettings
from sentinel.domain.account import Account, WebSession
from sentinel.domain.incident import Actor
from sentinel.store.ports import CaseTx

TOKEN_BYTES = 32
# The last visit is written at most this often: a page view is not a write.
SEEN_EVERY = timedelta(minutes=1)


class Visitor(msgspec.Struct, frozen=True):
    """Who is behind a request."""

    account: Account
    session: WebSession

    @property
    def actor(self) -> Actor:
        """The visitor as the workflow knows them."""
        return self.account.actor


def token_hash(token: str) -> str:
    """Return the SHA-256 of a cookie's value, hex: a stolen database opens no session."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(tx: CaseTx, account: Account, now: datetime, settings: ConsoleSettings) -> str:
    """Store a new session and return the cookie's value, 256 random bits."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    tx.accounts.put_session(
        WebSession(
            token_hash=token_hash(token),
            account_id=account.id,
            csrf_token=secrets.token_urlsafe(TOKEN_BYTES),
            created_at=now,
            expires_at=now + timedelta(minutes=settings.session_minutes),
            last_seen_at=now,
        )
    )
    return token


def resume(tx: CaseTx, token: str, now: datetime, settings: ConsoleSettings) -> Visitor | None:
    """Return the visitor of a live session; one that is over is dropped.

    A session ends at its absolute end, after ``idle_minutes`` without a request, and with its
    account.
    """
    session = tx.accounts.session(token_hash(token))
    if session is None:
        return None
    account = tx.accounts.get(session.account_id)
    idle_end = session.last_seen_at + timedelta(minutes=settings.idle_minutes)
    if account is None or account.disabled or now >= min(session.expires_at, idle_end):
        tx.accounts.drop_session(session.token_hash)
        return None
    if now - session.last_seen_at >= SEEN_EVERY:
        session = msgspec.structs.replace(session, last_seen_at=now)
        tx.accounts.put_session(session)
    return Visitor(account, session)


def close_session(tx: CaseTx, visitor: Visitor, now: datetime) -> None:
    """End a session; journalled."""
    tx.accounts.drop_session(visitor.session.token_hash)
    tx.journal.append(
        occurred_at=now,
        actor=visitor.account.id,
        action="account.signed_out",
        object_id=visitor.account.id,
        payload={},
    )
