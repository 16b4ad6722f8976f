"""``sentinel dossier``: our notice as processor, extracts for police or insurer, documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app import notices
from sentinel.app.approving import open_approvals
from sentinel.app.notices import Demand
from sentinel.app.parts import open_sealer
from sentinel.cli.approval import AsJson, Reference, reads
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.disclosure import Recipient
from sentinel.notify.notice_facts import Part
from sentinel.respond.filing import guard_document
from sentinel.store.private_file import write_new

Out = Annotated[Path, typer.Option(help="File to write; never over another.")]
Language = Annotated[Literal["fr", "en"], typer.Option(help="Language.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``dossier``."""
    app.command("processor-notice")(draft_notice)
    app.command("extract")(draft_extract)
    app.command("disclose")(disclose)
    app.command("document")(document)


def draft_notice(
    context: typer.Context,
    reference: Reference,
    controller: Annotated[str, typer.Option(help="The controller who is told.")],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Draft our notice to a controller (GDPR art. 33(2)) in French and English."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        found, clock = notices.draft_processor_notice(
            tx,
            settings,
            open_sealer(settings),
            actor,
            reference,
            controller=controller,
            now=SystemClock().now(),
        )
    for one in found:
        if as_json:
            json({"id": one.id, "name": one.name, "sha256": one.sha256})
        else:
            line(f"{one.id}  {one.name}")
    if clock is not None:
        note(f"due {isoformat(clock.due_at)} ({clock.basis})")


def draft_extract(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    reference: Reference,
    to: Annotated[Recipient, typer.Option(help="police, insurer or other.")],
    name: Annotated[str, typer.Option(help="Who exactly.")],
    request: Annotated[str, typer.Option(help="What demands it, with its reference.")],
    basis: Annotated[str, typer.Option(help="By which law, or which clause of the policy.")],
    part: Annotated[
        list[Part] | None, typer.Option(help="What was asked for; repeatable. Default: least.")
    ] = None,
    language: Language = "fr",
    token_file: TokenFile = None,
) -> None:
    """Prepare a minimal extract; `approval ask` on its document, then `dossier disclose`."""
    settings = config.load(context.obj)
    demand = Demand(recipient=to, name=name, request=request, basis=basis, parts=tuple(part or ()))
    with acting(settings, token_file) as (tx, actor):
        made = notices.draft_extract(
            tx,
            settings,
            open_sealer(settings),
            actor,
            reference,
            demand,
            language=language,
            now=SystemClock().now(),
        )
    json({"disclosure": made.id, "document": made.document, "sha256": made.sha256})


def disclose(
    context: typer.Context,
    disclosure: Annotated[str, typer.Argument(help="Id of the prepared disclosure.")],
    out: Out,
    token_file: TokenFile = None,
) -> None:
    """Hand out an extract that a second person approved; it stands in the register then."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        _, content = notices.hand_out_extract(
            tx,
            settings,
            open_sealer(settings),
            open_approvals(settings),
            actor,
            disclosure,
            now=SystemClock().now(),
        )
        write_new(out, content)
    line(str(out))


def document(
    context: typer.Context,
    reference: Reference,
    document_id: Annotated[str, typer.Argument(help="Id of a document of the case.")],
    out: Out,
    token_file: TokenFile = None,
) -> None:
    """Write a document of a case to a file: on disk it lies sealed."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        reads(actor)
        now = SystemClock().now()
        found, content = notices.document_bytes(
            tx, settings, open_sealer(settings), reference, document_id
        )
        guard_document(tx, found, now)
        tx.journal.append(
            occurred_at=now,
            actor=actor.id,
            action="document.exported",
            object_id=found.incident_id,
            payload={"document": found.id, "sha256": found.sha256},
        )
        write_new(out, content)
    line(str(out))
