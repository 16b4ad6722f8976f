"""``sentinel rota``: who stands in for the data protection officer, and who is on duty."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.deadline import resolve_local
from sentinel.errors import ConfigError, Exit
from sentinel.respond import rota

app = typer.Typer(help="Who stands in for the officer.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("show")
def show(
    context: typer.Context,
    at: Annotated[str, typer.Option(help="Instant; default: now.")] = "",
    as_json: Json = False,
) -> None:
    """Say who is on duty at an instant, for whom, and who is away. Exit 1: nobody is."""
    settings = config.load(context.obj)
    instant = resolve_local(at, settings.timezone) if at else SystemClock().now()
    with reading(settings) as tx:
        duty = rota.duty_at(tx, _officer(settings), instant)
        names = {one.id: one.name for one in tx.accounts.all()}
        away = [one for one in rota.absences(tx) if one.covers(instant)]
    person = names.get(duty.person, "")
    channel = settings.rota.channels.get(person, "")
    if as_json:
        json(
            {
                "at": isoformat(instant),
                "on_duty": person or None,
                "channel": channel or None,
                "instead_of": [names.get(one, one) for one in duty.through],
                "away": [
                    {
                        "person": names.get(one.person, one.person),
                        "deputy": names.get(one.deputy, one.deputy),
                        "until": isoformat(one.until),
                    }
                    for one in away
                ],
            }
        )
    else:
        line(f"{person or 'NOBODY'} is on duty{f', channel {channel}' if channel else ''}")
        for one in away:
            until = f"until {isoformat(one.until)}"
            line(f"away: {names.get(one.person)} {until}, deputy {names.get(one.deputy)}")
    if not person:
        raise typer.Exit(int(Exit.FINDINGS))


@app.command("absent")
def absent(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Sign-in name of who is away.")],
    deputy: Annotated[str, typer.Option(help="Sign-in name of who stands in; holds the role dpo.")],
    since: Annotated[str, typer.Option("--from", help="From when, ISO 8601.")],
    until: Annotated[str, typer.Option("--to", help="Until when.")],
    token_file: TokenFile = None,
) -> None:
    """Write down an absence and its deputy; alarms go to the deputy from then on."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        made = rota.record_absence(
            tx,
            actor,
            person=person,
            deputy=deputy,
            since=resolve_local(since, settings.timezone),
            until=resolve_local(until, settings.timezone),
            now=SystemClock().now(),
        )
    line(f"{person} is away {isoformat(made.since)} to {isoformat(made.until)}, deputy {deputy}")


@app.command("back")
def back(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="Sign-in name of who is back.")],
    token_file: TokenFile = None,
) -> None:
    """Write down that somebody is back before the end."""
    with acting(config.load(context.obj), token_file) as (tx, actor):
        ended = rota.end_absence(tx, actor, person=person, now=SystemClock().now())
    line(f"{len(ended)} absences ended")


def _officer(settings: Settings) -> str:
    if not settings.rota.officer:
        raise ConfigError("rota.officer is not set", hint="the sign-in name of the officer")
    return settings.rota.officer
