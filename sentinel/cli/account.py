"""``sentinel account``: the people who may sign in to the console."""

from __future__ import annotations

import io
import re
from typing import Annotated, Literal

import msgspec
import segno
import typer

from sentinel import config
from sentinel.app.parts import open_cases, open_sealer, reading
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.incident import Role
from sentinel.errors import NotFound, UsageError
from sentinel.store.ports import CaseTx
from sentinel.web.auth.accounts import create_account

app = typer.Typer(help="People who may sign in to the console.", no_args_is_help=True)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Created(msgspec.Struct, frozen=True):
    """A new account and what is shown once: its password and second factor."""

    name: str
    roles: tuple[Role, ...]
    password: str
    totp_secret: str
    otpauth_uri: str

    def public(self) -> dict[str, object]:
        """Return what ``--json`` prints."""
        return {
            "name": self.name,
            "roles": [role.value for role in self.roles],
            "password": self.password,
            "totp_secret": self.totp_secret,
            "otpauth_uri": self.otpauth_uri,
        }


def require_name(name: str) -> None:
    """Raise UsageError for a name that could not be typed, or read in a journal, without doubt."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a sign-in name",
            hint="a letter or digit, then up to 63 of: letters, digits, . _ @ -",
        )


def create(
    settings: Settings,
    *,
    name: str,
    display_name: str,
    roles: tuple[Role, ...],
    language: str,
    person: str = "",
) -> Created:
    """Create an account and journal it. Raises UsageError where the name is taken or unfit.

    ``person``: the human behind it, where the human has another account: the word that both bear.
    """
    require_name(name)
    clock, sealer = SystemClock(), open_sealer(settings)
    cases = open_cases(settings, sealer, clock)
    try:
        with cases.begin() as tx:
            if tx.accounts.by_name(name) is not None:
                raise UsageError(
                    f"there is an account called {name} already", hint="sentinel account list"
                )
            _one_human(tx, display_name, person)
            made = create_account(
                name=name,
                display_name=display_name,
                roles=roles,
                language=language,
                sealer=sealer,
                now=clock.now(),
                person=person,
            )
            tx.accounts.put(made.account)
            tx.journal.append(
                occurred_at=clock.now(),
                actor="cli",
                action="account.created",
                object_id=made.account.id,
                payload={
                    "roles": [role.value for role in roles],
                    "person": made.account.person,
                },
            )
    finally:
        cases.close()
    return Created(name, roles, made.password, made.totp_secret, made.otpauth_uri)


def _one_human(tx: CaseTx, display_name: str, person: str) -> None:
    """Raise UsageError where somebody seems to have an account already, and nobody says who."""
    shown = display_name.strip().casefold()
    alike = [one for one in tx.accounts.all() if one.display_name.strip().casefold() == shown]
    if alike and shown and not person.strip():
        raise UsageError(
            f"{display_name} has an account already: {alike[0].name}",
            hint="--person WORD, the same word for both accounts of one human; "
            "`sentinel account person` sets it on the first",
        )


def show(created: Created) -> None:
    """Print an account's password and second factor, with a QR code, for its holder only."""
    line(f"account   {created.name} ({', '.join(role.value for role in created.roles)})")
    line(f"password  {created.password}")
    line(f"TOTP      {created.totp_secret}  (scan the code with an authenticator; shown once)")
    picture = io.StringIO()
    segno.make(created.otpauth_uri).terminal(out=picture, compact=True)
    line(picture.getvalue())


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Sign-in name.")],
    role: Annotated[list[Role], typer.Option(help="Role; may be repeated.")],
    display_name: Annotated[str, typer.Option(help="Name shown to others.")] = "",
    person: Annotated[
        str, typer.Option(help="The human behind it, where this is not their only account.")
    ] = "",
    language: Annotated[Literal["fr", "en"] | None, typer.Option(help="Language.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Create an account; its password and second factor are shown once."""
    settings = config.load(context.obj)
    created = create(
        settings,
        name=name,
        display_name=display_name or name,
        roles=tuple(dict.fromkeys(role)),
        language=language or settings.language,
        person=person,
    )
    if as_json:
        json(created.public())
    else:
        show(created)


@app.command("list")
def list_accounts(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List accounts and their roles."""
    settings = config.load(context.obj)
    cases = open_cases(settings, open_sealer(settings), SystemClock())
    try:
        with cases.begin() as tx:
            accounts = tx.accounts.all()
    finally:
        cases.close()
    for found in accounts:
        roles = [role.value for role in found.roles]
        if as_json:
            told = {"roles": roles, "disabled": found.disabled, "person": found.person}
            json({"name": found.name, **told})
        else:
            state = " (disabled)" if found.disabled else ""
            human = f"  person {found.person}" if found.person else ""
            line(f"{found.name}{state}: {', '.join(roles)}{human}")


@app.command("person")
def set_person(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Sign-in name.")],
    person: Annotated[str, typer.Argument(help="The same word for each account of one human.")],
) -> None:
    """Say which human is behind an account: one human never takes both sides of a decision."""
    settings, clock = config.load(context.obj), SystemClock()
    with reading(settings) as tx:
        found = tx.accounts.by_name(name)
        if found is None:
            raise NotFound(f"no account is called {name}", hint="sentinel account list")
        word = person.strip().casefold()
        tx.accounts.put(msgspec.structs.replace(found, person=word))
        tx.journal.append(
            occurred_at=clock.now(),
            actor="cli",
            action="account.person_set",
            object_id=found.id,
            payload={"before": found.person, "after": word},
        )
    line(f"{name} is an account of {word or 'one human alone'}")


@app.command("disable")
def disable(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Sign-in name.")]
) -> None:
    """Let an account sign in no more."""
    settings, clock = config.load(context.obj), SystemClock()
    cases = open_cases(settings, open_sealer(settings), clock)
    try:
        with cases.begin() as tx:
            found = tx.accounts.by_name(name)
            if found is None:
                raise NotFound(f"no account is called {name}", hint="sentinel account list")
            found.disabled = True
            tx.accounts.put(found)
            tx.journal.append(
                occurred_at=clock.now(),
                actor="cli",
                action="account.disabled",
                object_id=found.id,
                payload={},
            )
    finally:
        cases.close()
    line(f"{name} can no longer sign in")
