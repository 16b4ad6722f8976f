"""``sentinel blind``: the ledger of when Sentinel did not see, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain import blind_words
from sentinel.domain.blind import BlindWindow, spans
from sentinel.domain.deadline import resolve_local

Instant = Annotated[str | None, typer.Option(help="2026-03-02T10:30, in `timezone`.")]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("blind")(blind)


def blind(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Option(help="Only this source, and what concerns all of them.")
    ] = None,
    since: Instant = None,
    until: Instant = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what goes on.")] = False,
    language: Annotated[str | None, typer.Option(help="fr or en; default: `language`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON, one a line.")] = False,
) -> None:
    """Print the blind windows, oldest first: cause, source, from, to, and what each means."""
    settings = config.load(context.obj)
    now = SystemClock().now()
    with reading(settings) as tx:
        found = tx.blind.find(
            since=_instant(since, settings),
            until=_instant(until, settings),
            open_only=open_only,
            limit=100_000,
        )
    windows = [w for w in reversed(found) if source is None or w.source in (source, "")]
    words = language if language in ("fr", "en") else settings.language
    for window in windows:
        if as_json:
            json(blind_words.record(window))
        else:
            line(_told(window, words))
    total = sum((end - begin for begin, end in spans(windows, now)), start=now - now)
    note(f"{len(windows)} windows, {int(total.total_seconds())} s in all (overlaps counted once)")


def _told(window: BlindWindow, language: str) -> str:
    end = isoformat(window.end) if window.end else "…"
    counted = f"  ({window.count})" if window.count else ""
    return (
        f"{isoformat(window.begin)}  {end}  {window.cause.value:<20} "
        f"{blind_words.source_name(window, language)}{counted}  "
        f"{blind_words.title(window.cause, language)}: "
        f"{blind_words.meaning(window.cause, language)}"
    )


def _instant(text: str | None, settings: Settings) -> datetime | None:
    return None if text is None else resolve_local(text, settings.timezone).astimezone(UTC)
