"""``sentinel backup`` and ``sentinel restore``: everything, encrypted, one command each."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.backup import cycle, ledger
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import restore
from sentinel.app.backup.verify import verify
from sentinel.app.parts import operator
from sentinel.app.purge.files import remove
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.deadline import zone_of
from sentinel.errors import ConfigError, NotFound

app = typer.Typer(help="Backups: made, verified, listed, pruned.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(main: typer.Typer) -> None:
    """Add `restore`, which stands alone, to ``main``."""
    main.command("restore")(restore_command)


@app.command("key")
def key_command(
    path: Annotated[Path, typer.Argument(help="File to write, of mode 600; never overwritten.")],
) -> None:
    """Make a key for the backups. Without it no backup opens: keep a copy elsewhere."""
    try:
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError as error:
        raise ConfigError("there is a file already", where=str(path)) from error
    line(f'key_file = "{path}"')
    note("put it under [backup], with dir; keep a copy of it and of the master key elsewhere")


@app.command("create")
def create_command(
    context: typer.Context,
    kind: Annotated[
        Literal["auto", "daily", "weekly", "monthly"],
        typer.Option(help="How long it lives; auto: what the cycle asks for today."),
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Back up everything, also while the service runs; it is read again before it has its name."""
    settings = config.load(context.obj)
    _export(settings)
    made, found = create(settings, SystemClock().now(), kind="" if kind == "auto" else kind)
    if as_json:
        json({"path": str(made.path), "kind": made.kind, "bytes": made.size, "verified": found,
              "goes": made.due(settings.timezone)})  # fmt: skip
        return
    line(f"{made.path}  {made.size} bytes, {found.files} files, verified")
    line(f"{made.kind}: it goes on {made.due(settings.timezone)}")


@app.command("verify")
def verify_command(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Archives; default: all in backup.dir.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read archives from the first byte to the last, and open what they hold."""
    settings = config.load(context.obj)
    given = paths or [one.path for one in cycle.archives(_folder(settings))]
    if not given:
        raise NotFound("no backup", hint="sentinel backup create")
    key = ledger.backup_key(settings)
    if key is None:
        raise ConfigError("backup.key_file: the key of the backups is needed")
    for path in given:
        found = verify(path, key, settings)
        if as_json:
            json({"path": str(path), "verified": found})
        else:
            line(f"{path}  {found.files} files, journal of {found.lines} lines, whole")


@app.command("list")
def list_command(context: typer.Context, as_json: Json = False) -> None:
    """List the archives, when each goes, and when what is purged today is gone everywhere."""
    settings = config.load(context.obj)
    zone = settings.timezone
    found = cycle.archives(_folder(settings))
    today = SystemClock().now().astimezone(zone_of(zone)).date()
    if as_json:
        json([{"path": str(one.path), "kind": one.kind, "made_at": one.made_at,
               "bytes": one.size, "goes": one.due(zone)} for one in found])  # fmt: skip
        return
    for one in found:
        line(f"{one.kind:8} {one.made_at:%Y-%m-%d %H:%M}Z  goes {one.due(zone)}  {one.path.name}")
    line(f"{len(found)} backups; gone everywhere: {cycle.gone_everywhere(found, today, zone)}")


@app.command("prune")
def prune_command(context: typer.Context, as_json: Json = False) -> None:
    """Remove the archives whose time is over; the purge of the day does so by itself."""
    settings = config.load(context.obj)
    today = SystemClock().now().astimezone(zone_of(settings.timezone)).date()
    due = cycle.overdue(cycle.archives(_folder(settings)), today, settings.timezone)
    remove(one.path for one in due)
    if as_json:
        json([str(one.path) for one in due])
        return
    for one in due:
        line(f"gone  {one.path.name}")
    line(f"{len(due)} removed")


def restore_command(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="The archive.")],
    as_json: Json = False,
) -> None:
    """Restore everything into an empty data directory, and erase again what was erased since."""
    settings = config.load(context.obj)
    made = restore(settings, archive, SystemClock(), by=operator())
    if as_json:
        json(made)
        return
    line(f"{settings.data_dir}: {made.files} files, {made.events} events, {made.lines} lines")
    line(f"from the backup of {made.made_at:%Y-%m-%d %H:%M}Z")
    line(f"{made.reapplied} entries of the purge ledger done again, {made.persons} persons erased")
    line(f"certificate {made.certificate.number}: {made.certificate.count} gone")
    if made.gaps:
        note(f"WARNING   {made.gaps} entries are missing in the purge ledger: what went is back")
    if made.lost:
        note(f"at least {made.lost} lines of the journal were written after the backup: lost")
    if made.content:
        note(f"own rules, notifiers and runbooks lie in {made.content}: set their folders")


def _export(settings: Settings) -> None:
    if settings.ledger_path is not None:
        with parts.reading(settings) as tx:
            ledger.export(tx, settings)


def _folder(settings: Settings) -> Path:
    if settings.backup.dir is None:
        raise ConfigError("backup.dir: where do backups go?", hint="set dir and key_file")
    return settings.backup.dir
