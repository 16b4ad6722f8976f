"""``sentinel calendar``: what comes back by the calendar, what was done, and what proves it."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import __version__, config
from sentinel.app.obligations import local_day
from sentinel.app.parts import reading
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.recurring import Standing, State
from sentinel.errors import Exit, InvalidInstant
from sentinel.legal.obligations import in_force
from sentinel.respond import obligations

app = typer.Typer(help="The calendar of obligations.", no_args_is_help=True)

Language = Annotated[Literal["fr", "en"], typer.Option(help="Language.")]


@app.command("list")
def list_obligations(
    context: typer.Context,
    overdue: Annotated[bool, typer.Option(help="Only what is overdue; exit 1 if anything is.")] = (
        False
    ),
    language: Language = "fr",
    as_json: Annotated[bool, typer.Option("--json", help="Print as NDJSON.")] = False,
) -> None:
    """List what is due when, the most urgent first."""
    found = _standings(config.load(context.obj))
    shown = [one for one in found if one.state is State.OVERDUE or not overdue]
    for one in shown:
        if as_json:
            json(public(one))
        else:
            last = one.last.done_on.isoformat() if one.last else "-"
            title = one.obligation.title(language)
            line(f"{one.due}  {one.state:<8} {last:<11} {one.obligation.id:<18} {title}")
    if overdue and shown:
        raise typer.Exit(int(Exit.FINDINGS))


@app.command("done")
def done(
    context: typer.Context,
    obligation: Annotated[str, typer.Argument(help="Id of the obligation.")],
    evidence: Annotated[Path, typer.Option(help="File that proves it; its SHA-256 is recorded.")],
    on: Annotated[str, typer.Option(help="Day on which it was done; default: today.")] = "",
    note: Annotated[str, typer.Option(help="What was found.")] = "",
    token_file: TokenFile = None,
) -> None:
    """Record that an obligation was met. The file stays with you: keep it as long as the record."""
    settings, now = config.load(context.obj), SystemClock().now()
    today = local_day(settings, now)
    wanted = obligations.named(in_force(today, settings.calendar.file), obligation)
    digest = _sha256(evidence)
    with acting(settings, token_file) as (tx, actor):
        made = obligations.complete(
            tx,
            actor,
            wanted,
            done_on=_day(on) if on else today,
            proof=evidence.name,
            sha256=digest,
            now=now,
            note=note,
        )
    line(f"{wanted.id} done on {made.done_on}, next by {wanted.after(made.done_on)}")
    line(f"{evidence.name}  sha256 {digest}")


@app.command("ics")
def ics(context: typer.Context, language: Language = "fr") -> None:
    """Print the due days as iCalendar (RFC 5545), to be subscribed to or imported."""
    found = _standings(config.load(context.obj))
    line(icalendar(found, language, SystemClock().now()).rstrip())


def icalendar(found: list[Standing], language: str, now: datetime) -> str:
    """Return a calendar of all-day events with a reminder each; no person stands in it."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Sentinel//{__version__}//EN"]
    for one in found:
        day, after = one.due, one.due + timedelta(days=1)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.obligation.id}-{day.isoformat()}@sentinel.invalid",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{day.strftime('%Y%m%d')}",
            f"DTEND;VALUE=DATE:{after.strftime('%Y%m%d')}",
            f"SUMMARY:{_escaped(one.obligation.title(language))}",
            f"DESCRIPTION:{_escaped(one.obligation.basis)}",
            "TRANSP:TRANSPARENT",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{_escaped(one.obligation.title(language))}",
            f"TRIGGER:-P{one.obligation.lead_days}D",
            "END:VALARM",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for full in lines for part in _folded(full))


def public(one: Standing) -> dict[str, object]:
    """Return a line of the calendar as data."""
    return {
        "id": one.obligation.id,
        "fr": one.obligation.fr,
        "en": one.obligation.en,
        "owner": one.obligation.owner.value,
        "basis": one.obligation.basis,
        "every": one.obligation.every,
        "due": one.due.isoformat(),
        "state": one.state.value,
        "last": one.last.done_on.isoformat() if one.last else None,
        "sha256": one.last.sha256 if one.last else None,
    }


def _standings(settings: Settings) -> list[Standing]:
    today = local_day(settings, SystemClock().now())
    recurring = in_force(today, settings.calendar.file)
    with reading(settings) as tx:
        return obligations.look(tx, recurring, today, set_on=settings.calendar.since)


def _escaped(text: str) -> str:
    """Escape a text (RFC 5545, section 3.3.11)."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(full: str) -> list[str]:
    """Fold a line into parts of at most 75 octets (RFC 5545, section 3.1)."""
    parts, part = [], ""
    for character in full:
        if len((part + character).encode()) > 75:  # noqa: PLR2004
            parts.append(part)
            part = " "
        part += character
    return [*parts, part]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInstant(f"{text!r} is no day", hint="2026-03-02") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(content_of(path)).hexdigest()
