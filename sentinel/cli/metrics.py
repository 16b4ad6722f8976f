"""``sentinel metrics``: how well the work goes, in figures without persons."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app.obligations import overdue_on
from sentinel.app.parts import reading
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.respond.workflow_metrics import measure

app = typer.Typer(help="Figures about the work.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `workflow` a command of its own: Typer would fold a group of one."""


@app.command("workflow")
def workflow(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Time to detect, qualify and notify, margin on the 72 hours, what is open or late."""
    settings, now = config.load(context.obj), SystemClock().now()
    with reading(settings) as tx:
        found = measure(tx, now, overdue_on(tx, settings, now))
    if as_json:
        json(found)
        return
    for name, value in msgspec.structs.asdict(found).items():
        if isinstance(value, msgspec.Struct):
            figures = msgspec.structs.asdict(value)
            line(f"{name:<20} " + ", ".join(f"{key} {figures[key]}" for key in figures))
        else:
            line(f"{name:<20} {value}")
