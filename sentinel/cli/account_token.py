"""``sentinel account token``: tokens by which a person acts from the command line or the API."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.account import Account
from sentinel.errors import NotFound
from sentinel.store.ports import CaseTx
from sentinel.web.auth.tokens import issue, revoke

Name = Annotated[str, typer.Argument(help="Sign-in name.")]
OPERATOR = "cli"


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``account``."""
    app.command("token")(make)
    app.command("tokens")(show)
    app.command("revoke-token")(end)


def make(
    context: typer.Context,
    name: Name,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it lives.")] = 90,
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
) -> None:
    """Issue a token and print it once; whoever holds it acts as this person."""
    with reading(config.load(context.obj)) as tx:
        account = _account(tx, name)
        now = SystemClock().now()
        text, token = issue(tx, account, name=label, days=days, now=now, by=OPERATOR)
    note(f"for {name}, until {isoformat(token.expires_at)}; hand it to its holder only")
    line(text)


def show(context: typer.Context, name: Name) -> None:
    """List the tokens of an account, one JSON object a line; never the tokens themselves."""
    with reading(config.load(context.obj)) as tx:
        found = tx.api.tokens(_account(tx, name).id)
    for token in found:
        json(
            {
                "id": token.token_hash[:12],
                "name": token.name,
                "expires_at": isoformat(token.expires_at),
                "revoked": token.revoked_at is not None,
            }
        )


def end(
    context: typer.Context, name: Name, token_id: Annotated[str, typer.Argument(help="Its id.")]
) -> None:
    """Revoke a token at once."""
    with reading(config.load(context.obj)) as tx:
        revoke(tx, _account(tx, name), token_id, now=SystemClock().now(), by=OPERATOR)
    line(f"token {token_id} of {name} is revoked")


def _account(tx: CaseTx, name: str) -> Account:
    found = tx.accounts.by_name(name)
    if found is None:
        raise NotFound(f"no account is called {name}", hint="sentinel account list")
    return found
