"""``sentinel dossier record``: what a person filed on the portal, with its proof."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.approving import open_approvals
from sentinel.app.parts import open_sealer
from sentinel.cli.approval import AsJson, Reference
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.domain.deadline import resolve_local
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import FilingKind
from sentinel.domain.record import Evidence
from sentinel.respond import evidence as files
from sentinel.respond import filing
from sentinel.respond.workflow.gathering import add_evidence
from sentinel.store.ports import CaseTx


def register(app: typer.Typer) -> None:
    """Add the command to the group ``dossier``."""
    app.command("record")(record)


def record(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    reference: Reference,
    number: Annotated[str, typer.Option(help="Number on the receipt.")],
    filed_at: Annotated[str, typer.Option(help="When it was filed, ISO 8601 with offset.")],
    receipt: Annotated[
        Path | None, typer.Option(help="The receipt, kept as evidence with its SHA-256.")
    ] = None,
    dossier: Annotated[
        str, typer.Option(help="Id of the frozen dossier that was copied; 'none': another one.")
    ] = "",
    kind: Annotated[
        FilingKind | None, typer.Option(help="Kind of filing; default: that of the dossier.")
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Record a filing that was made: number, instant, receipt. Always possible.

    What it lacks (reasons for a delay, a second person) becomes a task that blocks closing.
    """
    settings, now = config.load(context.obj), SystemClock().now()
    content = _receipt(receipt)
    with acting(settings, token_file) as (tx, actor):
        found = _copied(tx, reference, dossier, kind)
        taken: Evidence | None = None
        if receipt is not None and content is not None:
            label = files.Label(
                name=receipt.name,
                media_type=mimetypes.guess_type(receipt.name)[0] or "application/octet-stream",
                described=f"Receipt {number} of the authority",
                source="portal of the authority",
                acquired_at=now,
            )
            sealer = open_sealer(settings)
            taken = files.take_in(
                settings.data_dir, sealer, content, label=label, actor=actor, now=now
            )
            add_evidence(tx, actor, reference, evidence=taken, now=now)
        changed = filing.record(
            tx,
            actor,
            reference,
            approvals=open_approvals(settings),
            kind=(kind or (found.kind if found else FilingKind.INITIAL)).value,
            number=number,
            filed_at=resolve_local(filed_at, ""),
            now=now,
            dossier=found,
            receipt=taken,
        )
        waits = sorted(
            one.obligation
            for one in tx.incidents.deadlines(changed.id, open_only=True)
            if one.obligation in ("LATE-REASONS", "FILING-APPROVAL")
        )
    told = {
        "reference": changed.reference,
        "authority": changed.authority.value,
        "number": number,
        "dossier": found.id if found else "",
        "receipt": taken.id if taken else "",
        "receipt_sha256": taken.sha256 if taken else "",
        "blocks_closing": waits,
    }
    if as_json:
        json(told)
    else:
        line(f"{changed.reference}  authority {changed.authority}  number {number}")
    for one in waits:
        note(f"{one} is open and blocks closing")


def _copied(
    tx: CaseTx, reference: str, dossier: str, kind: FilingKind | None
) -> FrozenDossier | None:
    """Return the dossier that was filed: the one named, or the newest that no filing names yet."""
    if dossier == "none":
        return None
    if dossier:
        return filing.frozen_of(tx, reference, dossier)
    incident = tx.incidents.get(reference)
    filed = {one.dossier for one in incident.filings}
    left = [
        one
        for one in tx.records.find(FrozenDossier, incident.id)
        if one.id not in filed and kind in (None, one.kind)
    ]
    return left[-1] if left else None


def _receipt(path: Path | None) -> bytes | None:
    return content_of(path) if path is not None else None
