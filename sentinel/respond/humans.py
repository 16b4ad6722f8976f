"""One human, several accounts: who stands on both sides of a decision is found out here."""

from __future__ import annotations

from sentinel.domain.incident import Actor
from sentinel.store.ports import CaseTx


def human_behind(tx: CaseTx, account_id: str) -> str:
    """Return the human behind an account's id; the id itself where no account bears it."""
    account = tx.accounts.get(account_id)
    return account.actor.human if account is not None else account_id


def same_human(tx: CaseTx, account_id: str, actor: Actor) -> bool:
    """Tell whether an account, by its id, belongs to the human who acts now."""
    return account_id == actor.id or human_behind(tx, account_id) == actor.human
