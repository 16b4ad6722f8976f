"""``sentinel scope``: how well accesses of staff to persons' data are explained, and ranked.

Offline like `sentinel scan`: nothing is stored, values stay as they stand in the files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line, note
from sentinel.clock import isoformat
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.detect.scope.coverage import Coverage, RoleCoverage
from sentinel.detect.scope.engine import ScopeEngine, access_of
from sentinel.detect.scope.evaluate import BUDGET, Report, evaluate
from sentinel.detect.scope.evaluate_world import read_world
from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event
from sentinel.domain.scope import Verdict
from sentinel.errors import Exit, NotFound

app = typer.Typer(help="Accesses of staff to persons' data.", no_args_is_help=True)

Logs = Annotated[list[Path], typer.Argument(help="Log files or folders.")]
Facts = Annotated[Path, typer.Option(help="Folder or file of business facts (CSV, JSON, NDJSON).")]
Format = Annotated[str, typer.Option("--format", help="Format of the lines, or auto.")]
Profile = Annotated[str, typer.Option(help="Source profile; default: chosen by format.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


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


@app.command("coverage")
def coverage(
    context: typer.Context,
    paths: Logs,
    facts: Facts,
    format_name: Format = AUTO,
    profile: Profile = "",
    as_json: AsJson = False,
) -> None:
    """Count how many accesses the facts explain, by role and template."""
    settings = config.load(context.obj)
    engine = _engine(settings, facts)
    counted = Coverage()
    for event in _events(settings, paths, format_name, profile):
        counted.add(engine.judge(event))
    if as_json:
        json({"all": counted.total(), "roles": counted.roles})
        return
    for name, role in [*sorted(counted.roles.items()), ("all", counted.total())]:
        line(_covered(name, role))


@app.command("why")
def why(
    context: typer.Context,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT", help="Identity of the event, or file:line.")
    ],
    paths: Logs,
    facts: Facts,
    format_name: Format = AUTO,
    profile: Profile = "",
    as_json: AsJson = False,
) -> None:
    """Say why an access is explained, unexplained or forbidden. Exit 1: not explained."""
    settings = config.load(context.obj)
    found = [
        event
        for event in _events(settings, paths, format_name, profile)
        if event_id in (event.id, event.ref)
    ]
    if not found:
        raise NotFound(event_id, hint="`sentinel parse` prints the identities of events")
    access = access_of(found[0])
    if access is None:
        raise NotFound(f"{event_id} is no access of staff to a person's data")
    judged = _engine(settings, facts).explain(access)
    if as_json:
        json(
            {
                "event": found[0].id,
                "ref": found[0].ref,
                "time": isoformat(access.instant),
                **msgspec.to_builtins(judged),
                "reasons": {
                    language: [reason.text(language) for reason in judged.reasons]
                    for language in ("en", "fr")
                },
            }
        )
    else:
        line(f"{judged.verdict.value}: {isoformat(access.instant)} {found[0].ref}")
        for reason in judged.reasons:
            line(f"  {reason.text('en')}")
    if judged.verdict is not Verdict.EXPLAINED:
        raise typer.Exit(int(Exit.FINDINGS))


def _engine(settings: Settings, facts: Path) -> ScopeEngine:
    model = load_scope(parts.content_of(settings, "scopes"))
    return ScopeEngine(model, FactIndex(load_facts(facts)))


def _events(
    settings: Settings, paths: list[Path], format_name: str, profile: str
) -> Iterator[Event]:
    reader = OfflineReader(
        parts.load_sources(settings), format_name=format_name, profile_name=profile
    )
    for item in reader.read(paths, sys.stdin.buffer):
        if not isinstance(item, UnparsedLine):
            yield item
    if reader.unparsed:
        note(f"{reader.unparsed} of {reader.lines} lines were not understood")


def _covered(name: str, role: RoleCoverage) -> str:
    used = ", ".join(f"{template} {count}" for template, count in role.templates.most_common())
    return (
        f"{name}: {_percent(role.share if role.accesses else None)} of {role.accesses} explained "
        f"({role.weak} weakly), {role.unexplained} unexplained, {role.forbidden} forbidden"
        + (f"; {used}" if used else "")
    )


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
