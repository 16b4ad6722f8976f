"""``sentinel severity``: the ENISA score of breaches, which proposes and never decides."""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel.cli.ndjson import STDIN, answer_lines, decode
from sentinel.cli.output import json, line
from sentinel.domain.severity import Severity, assess, read_assessed


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("severity")(severity)


def severity(
    path: Annotated[
        str, typer.Argument(help="NDJSON, one breach a line; -: standard input.")
    ] = STDIN,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as NDJSON.")] = False,
) -> None:
    """Score breaches after ENISA (2013). Exit 1: a line was refused."""
    answer_lines(
        path,
        lambda text: assess(read_assessed(decode(text))),
        json if as_json else _say,
        as_json=as_json,
    )


def _say(answer: Severity) -> None:
    review = f"  review: {', '.join(answer.flags)}" if answer.review_required else ""
    line(f"SE {answer.se:<4g}  {answer.level:<9}  {answer.screen}{review}")
