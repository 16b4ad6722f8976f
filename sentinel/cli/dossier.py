"""``sentinel dossier``: from the case record to what a person files, and the proof of it."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.dossier_verify import verify
from sentinel.app.dossiers import Dossiers, Ready
from sentinel.app.parts import open_sealer
from sentinel.cli import dossier_filing, dossier_notices
from sentinel.cli.affected import desk_of
from sentinel.cli.approval import AsJson, Reference, reads
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.affected import Affected
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import FilingKind, Incident
from sentinel.errors import Exit
from sentinel.notify.dossier_check import Gap
from sentinel.respond.filing import frozen_of
from sentinel.store.private_file import write_new
from sentinel.store.signing import read_public_key

app = typer.Typer(help="The notification to the authority (GDPR art. 33).", no_args_is_help=True)

Kind = Annotated[FilingKind, typer.Option(help="initial, complement, complete (final), withdraw.")]


class Lang(StrEnum):
    """Which PDF is written."""

    FR = "fr"
    EN = "en"
    BOTH = "both"


DossierId = Annotated[str, typer.Option("--dossier", help="Id of a frozen dossier; default: last.")]
dossier_filing.register(app)
dossier_notices.register(app)


@app.command("check")
def check(
    context: typer.Context,
    reference: Reference,
    kind: Kind = FilingKind.INITIAL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what still stands against filing, each with the paragraph of art. 33(3) it misses.

    Exit 1: something does. An unknown answer with an owner and a date is none (art. 33(4)).
    """
    ready = _ready(config.load(context.obj), token_file, reference, kind, render=False)
    dossier, gaps = ready.dossier, ready.gaps
    if as_json:
        json(
            {
                "reference": dossier.reference,
                "kind": dossier.kind,
                "late": dossier.late,
                "due": dossier.due_strict,
                "gaps": [_public_gap(gap) for gap in gaps],
                "unknown": list(dossier.unknown),
                "changes": [change.field for change in dossier.changes],
            }
        )
    else:
        for gap in gaps:
            line(f"{gap.paragraph or '-':<10} {gap.field:<22} {gap.message_en}")
        line(f"{len(gaps)} to mend, {len(dossier.unknown)} answers to follow (art. 33(4))")
    if gaps:
        raise typer.Exit(int(Exit.FINDINGS))


@app.command("freeze")
def freeze(
    context: typer.Context,
    reference: Reference,
    kind: Kind = FilingKind.INITIAL,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Freeze and sign the dossier as it is now: what is approved, copied and filed."""
    settings = config.load(context.obj)
    ready = _ready(settings, token_file, reference, kind)
    dossiers = Dossiers(settings, open_sealer(settings))
    with acting(settings, token_file) as (tx, actor):
        kept = dossiers.freeze(tx, actor, ready, SystemClock().now())
    if not kept.signature:
        note("not signed: keys.anchor is not set")
    _say(kept, as_json=as_json)


@app.command("list")
def list_dossiers(
    context: typer.Context,
    reference: Reference,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List the frozen dossiers of a case, oldest first."""
    settings = config.load(context.obj)
    with acting(settings, token_file) as (tx, actor):
        reads(actor)
        found = tx.records.find(FrozenDossier, tx.incidents.get(reference).id)
    for one in found:
        _say(one, as_json=as_json)


@app.command("export")
def export(
    context: typer.Context,
    reference: Reference,
    out: Annotated[Path, typer.Option(help="Folder to write to; never over another file.")],
    dossier: DossierId = "",
    lang: Annotated[
        Lang, typer.Option(help="PDF to write: fr (what is filed), en (a reading copy), both.")
    ] = Lang.BOTH,
    token_file: TokenFile = None,
) -> None:
    """Write a frozen dossier: JSON, signature, PDF in French and English, DPV, the EDPB's draft.

    The French PDF is what is copied and filed; the English one is to be read. A late dossier
    leaves only with the reasons for the delay.
    """
    settings = config.load(context.obj)
    dossiers = Dossiers(settings, open_sealer(settings))
    with acting(settings, token_file) as (tx, actor):
        record = frozen_of(tx, reference, dossier)
        files = dossiers.hand_out(tx, actor, record, SystemClock().now())
    if lang is Lang.EN:
        files = [one for one in files if one.part != "pdf"]
    if lang is not Lang.FR:
        files.append(dossiers.reading_copy(record, files))
    for one in files:
        write_new(out / one.name, one.content)
        line(str(out / one.name))


@app.command("verify")
def verify_files(
    file: Annotated[Path, typer.Argument(help="The dossier: ...json")],
    signature: Annotated[Path, typer.Argument(help="Its signature: ...sig.json")],
    public_key: Annotated[
        Path | None,
        typer.Option(help="PEM of the key that you believe; default: the one in the signature."),
    ] = None,
) -> None:
    """Say whether a dossier is the one that was frozen. Exit 1: it is not."""
    key = read_public_key(content_of(public_key)) if public_key is not None else None
    wrong = verify(content_of(file), content_of(signature), key)
    for one in wrong:
        line(one)
    if wrong:
        raise typer.Exit(int(Exit.FINDINGS))
    line("the dossier is the one that was frozen and signed")
    if key is None:
        note("by the key beside the signature: compare it with `sentinel journal key`")


def _ready(
    settings: Settings,
    token_file: TokenFile,
    reference: str,
    kind: FilingKind,
    *,
    render: bool = True,
) -> Ready:
    """Return the dossier as the case and the stored events answer it now."""
    dossiers, now = Dossiers(settings, open_sealer(settings)), SystemClock().now()
    with acting(settings, token_file) as (tx, actor):
        reads(actor)
        seen = dossiers.look(tx, reference)
    built = dossiers.build(seen, kind, _counted(settings, seen.incident), now)
    return dossiers.ready(seen, built, actor, now, render=render)


def _counted(settings: Settings, incident: Incident) -> Affected | None:
    if incident.affected is not None:
        return incident.affected
    with desk_of(settings) as (desk, _):
        question = asyncio.run(desk.question(incident))
        return asyncio.run(desk.count(question)) if question is not None else None


def _public_gap(gap: Gap) -> dict[str, str]:
    return {
        "field": gap.field,
        "paragraph": gap.paragraph,
        "fr": gap.message_fr,
        "en": gap.message_en,
    }


def _say(one: FrozenDossier, *, as_json: bool) -> None:
    if as_json:
        json(
            {
                "id": one.id,
                "kind": one.kind.value,
                "frozen_at": isoformat(one.created_at),
                "sha256": one.sha256,
                "key_id": one.key_id,
                "late": one.late,
                "unknown": one.unknown,
            }
        )
        return
    line(f"{one.id}  {one.kind}  {isoformat(one.created_at)}")
    line(f"  sha256 {one.sha256}  {one.unknown} answers to follow{'  LATE' if one.late else ''}")
