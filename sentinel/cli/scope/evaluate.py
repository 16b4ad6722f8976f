"""``sentinel scope eval``: what a review under a budget finds on a folder of known cases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.output import json, line
from sentinel.cli.scope.options import AsJson, percent
from sentinel.detect.scope.evaluate import BUDGET, Report, evaluate
from sentinel.detect.scope.evaluate_world import read_world


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("eval")(evaluate_folder)


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
    as_json: AsJson = False,
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
    line(f"legitimate accesses explained directly: {percent(report.legit_explained)}")
    line(f"legitimate accesses silent: {percent(report.legit_silent)}")
    line(f"false alerts per 10,000 accesses: {report.false_alerts_per_10k}")
    for name, recall in report.case_recall.items():
        line(f"cases found, {name}: {percent(recall)} of {report.cases[name]}")
    line(f"cases found by a random review: {percent(report.random_recall)}")
