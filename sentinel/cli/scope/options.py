"""Options that several commands of ``sentinel scope`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Logs = Annotated[list[Path], typer.Argument(help="Log files or folders.")]
Facts = Annotated[Path, typer.Option(help="Folder or file of business facts (CSV, JSON, NDJSON).")]
Format = Annotated[str, typer.Option("--format", help="Format of the lines, or auto.")]
Profile = Annotated[str, typer.Option(help="Source profile; default: chosen by format.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def percent(share: float | None) -> str:
    """Return a share in percent; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"
