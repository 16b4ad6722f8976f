"""``sentinel behaviour``: the navigation model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line
from sentinel.clock import isoformat
from sentinel.collect.files import STDIN
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.detect.behaviour.train import BUDGET, train
from sentinel.domain.event import Event

app = typer.Typer(help="The model of ordinary navigation.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `train` a subcommand while it is the only one."""


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
    if as_json:
        json(msgspec.to_builtins(manifest))
        return
    line(
        f"{manifest.sessions} sessions from {isoformat(manifest.window_from)} to "
        f"{isoformat(manifest.window_to)}, threshold {manifest.threshold:.2f}, "
        f"written to {settings.model_path}"
    )


def _events(reader: OfflineReader, paths: list[Path]) -> Iterator[Event]:
    for item in reader.read(paths or [Path(STDIN)], sys.stdin.buffer):
        if not isinstance(item, UnparsedLine):
            yield item
