"""What belongs to a case, on the command line: timeline, tasks, evidence, sheet."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app.parts import open_sealer, reading
from sentinel.cli.casework import TokenFile, acting, plain
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.deadline import resolve_local, zone_of
from sentinel.domain.record import Assessment, Evidence, Proposal, Task
from sentinel.errors import StorageError
from sentinel.notify.clock_sheet import clock_sheet_pdf
from sentinel.respond import evidence as files
from sentinel.respond import qualify
from sentinel.respond.timeline import timeline
from sentinel.respond.workflow.gathering import add_evidence, record_access
from sentinel.store.private_file import write_new
from sentinel.web.console.i18n import load_words
from sentinel.web.console.pages import Pages
from sentinel.web.console.sheet_paper import sheet_data
from sentinel.web.console.words import word_for

Reference = Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")]
Language = Annotated[Literal["fr", "en"], typer.Option(help="Language.")]

SHEET = {
    "fr": ("Fiche des délais", "connaissance", "échéance", "UTC", "alarmes", "respecté", "levé"),
    "en": ("Clock sheet", "aware", "due", "UTC", "alarms", "met", "waived"),
}


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``incident``."""
    commands: dict[str, Callable[..., None]] = {
        "timeline": show_timeline,
        "tasks": show_tasks,
        "proposals": show_proposals,
        "qualification": show_qualification,
        "sheet": show_sheet,
        "evidence": show_evidence,
        "add-evidence": take_in,
        "export-evidence": export,
    }
    for name, command in commands.items():
        app.command(name)(command)


def show_timeline(context: typer.Context, reference: Reference) -> None:
    """Print what happened, one JSON object a line: when it occurred, when it was recorded."""
    with reading(config.load(context.obj)) as tx:
        moments = timeline(tx, tx.incidents.get(reference))
    for one in moments:
        json(one)


def show_tasks(context: typer.Context, reference: Reference) -> None:
    """Print the tasks of a case, one JSON object a line."""
    with reading(config.load(context.obj)) as tx:
        found = tx.records.find(Task, tx.incidents.get(reference).id)
    for one in found:
        json(one)


def show_proposals(context: typer.Context, reference: Reference) -> None:
    """Print what was proposed to a second person, one JSON object a line."""
    with reading(config.load(context.obj)) as tx:
        found = tx.records.find(Proposal, tx.incidents.get(reference).id)
    for one in found:
        json(one)


def show_qualification(
    context: typer.Context, reference: Reference, language: Language = "fr"
) -> None:
    """Print open questions, the score, the closest EDPB cases and the bridge, as JSON."""
    with reading(config.load(context.obj)) as tx:
        incident = tx.incidents.get(reference)
        scores = tx.records.find(Assessment, incident.id)
    score = scores[-1] if scores else None
    json(
        {
            "open": qualify.open_questions(incident),
            "answers": qualify.given(incident),
            "score": plain(score),
            "proposed_inputs": qualify.proposed_inputs(incident),
            "closest": plain(qualify.closest(incident, language)),
            "bridge": plain(qualify.bridge(incident, score, language)),
            "outcome": incident.outcome,
            "departs_from": incident.departs_from,
        }
    )


def show_sheet(
    context: typer.Context,
    reference: Reference,
    language: Language = "fr",
    pdf: Annotated[Path | None, typer.Option(help="Write it as PDF to this file.")] = None,
) -> None:
    """Print every due instant of a case on paper: local time first, UTC second."""
    settings = config.load(context.obj)
    if pdf is not None:
        _paper(settings, reference, language, pdf)
        return
    zone = zone_of(settings.timezone)
    with reading(settings) as tx:
        incident = tx.incidents.get(reference)
        clocks = tx.incidents.deadlines(incident.id)
    title, aware, due, utc, alarms, met, waived = SHEET[language]
    words = load_words(language)

    def local(instant: datetime) -> str:
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")

    line(f"{title}  {incident.reference}  {incident.title}")
    if incident.aware_at is not None:
        line(f"{aware:<14}{local(incident.aware_at)}   {utc} {isoformat(incident.aware_at)}")
    for clock in clocks:
        line(f"\n{clock.obligation}  ({words.gettext(word_for('basis', clock.basis))})")
        line(f"  {due:<12}{local(clock.due_at)}   {utc} {isoformat(clock.due_at)}")
        if clock.alarms:
            line(f"  {alarms:<12}{', '.join(local(alarm) for alarm in clock.alarms)}")
        for word, at in ((met, clock.met_at), (waived, clock.waived_at)):
            if at is not None:
                line(f"  {word:<12}{local(at)}")
        line("  ____________________________________________")


def _paper(settings: Settings, reference: str, language: str, path: Path) -> None:
    now = SystemClock().now()
    with reading(settings) as tx:
        incident = tx.incidents.get(reference)
        clocks = tx.incidents.deadlines(incident.id)
    data = sheet_data(incident, clocks, Pages(settings.timezone), language, now)
    try:
        path.write_bytes(clock_sheet_pdf(data, at=now))
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error
    line(str(path))


def show_evidence(context: typer.Context, reference: Reference) -> None:
    """Print the evidence of a case with its custody, one JSON object a line."""
    with reading(config.load(context.obj)) as tx:
        found = tx.records.find(Evidence, tx.incidents.get(reference).id)
    for one in found:
        json(one)


def take_in(
    context: typer.Context,
    reference: Reference,
    file: Annotated[Path, typer.Argument(help="The file.")],
    described: Annotated[str, typer.Option(help="What it is.")],
    acquired_at: Annotated[str, typer.Option(help="When it was taken, ISO 8601 with offset.")],
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    token_file: TokenFile = None,
) -> None:
    """Take a file in as evidence: hashed, sealed, with its first line of custody."""
    settings, now = config.load(context.obj), SystemClock().now()
    label = files.Label(
        name=file.name,
        media_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        described=described,
        source=source,
        acquired_at=resolve_local(acquired_at, ""),
    )
    content = content_of(file)
    sealer = open_sealer(settings)
    with acting(settings, token_file) as (tx, actor):
        tx.incidents.get(reference)
        taken = files.take_in(settings.data_dir, sealer, content, label=label, actor=actor, now=now)
        add_evidence(tx, actor, reference, evidence=taken, now=now)
    line(f"{taken.id}  sha256 {taken.sha256}  {taken.size} bytes")


def export(
    context: typer.Context,
    evidence_id: Annotated[str, typer.Argument(help="Id of the evidence.")],
    out: Annotated[Path, typer.Option(help="File to write; never over another.")],
    purpose: Annotated[str, typer.Option(help="What it is needed for.")],
    token_file: TokenFile = None,
) -> None:
    """Write the bytes of an evidence to a file; hashed again, with a line of custody."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        found = tx.records.get(Evidence, evidence_id)
        content, digest = files.read_out(settings.data_dir, open_sealer(settings), found)
        record_access(
            tx,
            actor,
            found,
            act="export",
            purpose=purpose,
            found_sha256=digest,
            now=SystemClock().now(),
        )
        write_new(out, content)
    intact = "unchanged" if digest == found.sha256 else "CHANGED"
    line(f"{out}  sha256 {digest}  {intact}")
