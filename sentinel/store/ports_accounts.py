"""What a transaction knows of who signs in: accounts, web sessions, tokens of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sentinel.domain.account import Account, ApiToken, WebSession


class Accounts(Protocol):
    """Accounts and web sessions."""

    def put(self, account: Account) -> None:
        """Insert or replace by id."""
        ...

    def get(self, account_id: str) -> Account | None:
        """Return an account by id."""
        ...

    def by_name(self, name: str) -> Account | None:
        """Return an account by its sign-in name (case-insensitive)."""
        ...

    def all(self) -> list[Account]:
        """Return every account by name."""
        ...

    def put_session(self, session: WebSession) -> None:
        """Insert or replace a session."""
        ...

    def session(self, token_hash: str) -> WebSession | None:
        """Return a session."""
        ...

    def drop_session(self, token_hash: str) -> None:
        """End a session."""
        ...


class Api(Protocol):
    """Tokens of the API, and answers already given to its commands."""

    def put_token(self, token: ApiToken) -> None:
        """Insert or replace a token."""
        ...

    def token(self, token_hash: str) -> ApiToken | None:
        """Return a token by the SHA-256 of its text, hex."""
        ...

    def tokens(self, account_id: str) -> list[ApiToken]:
        """Return the tokens of an account, oldest first."""
        ...

    def remembered(self, key: str) -> object | None:
        """Return what was remembered under ``key``, or None."""
        ...

    def remember(self, key: str, answer: object, now: datetime) -> None:
        """Keep an answer (JSON-able) under ``key``."""
        ...

    def forget(self, before: datetime) -> int:
        """Drop answers given before an instant; return how many."""
        ...
