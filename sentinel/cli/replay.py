"""``sentinel replay`` and ``sentinel dead-letters``: lines that were not understood, read again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.replay import opened_line, replay, waiting
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.dead_letter import DeadLetter, LetterKind, LetterState
from sentinel.domain.deadline import resolve_local
from sentinel.errors import Exit
from sentinel.obs import log

Source = Annotated[str | None, typer.Option(help="Only this source.")]
Since = Annotated[
    str | None, typer.Option(help="Received at or after: 2026-03-02T10:30, in `timezone`.")
]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("replay")(replay_letters)
    app.command("dead-letters")(list_letters)


def replay_letters(
    context: typer.Context,
    source: Source = None,
    since: Since = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be understood; change nothing.")
    ] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the letters, as `sentinel dead-letters` does.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read dead letters again by the formats and profiles of today; feed what is understood now.

    Each letter is fed once, with the time at which it came. Exit 1: some are still not understood.
    """
    settings = config.load(context.obj)
    log.configure("error")
    if list_only:
        _list(settings, source, _instant(since, settings), as_json=as_json, clear=False)
        return
    done = asyncio.run(
        replay(settings, source=source, since=_instant(since, settings), dry_run=dry_run)
    )
    understood, left = done.read.understood.total(), done.read.reasons.total()
    if as_json:
        json(
            {
                "understood": dict(done.read.understood),
                "not_understood": [
                    {"source": name, "reason": reason, "letters": count}
                    for (name, reason), count in done.read.reasons.most_common()
                ],
                "kept": done.kept,
                "fed": done.fed,
                "fed_by": "service" if done.service_runs else "this command",
                "dry_run": dry_run,
            }
        )
    else:
        for name, count in sorted(done.read.understood.items()):
            line(f"{name}: {count} understood now")
        for (name, reason), count in done.read.reasons.most_common():
            line(f"{name}: {count} still not understood: {reason}")
        if dry_run:
            note(f"{understood} would be fed, {left} would stay; nothing was changed")
        elif done.service_runs:
            note(f"{done.kept} letters handed to the running service, which takes them in at once")
        else:
            note(f"{done.fed} events fed to the spool; the service judges them when it starts")
    if left:
        raise typer.Exit(int(Exit.FINDINGS))


def list_letters(
    context: typer.Context,
    source: Source = None,
    since: Since = None,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Show the lines; this is written into the journal."),
    ] = False,
    as_json: Json = False,
) -> None:
    """List dead letters, oldest first, without their content."""
    settings = config.load(context.obj)
    _list(settings, source, _instant(since, settings), as_json=as_json, clear=clear)


def _list(
    settings: Settings, source: str | None, since: datetime | None, *, as_json: bool, clear: bool
) -> None:
    sealer = parts.open_sealer(settings)
    if clear:
        _note_reading(settings, source)
    for letter in waiting(settings, source=source, since=since):
        shown = clear and letter.kind is LetterKind.LINE and letter.state is LetterState.WAITING
        content = opened_line(letter, sealer) if shown else None
        if as_json:
            json(_public(letter) | ({"line": content} if content is not None else {}))
            continue
        line(
            f"{isoformat(letter.received)}  {letter.source}  {letter.state.value:<8}  {letter.id}  "
            f"{letter.reason}"
        )
        if content is not None:
            line(f"    {content}")


def _note_reading(settings: Settings, source: str | None) -> None:
    """Lines may hold personal data: who reads them leaves a trace (promise R-15)."""
    with parts.reading(settings) as tx:
        tx.journal.append(
            occurred_at=SystemClock().now(),
            actor="cli",
            action="dead_letters.read",
            object_id="dead_letters",
            payload={"source": source or ""},
        )


def _public(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "source": letter.source,
        "kind": letter.kind.value,
        "state": letter.state.value,
        "reason": letter.reason,
        "received": isoformat(letter.received),
        "expires": isoformat(letter.expires),
        "replayed_at": isoformat(letter.replayed_at) if letter.replayed_at else None,
        "event": letter.event_id,
    }


def _instant(text: str | None, settings: Settings) -> datetime | None:
    return None if text is None else resolve_local(text, settings.timezone).astimezone(UTC)
