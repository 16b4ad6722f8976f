"""``sentinel log-review``: the weekly sample of the audit logs, and who looked at it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import obligations, parts
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.domain.log_review import LogReview, monday_of, week_name
from sentinel.errors import InvalidInstant, Refused
from sentinel.respond import log_review

app = typer.Typer(help="The weekly review of the audit logs.", no_args_is_help=True)

Week = Annotated[str, typer.Argument(help="ISO week, as 2026-W10.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_reviews(context: typer.Context, as_json: Json = False) -> None:
    """List the reviews: sample, signatures, what still waits."""
    with parts.reading(config.load(context.obj)) as tx:
        found = log_review.all_reviews(tx)
    for one in found:
        if as_json:
            json(public(one))
        else:
            state = "complete" if one.complete else f"{len(one.waiting())} wait"
            drawn = f"{len(one.entries)} of {one.population} and {one.key_accesses} keys"
            line(f"{one.week}  {drawn}  {state}")


@app.command("show")
def show(context: typer.Context, week: Week) -> None:
    """Print the sample of a week, one JSON object a line."""
    with parts.reading(config.load(context.obj)) as tx:
        found = log_review.of_week(tx, week)
    for one in found.entries:
        json(one)


@app.command("draw")
def draw(
    context: typer.Context,
    week: Annotated[str, typer.Argument(help="ISO week; default: the last that ended.")] = "",
    again: Annotated[
        bool, typer.Option(help="Draw a recorded sample again and compare; nothing is written.")
    ] = False,
) -> None:
    """Draw the sample of a week from the stored events, while the service is stopped.

    The running service does it by itself. Exit 1: a sample drawn again is not the recorded one.
    """
    settings, now = config.load(context.obj), SystemClock().now()
    today = obligations.local_day(settings, now)
    name = week or week_name(today - timedelta(days=7))
    _check(name)
    since, until = obligations.bounds(settings, name)
    if until > now:
        raise Refused(f"{name} has not ended")
    with closing(parts.open_events(settings, parts.open_sealer(settings))) as events:
        with parts.reading(settings) as tx:
            known = log_review.of_week(tx, name) if again else None
        drawn = obligations.draw_week(
            settings, events, name, since, until, now, seed=known.seed if known else ""
        )
    if known is not None:
        if drawn.sha256 != known.sha256:
            raise Refused(f"the sample of {name} comes out differently", hint="events were changed")
        line(f"{name}  the same {len(drawn.entries)} entries, sha256 {drawn.sha256}")
        return
    with parts.reading(settings) as tx:
        log_review.keep(tx, drawn, now)
    line(f"{name}  {len(drawn.entries)} entries, seed {drawn.seed}, sha256 {drawn.sha256}")


@app.command("sign")
def sign(
    context: typer.Context,
    week: Week,
    remarks: Annotated[str, typer.Option(help="What was looked at, and what was found.")],
    suspicious: Annotated[
        list[str] | None, typer.Option(help="Event to be followed up; repeatable.")
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Stand for the entries of everybody else; one's own wait for another reviewer."""
    settings, now = config.load(context.obj), SystemClock().now()
    _check(week)
    with acting(settings, token_file) as (tx, actor):
        account = tx.accounts.get(actor.id)
        if account is None:
            raise Refused("a review is signed by the holder of an account")
        signed = obligations.sign_week(
            tx,
            settings,
            account,
            week,
            remarks=remarks,
            suspicious=suspicious or [],
            pseudonymiser=parts.make_pseudonymiser(settings),
            now=now,
        )
    waiting = len(signed.waiting())
    line(f"{week}  signed; {'complete' if signed.complete else f'{waiting} entries wait'}")


def public(one: LogReview) -> dict[str, object]:
    """Return a review as data, without its entries."""
    return {
        "week": one.week,
        "seed": one.seed,
        "share": one.share,
        "population": one.population,
        "key_accesses": one.key_accesses,
        "entries": len(one.entries),
        "sha256": one.sha256,
        "signatures": len(one.signatures),
        "waiting": len(one.waiting()),
        "complete": one.complete,
    }


def _check(week: str) -> None:
    try:
        monday_of(week)
    except ValueError as error:
        raise InvalidInstant(f"{week!r} is no ISO week", hint="2026-W10") from error
