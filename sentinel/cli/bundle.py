"""``sentinel bundle``: the evidence bundle of a case, to be verified without Sentinel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.bundle.pack import make_bundle
from sentinel.app.parts import open_sealer
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.errors import Exit, StorageError
from sentinel.respond.anchoring import write_anchor
from sentinel.store.private_file import write_new


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bundle")(bundle)


def bundle(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    out: Annotated[Path, typer.Option(help="Zip file to write; never over another.")],
    purpose: Annotated[str, typer.Option(help="For whom, and why; it goes into the journal.")],
    token_file: TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Write documents, custody, journal extract, anchors and a verifier into one signed zip.

    Exit 1: something of the case is missing or was altered in our own store; the bundle says what.
    """
    settings = config.load(context.obj)
    if out.exists():
        raise StorageError("the file exists already", where=str(out))
    with acting(settings, token_file) as (tx, actor):
        made = make_bundle(
            tx,
            settings,
            open_sealer(settings),
            actor=actor,
            reference=reference,
            purpose=purpose,
            now=SystemClock().now(),
        )
    write_anchor(settings.anchor_path, made.anchor)
    write_new(out, made.content)
    if as_json:
        json({"file": str(out), "sha256": made.sha256, "files": made.files, "wrong": made.wrong})
    else:
        line(f"{out}  sha256 {made.sha256}  {made.files} files")
    for one in made.wrong:
        note(one)
    if made.wrong:
        raise typer.Exit(int(Exit.FINDINGS))
