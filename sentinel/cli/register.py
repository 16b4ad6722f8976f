"""``sentinel register``: every breach, notified or not; and what Sentinel itself processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from sentinel import config
from sentinel.app import register as registers
from sentinel.app.art30 import art30_paper
from sentinel.app.parts import open_sealer
from sentinel.cli.approval import reads
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.domain.deadline import resolve_local
from sentinel.domain.disclosure import Disclosure
from sentinel.errors import Exit
from sentinel.store.private_file import write_new
from sentinel.store.signing import read_public_key

app = typer.Typer(help="The register of breaches (GDPR art. 33(5)).", no_args_is_help=True)

Language = Annotated[Literal["fr", "en"], typer.Option(help="Language.")]
Out = Annotated[Path, typer.Option(help="File to write; never over another.")]


@app.command("export")
def export(
    context: typer.Context,
    out: Out,
    form: Annotated[
        Literal["csv", "json", "pdf"], typer.Option("--format", help="Format of the file.")
    ] = "pdf",
    since: Annotated[str, typer.Option(help="Awareness from, ISO 8601.")] = "",
    until: Annotated[str, typer.Option(help="Awareness to, excluded.")] = "",
    language: Language = "fr",
    token_file: TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Write one row for each breach, without personal data, and its proof beside it (.sig.json)."""
    settings, now = config.load(context.obj), SystemClock().now()
    zone = settings.timezone
    with acting(settings, token_file) as (tx, actor):
        found = registers.gather(
            tx,
            settings,
            open_sealer(settings),
            actor,
            since=resolve_local(since, zone) if since else None,
            until=resolve_local(until, zone) if until else None,
            language=language,
            now=now,
        )
        made = registers.export(settings, found, form, now)
        proof = out.with_name(f"{out.name}.sig.json")
        write_new(out, made.content)
        write_new(proof, made.proof)
    if as_json:
        json({"file": str(out), "proof": str(proof), "rows": made.rows})
    else:
        line(f"{out}  {made.rows} breaches, proof {proof}")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The register.")],
    proof: Annotated[Path | None, typer.Argument(help="Its proof; default: FILE.sig.json")] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="PEM of the key that you believe; default: the proof's.")
    ] = None,
) -> None:
    """Say whether a register is the one that was exported. Exit 1: it is not."""
    key = read_public_key(content_of(public_key)) if public_key is not None else None
    beside = proof or file.with_name(f"{file.name}.sig.json")
    wrong = registers.verify(content_of(file), content_of(beside), key)
    for one in wrong:
        line(one)
    if wrong:
        raise typer.Exit(int(Exit.FINDINGS))
    line("the register is the one that was exported and signed")
    if key is None:
        note("by the key in the proof: compare it with `sentinel journal key`")


@app.command("disclosures")
def list_disclosures(context: typer.Context, token_file: TokenFile = None) -> None:
    """List what was given to police, insurers and others, one JSON object a line (R-21)."""
    with acting(config.load(context.obj), token_file) as (tx, actor):
        reads(actor)
        found = tx.records.find(Disclosure)
    for one in found:
        json(msgspec.to_builtins(one))


@app.command("art30")
def art30(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="File to write (.pdf or .md); default: standard output.")
    ] = None,
    language: Language = "fr",
) -> None:
    """Write the entry of Sentinel itself for the register of processing (GDPR art. 30).

    It is made from the settings in force and holds no case.
    """
    settings, now = config.load(context.obj), SystemClock().now()
    paper = art30_paper(settings, language, now)
    if out is None:
        line(paper.markdown().rstrip())
        return
    pdf = out.suffix == ".pdf"
    content = paper.pdf(now, settings.notifiers_path) if pdf else paper.markdown().encode()
    write_new(out, content)
    line(str(out))
