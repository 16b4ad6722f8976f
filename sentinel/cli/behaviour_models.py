"""``sentinel behaviour``: the models themselves: of staff, versions, drift, and the note."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.watching import note_of, staff_path, train_staff_from_store
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.collect.files import STDIN
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.detect.behaviour.drift import drift_of
from sentinel.detect.behaviour.model import require_extra
from sentinel.detect.behaviour.staff_train import STAFF_BUDGET
from sentinel.detect.behaviour.versions import keep_version, roll_back, versions
from sentinel.errors import Exit, UsageError

Of = Annotated[Literal["navigation", "staff"], typer.Option(help="Which model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("train-staff")(train_staff)
    app.command("drift")(drift)
    app.command("versions")(list_versions)
    app.command("rollback")(rollback)
    app.command("note")(note)


def train_staff(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=3, help="Stored days to learn from.")] = 60,
    budget: Annotated[
        float, typer.Option(help="Ordinary findings a day that are acceptable, per 100 accounts.")
    ] = STAFF_BUDGET,
    as_json: AsJson = False,
) -> None:
    """Learn what is ordinary in each role of staff from the stored events; groups under five get
    no baseline. Takes effect when the service starts next.
    """  # noqa: D205 - the help's first paragraph
    require_extra()
    settings = config.load(context.obj)
    if budget <= 0:
        raise UsageError("a budget is above zero", where="--budget")
    manifest = train_staff_from_store(settings, SystemClock(), days=days, budget=budget)
    keep_version(staff_path(settings), most=settings.behaviour.versions_kept)
    if as_json:
        json(msgspec.to_builtins(manifest))
        return
    roles = ", ".join(f"{role}: {group}" for role, group in manifest.roles.items())
    line(
        f"{manifest.acts} acts from {isoformat(manifest.window_from)} to "
        f"{isoformat(manifest.window_to)}; accounts by role: {roles}; roles without a baseline: "
        f"{manifest.left_out}; written to {staff_path(settings)}"
    )


def drift(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Recent web access logs; - is stdin.")
    ],
    format_name: Annotated[str, typer.Option("--format", help="Format, or auto.")] = AUTO,
    as_json: AsJson = False,
) -> None:
    """Compare recent navigation with what the model learnt. Exit 1: it should learn again."""
    settings = config.load(context.obj)
    reader = OfflineReader(parts.load_sources(settings), format_name=format_name)
    found = reader.read(paths or [Path(STDIN)], sys.stdin.buffer)
    report = drift_of(
        (item for item in found if not isinstance(item, UnparsedLine)), settings.model_path
    )
    if as_json:
        json(msgspec.to_builtins(report))
    else:
        line(
            f"{report.sessions} sessions against a model of {isoformat(report.model_created_at)}: "
            f"{report.word}; {report.above:.3%} above the threshold ({report.accepted:.3%} were "
            f"accepted), {report.unseen_pages:.1%} of the pages unseen"
        )
        for one in report.features:
            line(f"  {one.name:16} index {one.index:7.3f}  {one.word:8} {one.then} -> {one.now}")
        line("train it again" if report.retrain else "it may stay")
    if report.retrain:
        raise typer.Exit(int(Exit.FINDINGS))


def list_versions(context: typer.Context, of: Of = "navigation", as_json: AsJson = False) -> None:
    """List the models that can be put in force, the newest first."""
    found = versions(_folder(context, of))
    if as_json:
        json(msgspec.to_builtins(found))
        return
    for one in found:
        mark = "*" if one.current else " "
        line(f"{mark} {one.name}  {isoformat(one.window_from)} to {isoformat(one.window_to)}")


def rollback(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Version; default: the one before.")] = "",
    of: Of = "navigation",
    as_json: AsJson = False,
) -> None:
    """Put an earlier model in force. Takes effect when the service starts next."""
    chosen = roll_back(_folder(context, of), name)
    if as_json:
        json(msgspec.to_builtins(chosen))
        return
    line(f"{chosen.name} is in force; learnt until {isoformat(chosen.window_to)}")


def note(
    context: typer.Context,
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option("--lang", "--language", help="Of the note.")
    ] = None,
) -> None:
    """Write the data-protection note on behaviour from the configuration in force.

    Balance of interests and input to the impact assessment; what is missing stands in brackets.
    """
    settings = config.load(context.obj)
    today = SystemClock().now().date()
    line(note_of(settings, language or settings.language, today).rstrip())


def _folder(context: typer.Context, of: str) -> Path:
    settings = config.load(context.obj)
    return staff_path(settings) if of == "staff" else settings.model_path
