"""``sentinel retention``: when records must go, and how far that is done."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.app.purge.status import Status, status
from sentinel.cli.ndjson import STDIN, answer_lines, decode
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.domain.retention import Due, due, read_record
from sentinel.errors import Exit

app = typer.Typer(help="Retention: when records must go.", no_args_is_help=True)


@app.command("status")
def status_command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say when the purge last ran, what is held, and when what goes is gone everywhere.

    Exit 1: the purge is late, or a review is.
    """
    settings = config.load(context.obj)
    with reading(settings) as tx:
        found = status(tx, settings, SystemClock().now())
    if as_json:
        json(found)
    else:
        _tell(found)
    if found.late or found.reviews_overdue:
        raise typer.Exit(int(Exit.FINDINGS))


def _tell(found: Status) -> None:
    for kind, period in found.periods.items():
        line(f"{kind:18}  {period}")
    ran = f"{found.last_day}, certificate {found.number or 'not needed yet'}"
    late = "  LATE" if found.late else ""
    line(f"last purge          {ran if found.last_day else 'none so far'}{late}")
    for hold in found.holds:
        review = "  REVIEW OVERDUE" if hold.name in found.reviews_overdue else ""
        line(f"hold                {hold.name}, {hold.state}, until {hold.review_by}{review}")
    if found.backups is None:
        line("backups             none are made here")
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in found.backups.items())
    last = f"{found.last_backup:%Y-%m-%d %H:%M}Z" if found.last_backup else "none so far"
    line(f"backups             {counts}; the last: {last}")
    line(f"gone everywhere     what is purged today, on {found.gone_everywhere}")


@app.command("due")
def due_command(
    path: Annotated[
        str, typer.Argument(help="NDJSON, one question a line; -: standard input.")
    ] = STDIN,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as NDJSON.")] = False,
) -> None:
    """Say on which day each record must go. Exit 1: a line was refused."""
    answer_lines(
        path,
        lambda text: due(read_record(decode(text))),
        json if as_json else _say,
        as_json=as_json,
    )


def _say(answer: Due) -> None:
    held = "held  " if answer.held else ""
    line(f"{answer.purge_not_before} to {answer.purge_not_after}  {held}{answer.rule}")
