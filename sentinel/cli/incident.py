"""``sentinel incident``: read cases, their clocks and documents from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.output import json, line, pretty
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident

app = typer.Typer(help="Incidents: cases, clocks, documents.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def public(incident: Incident) -> dict[str, object]:
    """Return the state of a case as data."""
    return {
        "id": incident.id,
        "reference": incident.reference,
        "title": incident.title,
        "kind": incident.kind,
        "security": incident.security.value,
        "legal": incident.legal.value,
        "outcome": incident.outcome.value,
        "authority": incident.authority.value,
        "persons": incident.persons.value,
        "detected_at": _instant(incident.detected_at),
        "aware_at": _instant(incident.aware_at),
        "subjects": len(incident.subjects),
        "categories": list(incident.categories),
        "drill": incident.drill,
        "channel": incident.channel,
        "merged_into": incident.merged_into,
        "version": incident.version,
    }


def public_deadline(deadline: Deadline) -> dict[str, object]:
    """Return a clock as data."""
    return {
        "id": deadline.id,
        "obligation": deadline.obligation,
        "basis": deadline.basis,
        "anchor_at": isoformat(deadline.anchor_at),
        "due_at": isoformat(deadline.due_at),
        "hard": deadline.hard,
        "met_at": _instant(deadline.met_at),
        "waived_at": _instant(deadline.waived_at),
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else isoformat(value)


@app.command("list")
def list_incidents(
    context: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only cases not closed.")] = False,
    as_json: Json = False,
) -> None:
    """List cases, newest first."""
    with reading(config.load(context.obj)) as tx:
        incidents = tx.incidents.find(open_only=open_only)
    for incident in incidents:
        if as_json:
            json(public(incident))
        else:
            line(
                f"{incident.reference}  {incident.legal.value:<16} {incident.security.value:<10} "
                f"{incident.title}"
            )


@app.command("show")
def show(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    as_json: Json = False,
) -> None:
    """Show one case with its clocks and documents."""
    settings = config.load(context.obj)
    with reading(settings) as tx:
        incident = tx.incidents.get(reference)
        deadlines = tx.incidents.deadlines(incident.id)
        documents = tx.incidents.documents(incident.id)
    data = public(incident) | {
        "clocks": [public_deadline(deadline) for deadline in deadlines],
        "documents": [
            {"kind": d.kind, "language": d.language, "path": str(settings.data_dir / d.path)}
            for d in documents
        ],
    }
    (json if as_json else pretty)(data)


@app.command("clocks")
def clocks(context: typer.Context, as_json: Json = False) -> None:
    """List every open clock, the soonest first."""
    now = SystemClock().now()
    with reading(config.load(context.obj)) as tx:
        deadlines = tx.incidents.deadlines(open_only=True)
    for deadline in deadlines:
        if as_json:
            json(public_deadline(deadline))
            continue
        hours = deadline.remaining(now).total_seconds() / 3600
        line(f"{deadline.obligation:<12} due {isoformat(deadline.due_at)}  {hours:+.1f} h")
