"""``sentinel journal``: the hash-chained journal, its anchors, its purge."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app.duties import signer_of
from sentinel.app.parts import operator, reading
from sentinel.cli.given_file import content_of
from sentinel.cli.journal_stamps import check_stamps
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.anchor import Anchor
from sentinel.domain.journal import Break
from sentinel.errors import ConfigError, Exit, UnreadableFile
from sentinel.respond import anchoring
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.signing import AnchorSigner, PublicKey, read_public_key, signed_by

app = typer.Typer(help="The hash-chained journal.", no_args_is_help=True)

LEAST_REASON = 10
Reason = Annotated[str, typer.Option(help="Why, in a sentence; it goes into the journal.")]


@app.command("verify")
def verify_chain(
    context: typer.Context,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(help="Anchor file, or a folder of them, kept elsewhere; repeatable."),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="PEM of the key that signed them; default: our own.")
    ] = None,
    timestamp_roots: Annotated[
        Path | None,
        typer.Option(help="PEM of who issues time-stamps; default: journal.timestamp_roots."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check every line against its hash, the line before and anchors; name what does not fit.

    Without --anchor the anchors in the database are used: they show mistakes, and a forger who
    holds no signing key. Exit 1: something does not fit.
    """
    settings = config.load(context.obj)
    public = _public(settings, public_key)
    given = [_read_anchor(path) for path in _files(anchor or [])]
    with reading(settings) as tx:
        anchors = given or (tx.journal.anchors() if public else [])
        forged = [one for one in anchors if public is None or not signed_by(one, public)]
        verdict = check(all_lines(tx), [one for one in anchors if one not in forged])
    stamps = check_stamps(anchors, settings, timestamp_roots)
    breaks = [
        *verdict.breaks,
        *(Break(one.last_seq, _unsigned(one, public)) for one in forged),
        *stamps.breaks,
    ]
    if as_json:
        json(
            {
                "lines": verdict.lines,
                "anchors": verdict.anchors,
                "timestamps": stamps.good,
                "breaks": breaks,
            }
        )
    else:
        for found in breaks:
            line(f"line {found.seq}: {found.reason}")
        told = "the chain holds" if not breaks else f"{len(breaks)} breaks"
        line(f"{verdict.lines} lines, {verdict.anchors} anchors, {told}")
        if stamps.told:
            note(stamps.told)
        if not given:
            note("no anchor from elsewhere: a cut tail or a rewritten chain may not show")
    if breaks:
        raise typer.Exit(int(Exit.FINDINGS))


@app.command("anchor")
def make_anchor(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="Folder to write it to as well.")] = None,
) -> None:
    """Anchor the chain as it stands now, signed; print where the anchor was written."""
    settings = config.load(context.obj)
    signer = _signer(settings)
    now = SystemClock().now()
    with reading(settings) as tx:
        made = anchoring.anchor_by_hand(tx, now, signer.sign, actor=operator())
        known = tx.journal.anchors()
    if made is None:
        note("nothing new since the last anchor")
    if known:
        for folder in [settings.anchor_path, *([out] if out else [])]:
            line(str(anchoring.write_anchor(folder, known[-1])))


@app.command("public-key")
def public_key(context: typer.Context) -> None:
    """Print the public key of the anchors (PEM): give it to whoever keeps them."""
    line(_signer(config.load(context.obj)).public_pem().rstrip())


@app.command("purge")
def purge(
    context: typer.Context,
    older_than_days: Annotated[int, typer.Option(min=30, help="Payloads recorded before that.")],
    reason: Reason,
) -> None:
    """Drop old payloads inside anchored segments; lines, hashes and anchors stay."""
    _check_reason(reason)
    now = SystemClock().now()
    before = now - timedelta(days=older_than_days)
    with reading(config.load(context.obj)) as tx:
        dropped = anchoring.purge(
            tx, recorded_before=before, actor=operator(), reason=reason, now=now
        )
    line(f"{dropped} payloads recorded before {isoformat(before)} are gone")


@app.command("destroy-key")
def destroy_key(
    context: typer.Context,
    object_id: Annotated[str, typer.Argument(help="Reference of a closed case, or an id.")],
    reason: Reason,
) -> None:
    """Make what the journal says of one object unreadable for ever; the chain still verifies."""
    _check_reason(reason)
    with reading(config.load(context.obj)) as tx:
        known = next((one for one in tx.incidents.find(limit=10_000) if one.reference == object_id),
                     None)  # fmt: skip
        if known is not None and known.closed_at is None:
            raise ConfigError(f"{object_id} is not closed: its journal is still needed")
        gone = anchoring.destroy_key(
            tx,
            known.id if known else object_id,
            actor=operator(),
            reason=reason,
            now=SystemClock().now(),
        )
    line("the key is destroyed" if gone else "there was no key")
    if not gone:
        raise typer.Exit(int(Exit.FINDINGS))


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < LEAST_REASON:
        raise ConfigError("--reason is a sentence")


def _signer(settings: Settings) -> AnchorSigner:
    signer = signer_of(settings)
    if signer is None:
        raise ConfigError(
            "keys.anchor: no key to sign anchors with",
            where="keys",
            hint="write 64 random hex digits to a file of mode 600 and set keys.anchor_file",
        )
    return signer


def _public(settings: Settings, path: Path | None) -> PublicKey | None:
    if path is not None:
        return read_public_key(content_of(path))
    signer = signer_of(settings)
    return signer.public if signer else None


def _unsigned(anchor: Anchor, public: PublicKey | None) -> str:
    if public is None:
        return f"the anchor of {anchor.day} cannot be checked: give --public-key"
    return f"the anchor of {anchor.day} does not carry our signature"


def _files(given: Iterable[Path]) -> list[Path]:
    return [
        file
        for path in given
        for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])
    ]


def _read_anchor(path: Path) -> Anchor:
    try:
        anchor = msgspec.json.decode(content_of(path), type=Anchor)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(f"this is no anchor: {error}", where=str(path)) from error
    stamp = anchoring.beside(path)
    if not stamp.exists():
        return anchor
    token = base64.b64encode(content_of(stamp)).decode()
    return msgspec.structs.replace(anchor, timestamp=token)
