"""People who sign in to the console."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain.incident import Actor, Role


class Account(msgspec.Struct, kw_only=True):
    """An account. ``password_hash``: Argon2id. ``totp_secret``: sealed bytes (RFC 6238).

    ``person``: the human behind it. Accounts of one human bear the same word, and never stand on
    both sides of a decision; empty: the human has this account alone.
    """

    id: str
    name: str
    display_name: str
    roles: tuple[Role, ...]
    language: str
    password_hash: str
    totp_secret: bytes
    created_at: datetime
    last_totp_step: int = 0
    failed_attempts: int = 0
    locked_until: datetime | None = None
    disabled: bool = False
    person: str = ""

    @property
    def actor(self) -> Actor:
        """The holder as the workflow knows them."""
        return Actor(self.id, frozenset(self.roles), self.person)


class WebSession(msgspec.Struct, kw_only=True):
    """A signed-in browser. ``token_hash``: SHA-256 of the cookie's value, hex."""

    token_hash: str
    account_id: str
    csrf_token: str
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime


class ApiToken(msgspec.Struct, kw_only=True):
    """A token by which a program, or the command line, acts for an account.

    ``token_hash``: SHA-256 of the token, hex; the token itself is kept nowhere.
    """

    token_hash: str
    account_id: str
    name: str
    created_at: datetime
    expires_at: datetime
    created_by: str = ""
    revoked_at: datetime | None = None
