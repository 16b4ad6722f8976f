"""Accounts and web sessions in SQL; both bodies hold secrets and are sealed."""

from __future__ import annotations

from sqlalchemy import Connection, Select, delete, select

from sentinel.domain.account import Account, WebSession
from sentinel.store.sql_codec import SealedBodies
from sentinel.store.sql_write import upsert
from sentinel.store.tables import ACCOUNTS, WEB_SESSIONS


class SqlAccounts:
    """`sentinel.store.ports.Accounts` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies

    def put(self, account: Account) -> None:
        """Insert or replace by id. Raises Conflict where another account has the name."""
        row = {
            "id": account.id,
            "name_folded": account.name.casefold(),
            "body": self._bodies.write(account, f"account:{account.id}"),
        }
        upsert(self._connection, ACCOUNTS, row)

    def get(self, account_id: str) -> Account | None:
        """Return an account by id."""
        return self._one(select(ACCOUNTS.c.id, ACCOUNTS.c.body).where(ACCOUNTS.c.id == account_id))

    def by_name(self, name: str) -> Account | None:
        """Return an account by its sign-in name (case-insensitive)."""
        folded = ACCOUNTS.c.name_folded == name.casefold()
        return self._one(select(ACCOUNTS.c.id, ACCOUNTS.c.body).where(folded))

    def all(self) -> list[Account]:
        """Return every account by name."""
        query = select(ACCOUNTS.c.id, ACCOUNTS.c.body).order_by(ACCOUNTS.c.name_folded)
        return self._read(query)

    def put_session(self, session: WebSession) -> None:
        """Insert or replace a session of a stored account."""
        row = {
            "token_hash": session.token_hash,
            "account_id": session.account_id,
            "body": self._bodies.write(session, f"session:{session.token_hash}"),
        }
        upsert(self._connection, WEB_SESSIONS, row)

    def session(self, token_hash: str) -> WebSession | None:
        """Return a session."""
        sealed = self._connection.scalar(
            select(WEB_SESSIONS.c.body).where(WEB_SESSIONS.c.token_hash == token_hash)
        )
        if sealed is None:
            return None
        return self._bodies.read(sealed, WebSession, f"session:{token_hash}")

    def drop_session(self, token_hash: str) -> None:
        """End a session."""
        self._connection.execute(
            delete(WEB_SESSIONS).where(WEB_SESSIONS.c.token_hash == token_hash)
        )

    def _one(self, query: Select[tuple[str, bytes]]) -> Account | None:
        return next(iter(self._read(query)), None)

    def _read(self, query: Select[tuple[str, bytes]]) -> list[Account]:
        rows = self._connection.execute(query)
        return [self._bodies.read(row.body, Account, f"account:{row.id}") for row in rows]
