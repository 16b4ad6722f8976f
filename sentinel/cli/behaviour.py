"""``sentinel behaviour``: the navigation model."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli import behaviour_models
from sentinel.cli.output import json, line
from sentinel.cli.scan import public
from sentinel.clock import isoformat
from sentinel.collect.files import STDIN
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.detect.behaviour.evaluate import Evaluation
from sentinel.detect.behaviour.evaluate_words import report_lines
from sentinel.detect.behaviour.labelled import open_dataset
from sentinel.detect.behaviour.model import require_extra
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.offline import findings_in
from sentinel.detect.behaviour.train import BUDGET, train
from sentinel.detect.behaviour.versions import keep_version
from sentinel.domain.event import Event
from sentinel.errors import Exit, UsageError

COUNTS = (
    "scored",
    "evicted",
    "lost",
    "unscorable",
    "late_events",
    "cut_events",
    "cut_findings",
    "restarts",
)

app = typer.Typer(help="The model of ordinary navigation.", no_args_is_help=True)
behaviour_models.register(app)


@app.command("train")
def train_model(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Web access logs of ordinary days.")
    ],
    format_name: Annotated[str, typer.Option("--format", help="Format, or auto.")] = AUTO,
    budget: Annotated[
        float, typer.Option(help="False findings a day that are acceptable.")
    ] = BUDGET,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Learn ordinary navigation from web access logs; `sentinel run` then scores sessions."""
    settings = config.load(context.obj)
    reader = OfflineReader(parts.load_sources(settings), format_name=format_name)
    manifest = train(_events(reader, paths), settings.model_path, budget=budget)
    keep_version(settings.model_path, most=settings.behaviour.versions_kept)
    if as_json:
        json(msgspec.to_builtins(manifest))
        return
    line(
        f"{manifest.sessions} sessions from {isoformat(manifest.window_from)} to "
        f"{isoformat(manifest.window_to)}, threshold {manifest.threshold:.2f}, "
        f"written to {settings.model_path}"
    )


@app.command("eval")
def evaluate_model(
    context: typer.Context,
    dataset: Annotated[
        Path, typer.Argument(help="A folder with train/ and test/ logs and labels.ndjson.")
    ],
    format_name: Annotated[str, typer.Option("--format", help="Format, or auto.")] = AUTO,
    budget: Annotated[int, typer.Option(help="Findings told a day at most.")] = 20,
    window: Annotated[
        float | None,
        typer.Option(help="Longest session in minutes; 24 hours where there are enough."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
    compare: Annotated[
        bool, typer.Option(help="Also judge by single detectors, on the same features.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Learn from a data set's training logs, judge its test logs, and count with its labels."""
    require_extra()
    if budget <= 0 or (window is not None and window <= 0):
        raise UsageError("a budget and a window are above zero", where="--budget, --window")
    settings = config.load(context.obj)
    profiles = parts.load_sources(settings)

    def read(path: Path) -> Iterator[Event]:
        return _events(OfflineReader(profiles, format_name=format_name), [path])

    longest = None if window is None else timedelta(minutes=window)
    evaluation = Evaluation(open_dataset(dataset), read, seed=seed, window=longest)
    report = evaluation.report(budget, compare=compare)
    if as_json:
        json(msgspec.to_builtins(report))
        return
    for text in report_lines(report):
        line(text)


@app.command("score")
def score_logs(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(readable=False, help="Web access logs; - is standard input.")
    ],
    format_name: Annotated[str, typer.Option("--format", help="Format, or auto.")] = AUTO,
    findings_per_day: Annotated[
        int | None, typer.Option(min=1, help="Findings told a day at most; default: the setting.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Findings and the closing counts as JSON lines.")
    ] = False,
) -> None:
    """Score the sessions of log files with the trained model. Exit 0: no finding, 1: some.

    The closing counts say what was cut by the budget, evicted, late or lost.
    """
    settings = config.load(context.obj)
    if findings_per_day is not None:
        chosen = settings.behaviour.model_copy(update={"findings_per_day": findings_per_day})
        settings = settings.model_copy(update={"behaviour": chosen})
    watch = parts.behaviour_watch(settings)
    reader = OfflineReader(parts.load_sources(settings), format_name=format_name)
    found = asyncio.run(_tell(watch, _events(reader, paths), settings.language, as_json=as_json))
    health = msgspec.to_builtins(watch.health)
    counts = {name: value for name, value in health.items() if name in COUNTS}
    closing = {"lines": reader.lines, "unparsed": reader.unparsed, "findings": found, **counts}
    if as_json:
        json({"summary": closing})
    else:
        line(", ".join(f"{name}: {value}" for name, value in closing.items()))
    if found:
        raise typer.Exit(int(Exit.FINDINGS))


async def _tell(watch: Behaviour, events: Iterator[Event], language: str, *, as_json: bool) -> int:
    found = 0
    async for finding in findings_in(events, watch):
        found += 1
        if as_json:
            json(public(finding))
        else:
            reasons = "; ".join(reason.text(language) for reason in finding.reasons)
            line(f"{isoformat(finding.time)} {finding.actor} ({finding.event_count}) {reasons}")
    return found


def _events(reader: OfflineReader, paths: list[Path]) -> Iterator[Event]:
    for item in reader.read(paths or [Path(STDIN)], sys.stdin.buffer):
        if not isinstance(item, UnparsedLine):
            yield item
