"""``sentinel retention``: when records must go."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel.cli.ndjson import STDIN, answer_lines, decode
from sentinel.cli.output import json, line
from sentinel.domain.retention import Due, due, read_record

app = typer.Typer(help="Retention: when records must go.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `due` a command of its own: Typer would fold a group of one."""


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
