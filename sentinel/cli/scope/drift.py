"""``sentinel scope drift``: effective permissions against the scope model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line, note
from sentinel.cli.scope.options import AsJson
from sentinel.clock import SystemClock
from sentinel.detect.scope.drift import find_drift, load_permissions
from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.errors import Exit, UsageError


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("drift")(drift)


def drift(
    context: typer.Context,
    permissions: Annotated[
        Path | None,
        typer.Option(
            help="CSV or JSON: staff, role, category, last_used; default: scope.drift.permissions."
        ),
    ] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Business facts: `employment` tells who left.")
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day; default: now.")
    ] = None,
    language: Annotated[Literal["fr", "en"] | None, typer.Option(help="Of the words.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which accounts can do too much, too little or something unknown, sleep, or should go.

    Values stay as they stand in the files; nothing is stored. Exit 1: there is a difference.
    """
    settings = config.load(context.obj)
    source = permissions or settings.scope.drift.permissions
    if source is None:
        raise UsageError("no permissions to look at", hint="--permissions FILE")
    items = find_drift(
        load_permissions(source),
        load_scope(parts.content_of(settings, "scopes")),
        FactIndex(load_facts(facts) if facts else []),
        now=at.replace(tzinfo=UTC) if at else SystemClock().now(),
        dormant_after=timedelta(days=settings.scope.drift.dormant_days),
    )
    words = language or settings.language
    for item in items:
        if as_json:
            text = {word: item.reason.text(word) for word in ("en", "fr")}
            json({**msgspec.structs.asdict(item), "reason": text})
        else:
            line(f"{item.kind.value:<16} {item.staff}: {item.reason.text(words)}")
    note(f"{len(items)} differences" if items else "no difference")
    if items:
        raise typer.Exit(int(Exit.FINDINGS))
