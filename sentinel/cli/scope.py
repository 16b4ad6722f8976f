"""``sentinel scope``: how well accesses of staff to persons' data are explained, and ranked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.output import json, line
from sentinel.detect.scope.evaluate import BUDGET, Report, evaluate
from sentinel.detect.scope.evaluate_world import read_world

app = typer.Typer(help="Accesses of staff to persons' data.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `eval` a subcommand while it is the only one."""


@app.command("eval")
def evaluate_folder(
    folder: Annotated[Path, typer.Argument(help="Accesses, facts, staff, customers, labels.")],
    budget: Annotated[
        int, typer.Option(min=1, help="(day, employee, customer) pairs reviewed each day.")
    ] = BUDGET,
    scored_from: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First scored day, UTC; default: 2026-07-01, else the middle of the period.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Measure the ranking of accesses on a folder whose cases are known.

    Exit 3: an access, fact or label is wrong; 4: a file is missing.
    """
    start = scored_from.date() if scored_from else None
    report = evaluate(read_world(folder), budget=budget, scored_from=start)
    if as_json:
        json(report)
    else:
        _print(report)


def _print(report: Report) -> None:
    line(f"{report.days} days from {report.scored_from}, {report.accesses} accesses")
    line(f"{report.reviewed} pairs reviewed, at most {report.budget} a day")
    line(f"legitimate accesses explained directly: {_percent(report.legit_explained)}")
    line(f"legitimate accesses silent: {_percent(report.legit_silent)}")
    line(f"false alerts per 10,000 accesses: {report.false_alerts_per_10k}")
    for name, recall in report.case_recall.items():
        line(f"cases found, {name}: {_percent(recall)} of {report.cases[name]}")
    line(f"cases found by a random review: {_percent(report.random_recall)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
