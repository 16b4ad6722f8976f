"""``sentinel purge``: take what must go, show and verify the certificates of what went."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.backup import ledger
from sentinel.app.duties import signer_of
from sentinel.app.parts import operator
from sentinel.app.purge import certificates
from sentinel.app.purge.paper import paper_of, summary
from sentinel.app.purge.run import Purger
from sentinel.app.purge.schedule import Asked, ask
from sentinel.cli.output import json, line, note
from sentinel.clock import Clock, ManualClock, SystemClock
from sentinel.config import Settings
from sentinel.domain.certificate import Certificate
from sentinel.domain.deadline import resolve_local
from sentinel.errors import Exit, NotFound, Refused, StorageError, UsageError
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.signing import PublicKey, read_public_key

T = TypeVar("T")

app = typer.Typer(help="The purge of the day, and its certificates.", invoke_without_command=True)
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.callback()
def purge(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go now.")] = False,
    at: Annotated[
        str, typer.Option(help="With --dry-run: as if it were this instant (ISO 8601).")
    ] = "",
    clock_is_right: Annotated[
        bool, typer.Option(help="Confirm a clock that the purge finds doubtful.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take now what must go, and certify it; while the service runs, ask it to."""
    if context.invoked_subcommand is not None:
        return
    settings = config.load(context.obj)
    if at and not dry_run:
        raise UsageError("--at goes with --dry-run: nothing is ever purged ahead of its time")
    if dry_run:
        clock = ManualClock(_instant(at, settings)) if at else SystemClock()
        _preview(settings, clock, as_json=as_json)
        return
    _purge(settings, clock_is_right=clock_is_right, as_json=as_json)


@app.command("list")
def list_command(context: typer.Context, as_json: Json = False) -> None:
    """List the certificates, oldest first."""
    with parts.reading(config.load(context.obj)) as tx:
        found = certificates.all_certificates(tx)
    if as_json:
        json(found)
        return
    for one in found:
        line(f"{one.number:6d}  {one.day}  {one.count} gone, {len(one.stayed)} kinds held back")


@app.command("show")
def show(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="Number of the certificate; 0: the last.")] = 0,
    language: Annotated[Literal["fr", "en"], typer.Option(help="Language.")] = "fr",
    out: Annotated[Path | None, typer.Option(help="File to write (.pdf or .md).")] = None,
    as_json: Json = False,
) -> None:
    """Show a certificate in words, as Markdown or PDF."""
    settings = config.load(context.obj)
    with parts.reading(settings) as tx:
        found = certificates.all_certificates(tx)
    wanted = [one for one in found if one.number == (number or found[-1].number)] if found else []
    if not wanted:
        raise NotFound(f"certificate {number or 'last'}", hint="sentinel purge list")
    if as_json:
        json(wanted[0])
        return
    paper = paper_of(wanted[0], language, settings.timezone)
    if out is None:
        line(paper.markdown().rstrip())
        return
    pdf = out.suffix == ".pdf"
    made = paper.pdf(wanted[0].finished_at, settings.notifiers_path) if pdf else paper.markdown()
    out.write_bytes(made if isinstance(made, bytes) else made.encode())
    line(str(out))


@app.command("verify")
def verify(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Certificates, or folders of them, kept elsewhere; default: our own."),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="PEM of the key that signed them; default: our own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check signatures, that none is missing, and, of our own, that the journal agrees."""
    settings = config.load(context.obj)
    public = _public(settings, public_key)
    if paths:
        files = [
            f for path in paths for f in (sorted(path.glob("*.json")) if path.is_dir() else [path])
        ]
        found = [certificates.read(path) for path in files]
        faults = certificates.faults(found, public)
    else:
        with parts.reading(settings) as tx:
            found = certificates.all_certificates(tx)
            faults = certificates.faults(found, public) + certificates.unjournalled(tx, found)
    if as_json:
        json({"certificates": len(found), "faults": faults})
    else:
        for fault in faults:
            line(fault)
        line(f"{len(found)} certificates, {'all fit' if not faults else f'{len(faults)} faults'}")
    if faults:
        raise typer.Exit(int(Exit.FINDINGS))


def _purge(settings: Settings, *, clock_is_right: bool, as_json: bool) -> None:
    clock, by = SystemClock(), operator()
    with ExitStack() as opened:
        cases = _cases(settings, clock, opened)
        try:
            events = parts.open_events(settings, parts.open_sealer(settings))
        except StorageError as error:
            if "another process" not in str(error):
                raise
            with cases.begin() as tx:
                ask(tx, Asked(by=by, clock_is_right=clock_is_right))
            note("the service runs: it purges within half a minute; see sentinel purge list")
            return
        opened.callback(events.close)
        purger = Purger(settings, _runner(cases), events, signer_of(settings), clock)
        made = purger.purge(by=by, clock_is_right=clock_is_right)
        with cases.begin() as tx:
            ledger.export(tx, settings)
        _say(made, as_json=as_json)


def _preview(settings: Settings, clock: Clock, *, as_json: bool) -> None:
    with ExitStack() as opened:
        cases = _cases(settings, clock, opened)
        events = parts.read_events(settings, parts.open_sealer(settings))
        opened.callback(events.close)
        found = Purger(settings, _runner(cases), events, None, clock).preview()
    if as_json:
        json(found)
        return
    for item in found.items:
        line(summary(item))
    for stayed in found.stayed:
        line(f"stays  {stayed.count} {stayed.what}: {stayed.why} {stayed.name}")
    line(f"{sum(item.count for item in found.items)} would go")
    if found.doubt:
        note(f"a run would refuse: {found.doubt}")


def _say(made: Certificate, *, as_json: bool) -> None:
    if as_json:
        json(made)
        return
    for item in made.items:
        line(summary(item))
    line(f"certificate {made.number}: {made.count} gone")
    if made.gone_everywhere is not None:
        line(f"gone everywhere, backups included, on {made.gone_everywhere}")
    if not made.signature:
        note("it is not signed: set keys.anchor_file")


def _cases(settings: Settings, clock: Clock, opened: ExitStack) -> SqlCaseStore:
    cases = parts.open_cases(settings, parts.open_sealer(settings), clock)
    opened.callback(cases.close)
    return cases


class _runner:  # noqa: N801 - it is used as a function
    """Runs a function in one transaction of a store."""

    def __init__(self, cases: SqlCaseStore) -> None:
        self._cases = cases

    def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        """Return what ``function`` returns."""
        with self._cases.begin() as tx:
            return function(tx)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _instant(text: str, settings: Settings) -> datetime:
    return resolve_local(text, settings.timezone)


def _public(settings: Settings, path: Path | None) -> PublicKey | None:
    if path is not None:
        try:
            return read_public_key(path.read_bytes())
        except OSError as error:
            raise Refused(f"no key can be read: {path}") from error
    signer = signer_of(settings)
    return signer.public if signer else None
