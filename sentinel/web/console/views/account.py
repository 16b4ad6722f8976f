"""The visitor's own account: roles, and the language of the console."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, signed_in
from sentinel.web.console.i18n import LANGUAGES
from sentinel.web.console.pages import page
from sentinel.web.console.views.forms import BadForm, back_to, text


async def show(request: web.Request) -> web.Response:
    """``GET /account``."""
    return page(request, "account.html")


async def change_language(request: web.Request) -> web.Response:
    """``POST /account/language``; journalled."""
    service = request.app[CONSOLE]
    chosen = await text(request, "language")
    if chosen not in LANGUAGES:
        raise BadForm("language is fr or en")
    account_id, now = signed_in(request).account.id, service.clock.now()

    def change(tx: CaseTx) -> None:
        # Read again: the copy of the request may lag behind a sign-in elsewhere.
        account = tx.accounts.get(account_id)
        if account is None:
            return
        tx.accounts.put(msgspec.structs.replace(account, language=chosen))
        tx.journal.append(
            occurred_at=now,
            actor=account_id,
            action="account.language",
            object_id=account_id,
            payload={"language": chosen},
        )

    await service.in_store(change)
    back_to("/account", "language")
