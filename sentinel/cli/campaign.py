"""``sentinel campaign``: letters to the persons, approved by two people, sent once, proved."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app.campaign import desk
from sentinel.app.campaign.house import HTML, TEXT
from sentinel.app.campaign.prepare import prepare_letters, prepare_notice
from sentinel.cli import campaign_proof, campaign_work
from sentinel.cli.approval import Code, proved
from sentinel.cli.campaign_common import AsJson, Id, Reason, working, working_on
from sentinel.cli.casework import TokenFile
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.campaign import Campaign
from sentinel.domain.deadline import resolve_local
from sentinel.errors import UsageError
from sentinel.respond import campaign as commands

app = typer.Typer(
    help="Letters to the persons: prepared, approved by two, sent once each, proved.",
    no_args_is_help=True,
)
campaign_work.register(app)
campaign_proof.register(app)


@app.command("prepare")
def prepare(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Draft the letters of a case, freeze them and its audience; nothing leaves."""
    with working(context, token_file) as (tx, actor, house):
        made = prepare_letters(tx, house, actor, incident, now=SystemClock().now())
    say(made, as_json=as_json)


@app.command("notice")
def notice(
    context: typer.Context,
    effective_at: Annotated[str, typer.Option(help="From when the change holds, ISO 8601.")],
    text: Annotated[list[str], typer.Option(help="LANGUAGE=FILE: subject, empty line, text.")],
    html: Annotated[list[str], typer.Option(help="LANGUAGE=FILE: a whole page.")],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a notice of a change to every open account; 30 days ahead (promise R-60)."""
    with working(context, token_file) as (tx, actor, house):
        at = resolve_local(effective_at, house.settings.timezone)
        files = [
            *(_file(given, TEXT) for given in text),
            *(_file(given, HTML) for given in html),
        ]
        now = SystemClock().now()
        made = prepare_notice(tx, house, actor, files, effective_at=at, now=now)
    say(made, as_json=as_json)


def _file(given: str, media_type: str) -> tuple[str, str, bytes]:
    language, equals, name = given.partition("=")
    if not equals or language not in ("fr", "en"):
        raise UsageError(f"{given!r} is not fr=FILE or en=FILE")
    return language, media_type, content_of(Path(name))


@app.command("test")
def send_test(
    context: typer.Context,
    campaign: Id,
    to: Annotated[
        list[str] | None, typer.Option(help="Addresses of mail.test_to; default: all.")
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Send every version of the letter to addresses inside the house, marked [TEST]."""
    clock = SystemClock()
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        commands.may(actor, commands.MOVES["start"].roles, "testing a campaign")
        commands.note(tx, actor, found, "campaign.tested", clock.now(), to=len(to or []))
        for answer in asyncio.run(desk.send_test(house, found, to or [], clock)):
            line(answer)


@app.command("list")
def list_campaigns(
    context: typer.Context, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """List the campaigns, oldest first."""
    with working(context, token_file) as (tx, _actor, _house):
        found = tx.records.find(Campaign)
    for one in found:
        say(one, as_json=as_json)


@app.command("show")
def show(
    context: typer.Context, campaign: Id, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Show where a campaign stands: letters by state, failures by name, coverage."""
    with working_on(context, token_file, campaign) as (_tx, _actor, house, found):
        where = desk.progress(house, found)
    if as_json:
        json({**public(found), "progress": msgspec.to_builtins(where)})
        return
    say(found, as_json=False)
    for name, count in [*where.states.items(), *where.failures.items()]:
        if count:
            line(f"  {name}: {count}")
    line(f"  by post: {where.posted}")
    line(f"coverage {where.coverage * 100:.1f} % (a server took it, or it went by post)")


@app.command("ask")
def ask(
    context: typer.Context,
    campaign: Id,
    code: Code,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask a second person to approve exactly these letters to exactly this audience."""
    factor = proved(config.load(context.obj), token_file, code)
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = desk.ask(tx, house, actor, factor, found, now=SystemClock().now())
    if as_json:
        json({"approval": made.id, "state": made.state, "sha256": made.bound.sha256})
    else:
        line(f"asked: {made.id}, letters {made.bound.sha256}, audience {made.bound.audience}")


@app.command("approve")
def approve(
    context: typer.Context,
    campaign: Id,
    code: Code,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Stand for the letters and the audience as they are now, as the second person."""
    factor = proved(config.load(context.obj), token_file, code)
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = desk.approve(tx, house, actor, factor, found, now=SystemClock().now())
    until = isoformat(made.expires_at) if made.expires_at else ""
    if as_json:
        json({"approval": made.id, "state": made.state, "expires_at": until})
    else:
        line(f"approved: {made.id}, until {until}")


@app.command("start")
def start(
    context: typer.Context,
    campaign: Id,
    again: Annotated[
        str, typer.Option(help="Why persons of this case are written to once more.")
    ] = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let the first letters out (the canary); it needs an approval of what lies here now."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = desk.start(tx, house, actor, found, again=again, now=SystemClock().now())
    say(made, as_json=as_json)


@app.command("continue")
def go_on(
    context: typer.Context, campaign: Id, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Let the others out, after you have looked at what became of the canary."""
    _go_on(context, campaign, "continue", token_file, as_json=as_json)


@app.command("resume")
def resume(
    context: typer.Context, campaign: Id, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Go on after a pause."""
    _go_on(context, campaign, "resume", token_file, as_json=as_json)


def _go_on(
    context: typer.Context, campaign: str, command: str, token_file: TokenFile, *, as_json: bool
) -> None:
    now = SystemClock().now()
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        commands.check(actor, found, command, "", now)
        made = desk.go_on(tx, house, actor, found, now=now)
    say(made, as_json=as_json)


@app.command("pause")
def pause(
    context: typer.Context,
    campaign: Id,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold back what has not left; it holds from the next letter on."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = desk.hold(tx, house, actor, found, reason=reason, now=SystemClock().now())
    say(made, as_json=as_json)


@app.command("stop")
def stop(
    context: typer.Context,
    campaign: Id,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """End it for good: what has not left never leaves, and becomes a named failure."""
    with working_on(context, token_file, campaign) as (tx, actor, house, found):
        made = desk.end(tx, house, actor, found, reason=reason, now=SystemClock().now())
    say(made, as_json=as_json)


def public(campaign: Campaign) -> dict[str, object]:
    """Return a campaign as data: hashes and counts, nobody's name."""
    fields = msgspec.structs.asdict(campaign)
    return {**fields, "parts": len(campaign.parts), "languages": campaign.languages}


def say(campaign: Campaign, *, as_json: bool) -> None:
    """Print a campaign."""
    if as_json:
        json(public(campaign))
        return
    line(f"{campaign.id}  {campaign.kind}  {campaign.state}  {campaign.audience_count} persons")
    line(f"  letters {campaign.letter_sha256}, audience {campaign.audience_sha256}")
    if campaign.reason:
        line(f"  {campaign.reason}")
