"""A fresh second factor, at the act itself: a session or a token alone approves nothing.

The code is checked, counted and spent in a transaction of its own, which is committed whatever it
was: a refusal that is rolled back would let a thief of a session guess for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.domain.account import Account
from sentinel.errors import Refused
from sentinel.respond import totp
from sentinel.store.ports import CaseTx, Sealer

FRESH = timedelta(minutes=5)
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """Proof that the holder of an account gave a right code. ``at``: UTC."""

    account_id: str
    at: datetime

    def check(self, account_id: str, now: datetime) -> None:
        """Raise Refused where it is somebody else's, or not fresh at ``now``."""
        if self.account_id != account_id:
            raise Refused("the second factor is of another account")
        if not timedelta(0) <= now - self.at <= FRESH:
            raise Refused("the second factor is not fresh", hint="give a new code")


def seal_context(account_id: str) -> str:
    """Return the context that binds a sealed TOTP secret to its account."""
    return f"totp:{account_id}"


def prove(
    tx: CaseTx, sealer: Sealer, account_id: str, code: str, *, now: datetime
) -> Factor | None:
    """Return the proof that ``code`` is right, or None; either way the store keeps what happened.

    The caller lets this transaction commit before it refuses. After `MAX_FAILURES` wrong codes the
    account is locked for `LOCK`, at sign-in as here; each code is accepted once.
    """
    account = tx.accounts.get(account_id)
    if account is None or account.disabled:
        return None
    if account.locked_until is not None and now < account.locked_until:
        _journal(tx, account, "account.factor_refused", now, {"reason": "locked"})
        return None
    secret = sealer.open(account.totp_secret, context=seal_context(account.id)).decode()
    step = totp.matching_step(secret, code, now, account.last_totp_step)
    if step is None:
        _journal(tx, account, "account.factor_refused", now, {"reason": "code"})
        if count_failure(tx, account, now):
            _journal(tx, account, "account.locked", now, {"minutes": LOCK.seconds // 60})
        return None
    tx.accounts.put(
        msgspec.structs.replace(account, failed_attempts=0, locked_until=None, last_totp_step=step)
    )
    _journal(tx, account, "account.factor_proved", now, {})
    return Factor(account_id=account.id, at=now)


def count_failure(tx: CaseTx, account: Account, now: datetime) -> bool:
    """Count a wrong password or code; return whether the account is locked from now on."""
    failures = account.failed_attempts + 1
    locked = failures >= MAX_FAILURES
    tx.accounts.put(
        msgspec.structs.replace(
            account,
            failed_attempts=0 if locked else failures,
            locked_until=now + LOCK if locked else account.locked_until,
        )
    )
    return locked


def _journal(
    tx: CaseTx, account: Account, action: str, now: datetime, payload: dict[str, object]
) -> None:
    tx.journal.append(
        occurred_at=now, actor=account.id, action=action, object_id=account.id, payload=payload
    )
