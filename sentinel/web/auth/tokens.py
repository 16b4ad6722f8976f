"""Tokens by which programs and the command line act for an account (``Authorization: Bearer``).

A token stands for both factors of the account that was given it: it is shown once, ends, can be
revoked, and dies with its account. An administrator's account gets none: it opens no case anyway.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import msgspec

from sentinel.domain.account import Account, ApiToken, WebSession
from sentinel.domain.incident import Role
from sentinel.errors import NotFound, Refused
from sentinel.store.ports import CaseTx
from sentinel.web.auth.sessions import Visitor, token_hash

PREFIX = "snt_"
LONGEST_DAYS = 365


def issue(
    tx: CaseTx, account: Account, *, name: str, days: int, now: datetime, by: str
) -> tuple[str, ApiToken]:
    """Return a new token, to be shown once, and its record. Raises Refused."""
    if account.disabled:
        raise Refused("the account is disabled")
    if Role.ADMIN in account.roles:
        raise Refused("an administrator's account gets no token: it opens no case")
    if not 1 <= days <= LONGEST_DAYS:
        raise Refused(f"a token lives 1 to {LONGEST_DAYS} days")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        token_hash=token_hash(text),
        account_id=account.id,
        name=name.strip() or "token",
        created_at=now,
        expires_at=now + timedelta(days=days),
        created_by=by,
    )
    tx.api.put_token(token)
    tx.journal.append(
        occurred_at=now,
        actor=by,
        action="account.token_issued",
        object_id=account.id,
        payload={"name": token.name, "days": days, "id": token.token_hash[:12]},
    )
    return text, token


def revoke(tx: CaseTx, account: Account, token_id: str, *, now: datetime, by: str) -> ApiToken:
    """End a token at once; ``token_id``: the first digits of its hash. Raises NotFound."""
    for token in tx.api.tokens(account.id):
        if token_id and token.token_hash.startswith(token_id) and token.revoked_at is None:
            ended = msgspec.structs.replace(token, revoked_at=now)
            tx.api.put_token(ended)
            tx.journal.append(
                occurred_at=now,
                actor=by,
                action="account.token_revoked",
                object_id=account.id,
                payload={"name": token.name, "id": token.token_hash[:12]},
            )
            return ended
    raise NotFound(f"token {token_id} of {account.name}")


def bearer(tx: CaseTx, text: str, now: datetime) -> Visitor | None:
    """Return who a token stands for, or None where it stands for nobody any more."""
    token = tx.api.token(token_hash(text)) if text.startswith(PREFIX) else None
    if token is None or token.revoked_at is not None or now >= token.expires_at:
        return None
    account = tx.accounts.get(token.account_id)
    if account is None or account.disabled:
        return None
    session = WebSession(
        token_hash=token.token_hash,
        account_id=account.id,
        csrf_token="",
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_seen_at=now,
    )
    return Visitor(account, session)
