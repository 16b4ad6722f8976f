"""Names of the people who work a case. Never those of the persons concerned."""

from __future__ import annotations

from sentinel.store.ports import CaseTx


def name_of(tx: CaseTx, actor_id: str) -> str:
    """Return an account's display name; what is not an account keeps its id."""
    account = tx.accounts.get(actor_id) if actor_id else None
    return account.display_name or account.name if account else actor_id
