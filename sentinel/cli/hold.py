"""``sentinel hold``: legal holds, in the name of whoever holds the token."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.backup import ledger
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.deadline import resolve_local
from sentinel.domain.hold import Hold, HoldScope
from sentinel.errors import InvalidInstant, NotFound, Refused
from sentinel.respond import holds
from sentinel.store.keys.persons import PERSONS
from sentinel.store.ports import CaseTx

app = typer.Typer(
    help="Legal holds: what may not be purged, for a reason, approved, reviewed.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Named = Annotated[str, typer.Argument(help="Name or id of the hold.")]
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it goes into the journal.")]


@app.command("propose")
def propose(  # noqa: PLR0913, PLR0917 - its options
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called, in few words.")],
    reason: Reason,
    review_by: Annotated[str, typer.Option(help="Day by which it is reviewed (2026-06-30).")],
    case: Annotated[str, typer.Option(help="Reference of the case that is held.")] = "",
    person: Annotated[str, typer.Option(help="Person held: id in the logs, or pseudonym.")] = "",
    source: Annotated[str, typer.Option(help="Source whose events are held.")] = "",
    since: Annotated[str, typer.Option(help="Events from this instant on.")] = "",
    until: Annotated[str, typer.Option(help="Events before this instant.")] = "",
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Ask for a hold; it protects for three days, and longer once a second person approves."""
    settings = config.load(context.obj)
    scope = HoldScope(
        case=case,
        person=_pseudonym(settings, person),
        source=source,
        since=_instant(since, settings),
        until=_instant(until, settings),
    )
    with acting(settings, token_file) as (tx, actor):
        made = holds.propose(
            tx, actor, name=name, reason=reason, scope=scope, review_by=_day(review_by),
            now=SystemClock().now(),
        )  # fmt: skip
        ledger.export(tx, settings)
    _say(made, as_json=as_json)


@app.command("approve")
def approve(
    context: typer.Context, hold: Named, token_file: TokenFile = None, as_json: Json = False
) -> None:
    """Put a proposed hold into force: the author cannot."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        made = holds.approve(tx, actor, hold, now=SystemClock().now())
        ledger.export(tx, settings)
    _say(made, as_json=as_json)


@app.command("review")
def review(
    context: typer.Context,
    hold: Named,
    reason: Reason,
    next_by: Annotated[str, typer.Option(help="Day by which it is reviewed again.")],
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Say why a hold stays, and when somebody looks again."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        made = holds.review(
            tx, actor, hold, reason=reason, next_by=_day(next_by), now=SystemClock().now()
        )
        ledger.export(tx, settings)
    _say(made, as_json=as_json)


@app.command("release")
def release(
    context: typer.Context,
    hold: Named,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Release a hold, or refuse a proposed one: the next purge takes what is due."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        made = holds.end(tx, actor, hold, reason=reason, now=SystemClock().now())
        ledger.export(tx, settings)
    _say(made, as_json=as_json)


@app.command("list")
def list_command(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that ended too.")] = False,
    as_json: Json = False,
) -> None:
    """List the holds that are proposed or in force."""
    with parts.reading(config.load(context.obj)) as tx:
        found = tx.records.find(Hold) if everything else holds.standing(tx)
        today = SystemClock().now().date()
        told = [(one, _scope(tx, one.scope)) for one in found]
    if as_json:
        json(found)
        return
    for one, scope in told:
        late = "  REVIEW OVERDUE" if one.overdue(today) else ""
        line(f"{one.name}  {one.state}  review by {one.review_by}{late}  {scope}")
    line(f"{len(found)} holds")


def _scope(tx: CaseTx, scope: HoldScope) -> str:
    parts_of = {
        "case": tx.incidents.get(scope.case).reference if scope.case else "",
        "person": scope.person,
        "source": scope.source,
        "since": scope.since.isoformat() if scope.since else "",
        "until": scope.until.isoformat() if scope.until else "",
    }
    return ", ".join(f"{name} {value}" for name, value in parts_of.items() if value)


def _say(made: Hold, *, as_json: bool) -> None:
    if as_json:
        json(made)
    else:
        line(f"{made.name}  {made.state}  review by {made.review_by}")


def _pseudonym(settings: Settings, person: str) -> str:
    """Return the pseudonym of a person. Raises NotFound, Refused where two go by that id."""
    if not person or person.startswith(("usr_", "sub_")):
        return person
    with closing(parts.open_persons(settings, parts.open_sealer(settings))) as keys:
        found = [known for kind in PERSONS if (known := keys.known(kind, person)) is not None]
    if not found:
        raise NotFound(f"nobody in the map of persons is {person}")
    if len(found) > 1:
        both = ", ".join(one.pseudonym for one in found)
        raise Refused(f"two persons go by {person}: {both}", hint="give the pseudonym")
    return found[0].pseudonym


def _instant(text: str, settings: Settings) -> datetime | None:
    return resolve_local(text, settings.timezone) if text else None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInstant(f"{text!r} is no day", hint="2026-06-30") from error
