"""``sentinel approval``: two humans stand for exact bytes, each with a fresh second factor."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app.approvables import present
from sentinel.app.approving import open_approvals
from sentinel.app.parts import open_sealer
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.approval import Approval
from sentinel.domain.incident import Actor, Role
from sentinel.errors import Refused
from sentinel.respond.second_factor import Factor, prove

app = typer.Typer(help="Approval by two people, bound to exact bytes.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence.")]
Code = Annotated[
    str,
    typer.Option(help="Six digits of your second factor, now.", prompt=True, hide_input=True),
]
Id = Annotated[str, typer.Argument(help="Id of the approval.")]


def proved(settings: Settings, token_file: TokenFile, code: str) -> Factor:
    """Return the proof that ``code`` is right now. Raises Refused; a wrong one is counted."""
    with acting(settings, token_file) as (tx, actor):
        found = prove(tx, open_sealer(settings), actor.id, code, now=SystemClock().now())
    if found is None:
        raise Refused(
            "the code is wrong, was used, or the account is locked",
            hint="each code is accepted once: wait for the next one",
        )
    return found


@app.command("ask")
def ask(
    context: typer.Context,
    reference: Reference,
    object_id: Annotated[str, typer.Argument(help="Id of a frozen dossier or of a document.")],
    code: Code,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask a second person to stand for a dossier or a document, as it is now."""
    settings = config.load(context.obj)
    factor = proved(settings, token_file, code)
    with acting(settings, token_file) as (tx, actor):
        now = SystemClock().now()
        bound, author = present(tx, settings, open_sealer(settings), reference, object_id)
        made = open_approvals(settings).ask(tx, actor, factor, bound, authors=(author,), now=now)
    _say(made, as_json=as_json)


@app.command("approve")
def approve(
    context: typer.Context,
    approval: Id,
    code: Code,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Stand for it as the second person; refused where anything was edited since it was asked."""
    settings = config.load(context.obj)
    factor = proved(settings, token_file, code)
    with acting(settings, token_file) as (tx, actor):
        approvals, now = open_approvals(settings), SystemClock().now()
        asked = approvals.intact(tx, approval).bound
        bound, _ = present(tx, settings, open_sealer(settings), asked.incident_id, asked.object_id)
        made = approvals.approve(tx, actor, factor, approval, present=bound, now=now)
    _say(made, as_json=as_json)


@app.command("refuse")
def refuse(
    context: typer.Context,
    approval: Id,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Refuse to approve, with a written reason."""
    _end(context, approval, "refuse", reason, token_file, as_json=as_json)


@app.command("withdraw")
def withdraw(
    context: typer.Context,
    approval: Id,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """End an approval that waits or holds, with a written reason."""
    _end(context, approval, "withdraw", reason, token_file, as_json=as_json)


def _end(
    context: typer.Context,
    approval: str,
    how: Literal["refuse", "withdraw"],
    reason: str,
    token_file: TokenFile,
    *,
    as_json: bool,
) -> None:
    settings, now = config.load(context.obj), SystemClock().now()
    with acting(settings, token_file) as (tx, actor):
        held = open_approvals(settings)
        end = held.refuse if how == "refuse" else held.withdraw
        made = end(tx, actor, approval, reason=reason, now=now)
    _say(made, as_json=as_json)


@app.command("list")
def list_approvals(
    context: typer.Context,
    reference: Reference,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List the approvals of a case, oldest first."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        reads(actor)
        found = open_approvals(settings).of(tx, reference)
    for one in found:
        _say(one, as_json=as_json)


def reads(actor: Actor) -> None:
    """Raise Refused where the holder of a token does not read cases."""
    if not actor.roles or actor.has(Role.ADMIN, Role.SERVICE):
        raise Refused("an administrator has no access to cases")


def public(approval: Approval) -> dict[str, object]:
    """Return an approval as data."""
    given = approval.approved
    return {
        "id": approval.id,
        "subject": approval.bound.subject.value,
        "object": approval.bound.object_id,
        "sha256": approval.bound.sha256,
        "audience": approval.bound.audience,
        "state": approval.state.value,
        "asked_by": approval.created_by,
        "asked_at": isoformat(approval.created_at),
        "approved_by": given.account if given else "",
        "approved_at": isoformat(given.at) if given else "",
        "expires_at": isoformat(approval.expires_at) if approval.expires_at else "",
        "reason": approval.ended_reason,
    }


def _say(approval: Approval, *, as_json: bool) -> None:
    if as_json:
        json(public(approval))
        return
    until = f"  until {isoformat(approval.expires_at)}" if approval.expires_at else ""
    line(f"{approval.id}  {approval.bound.subject} {approval.bound.object_id}")
    line(f"  {approval.state}  sha256 {approval.bound.sha256}{until}")
