"""Accounts of the console and the check of both factors (promise R-33).

A check has three parts, so that the slow hash never holds a transaction open: read the account,
verify the password in a thread, decide in a second transaction. Only the decision counts: it reads
the account again, so that parallel guesses are all counted and a code is accepted once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sentinel.domain.account import Account
from sentinel.domain.incident import Role
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond import totp
from sentinel.respond.second_factor import LOCK, count_failure, seal_context
from sentinel.store.ports import CaseTx, Sealer
from sentinel.web.auth.roles import check_combination
from sentinel.web.service import Service

PARALLEL_HASHES = 2


class NewAccount(msgspec.Struct, frozen=True):
    """An account with its secrets in clear, to be shown once and kept nowhere."""

    account: Account
    password: str
    totp_secret: str
    otpauth_uri: str


class Failure(StrEnum):
    """Why a sign-in was refused: for the journal only, the visitor is told nothing of it."""

    UNKNOWN = "unknown"
    DISABLED = "disabled"
    LOCKED = "locked"
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    CODE = "code"


def create_account(
    *,
    name: str,
    display_name: str,
    roles: Iterable[Role],
    language: str,
    sealer: Sealer,
    now: datetime,
    person: str = "",
) -> NewAccount:
    """Make an account with a random password and a random second factor, ready to be stored.

    ``now``: UTC. ``person``: see `Account`. Raises Refused where the name is empty or the roles
    exclude each other.
    """
    held = tuple(sorted(set(roles)))
    check_combination(held)
    if not name.strip():
        raise Refused("an account needs a sign-in name")
    password, secret, account_id = secrets.token_urlsafe(15), totp.new_secret(), uuid7()
    account = Account(
        id=account_id,
        name=name.strip(),
        display_name=display_name,
        roles=held,
        language=language,
        password_hash=PasswordHasher().hash(password),
        totp_secret=sealer.seal(secret.encode(), context=seal_context(account_id)),
        created_at=now,
        person=person.strip().casefold(),
    )
    return NewAccount(account, password, secret, totp.otpauth_uri(secret, account.name))


class Gate:
    """Checks password and code. One per console: it bounds how many hashes run at once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe(15))
        self._hashes = asyncio.Semaphore(PARALLEL_HASHES)

    async def verify(self, name: str, password: str, code: str) -> Account | None:
        """Return the account where both factors are right, None otherwise.

        An unknown name costs one hash and one journal line as well: neither the answer nor its
        time tells whether an account exists.
        """
        known = await self._service.in_store(lambda tx: tx.accounts.by_name(name))
        stored = known.password_hash if known else self._nobody
        async with self._hashes:
            right = await asyncio.to_thread(self._password_matches, stored, password)
        account_id = known.id if known else ""
        return await self._service.in_store(
            lambda tx: self._decide(tx, account_id, stored, right, code)
        )

    def _password_matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _decide(
        self, tx: CaseTx, account_id: str, checked_hash: str, right: bool, code: str
    ) -> Account | None:
        now = self._service.clock.now()
        account = tx.accounts.get(account_id) if account_id else None
        if account is None:
            _journal(tx, now, "", "account.sign_in_refused", {"reason": Failure.UNKNOWN})
            return None
        right = right and account.password_hash == checked_hash
        failure, step = self._judge(account, right, code, now)
        if failure is not None:
            self._refuse(tx, account, failure, now)
            return None
        account = msgspec.structs.replace(
            account, failed_attempts=0, locked_until=None, last_totp_step=step
        )
        tx.accounts.put(account)
        _journal(tx, now, account.id, "account.signed_in", {})
        return account

    def _judge(
        self, account: Account, right: bool, code: str, now: datetime
    ) -> tuple[Failure | None, int]:
        if account.disabled:
            return Failure.DISABLED, 0
        if account.locked_until is not None and now < account.locked_until:
            return Failure.LOCKED, 0
        if not right:
            return Failure.PASSWORD, 0
        sealed = account.totp_secret
        secret = self._service.sealer.open(sealed, context=seal_context(account.id)).decode()
        step = totp.matching_step(secret, code, now, account.last_totp_step)
        return (Failure.CODE, 0) if step is None else (None, step)

    def _refuse(self, tx: CaseTx, account: Account, failure: Failure, now: datetime) -> None:
        _journal(tx, now, account.id, "account.sign_in_refused", {"reason": failure})
        # A refusal during the lock does not lengthen it: nobody can be kept out for ever.
        if failure not in {Failure.PASSWORD, Failure.CODE}:
            return
        if count_failure(tx, account, now):
            _journal(tx, now, account.id, "account.locked", {"minutes": LOCK.seconds // 60})


def _journal(
    tx: CaseTx, now: datetime, account_id: str, action: str, payload: dict[str, object]
) -> None:
    tx.journal.append(
        occurred_at=now, actor=account_id, action=action, object_id=account_id, payload=payload
    )
