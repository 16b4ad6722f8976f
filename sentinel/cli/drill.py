"""``sentinel drill``: play a crisis on invented people, and keep the proof of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.drill.load import find, load, shipped
from sentinel.app.drill.play import run_drill
from sentinel.app.drill.score import Score
from sentinel.cli.output import json, line
from sentinel.errors import Exit
from sentinel.obs import log

app = typer.Typer(help="Drills on invented people, every way out closed.", no_args_is_help=True)


@app.command("list")
def list_drills() -> None:
    """List the scenarios that ship."""
    for name in shipped():
        line(f"{name:<24} {load(find(name)).scenario.title.en}")


@app.command("run")
def run(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="Id of a shipped scenario, or a folder.")],
    out: Annotated[
        Path | None, typer.Option(help="New folder of the evidence pack; default: ./drill-<id>.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
) -> None:
    """Play a scenario from log lines to closing; write its evidence pack. Exit 1: not passed."""
    log.configure("error")
    stage = load(find(scenario))
    folder = out or Path(f"drill-{stage.scenario.id}")
    score, pack = asyncio.run(run_drill(config.load(context.obj), stage, folder))
    if as_json:
        json({"score": score, "pack": str(pack)})
    else:
        _say(score, pack)
    if not score.passed:
        raise typer.Exit(int(Exit.FINDINGS))


def _say(score: Score, pack: Path) -> None:
    for mark in score.marks:
        took = f"{mark.took} s of {mark.within} s" if mark.within is not None else mark.detail
        line(f"{'pass' if mark.passed else 'FAIL'}  {mark.id:<18} {took if took else ''}".rstrip())
    for step in score.missed:
        line(f"missed  {step.id}: {step.refused}")
    unknown = f"{len(score.unknown)} questions unanswered, {score.messages} messages kept"
    line(f"{score.points} of 100, {unknown}, {score.alarms} alarms")
    line(str(pack))
