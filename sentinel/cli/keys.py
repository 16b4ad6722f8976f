"""``sentinel keys``: the master key rotated, what wraps what, and what was done with keys."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import hunt_journal, key_uses, parts, rotation
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.domain.deadline import resolve_local
from sentinel.errors import UsageError
from sentinel.store.keys import ring
from sentinel.store.keys.master import MasterKey, open_master_key
from sentinel.store.keys.uses import left

app = typer.Typer(help="Keys: what seals the data.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Say which master key is in force, which root keys it wraps, and how many persons have one."""
    settings = config.load(context.obj)
    master = open_master_key(settings.keys)
    known = ring.read_ring(settings.data_dir)
    persons = parts.open_persons(settings, parts.open_sealer(settings))
    try:
        persons.at(SystemClock().now())
        told = {
            "master": master.id,
            "opens": known is None or master.id in known.masters,
            "roots": [
                {"id": root.id, "wrapped_by": sorted(root.wraps)} for root in known.roots
            ] if known else [],
            "persons": persons.count(),
            "tokens_since": isoformat(persons.current.started),
            "computable": persons.computable,
        }  # fmt: skip
    finally:
        persons.close()
    if as_json:
        json(told)
        return
    line(f"master key   {master.id}")
    for root in known.roots if known else ():
        line(f"root key     {root.id}  wrapped by {', '.join(sorted(root.wraps))}")
    line(f"persons      {told['persons']}, each with a key")
    line(f"tokens       since {told['tokens_since']}")


@app.command("rotate")
def rotate(
    context: typer.Context,
    new_key_file: Annotated[
        Path | None, typer.Option(help="File of the new master key; made if there is none.")
    ] = None,
    kms: Annotated[str, typer.Option(help="Plug-in of the new master key, instead.")] = "",
    kms_key: Annotated[str, typer.Option(help="Which key of it.")] = "",
) -> None:
    """Bring the data under another master key; afterwards either of the two opens everything.

    It may be killed and run again, and the service may run meanwhile.
    """
    settings = config.load(context.obj)
    if (new_key_file is None) == (not kms):
        raise UsageError("give --new-key-file or --kms")
    new: MasterKey
    if new_key_file is not None:
        new = rotation.key_from(new_key_file)
    else:
        new = open_master_key(settings.keys.model_copy(update={"kms": kms, "kms_key": kms_key}))
    for what, count in rotation.rotate(settings, new, parts.operator()):
        line(f"{what}: {count}")
    line(f"everything opens by {new.id} now, and by the former master key still")
    if new_key_file is not None:
        note(f"set keys.master_file to {new_key_file}, restart, then: sentinel keys retire")
    else:
        note("set keys.kms and keys.kms_key, restart, then: sentinel keys retire")


@app.command("retire")
def retire(context: typer.Context) -> None:
    """Let the master key in force be the only one: the former ones unwrap nothing any more."""
    gone = rotation.retire(config.load(context.obj), parts.operator())
    for name in gone:
        line(f"retired {name}")
    if not gone:
        line("there is no other master key")


@app.command("uses")
def uses(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="From when; default: everything journalled.")] = "",
    asked: Annotated[
        bool, typer.Option("--asked", help="Say instead who asked the stored events what.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what was done with keys: who sealed and opened what, how often (promise R-32)."""
    settings = config.load(context.obj)
    begin = resolve_local(since, settings.timezone) if since else None
    if asked:
        _asked(settings, begin, as_json=as_json)
        return
    with parts.reading(settings) as tx:
        found = key_uses.since(tx, begin)
    found += [one for _, one in left(settings.data_dir) if begin is None or one.at >= begin]
    for one in found:
        if as_json:
            json(msgspec.to_builtins(one))
        else:
            counts = ", ".join(f"{name} {count}" for name, count in one.counts.items())
            line(f"{isoformat(one.at)}  {one.by}  {counts}")


def _asked(settings: Settings, begin: datetime | None, *, as_json: bool) -> None:
    with parts.reading(settings) as tx:
        found = hunt_journal.since(tx, begin)
    for one in found:
        if as_json:
            json(msgspec.to_builtins(one))
            continue
        told = {name: value for name, value in msgspec.to_builtins(one.asked).items() if value}
        told["named"] = ",".join(one.asked.named)
        words = " ".join(f"{name}={value}" for name, value in told.items() if value)
        line(f"{isoformat(one.at)}  {one.by}  {words}")
