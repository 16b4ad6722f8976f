"""``sentinel person erase`` and ``originals``: acts on the map of persons, by two people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app import erasure, originals, parts
from sentinel.app.backup import ledger
from sentinel.app.directory import directory_path, open_directory
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.errors import Exit, NotFound, Refused
from sentinel.store.directory import SubjectDirectory
from sentinel.store.keys.bodies import EventBodies
from sentinel.store.keys.persons import FILE as PERSONS
from sentinel.store.keys.persons import PersonKeys

Reason = Annotated[str, typer.Option(help="Why, in a sentence; it goes into the journal.")]
Second = Annotated[
    Path, typer.Option("--approver-token-file", help="File with the token of the second person.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``person``."""
    app.command("erase")(erase)
    app.command("originals")(show_originals)


def erase(
    context: typer.Context,
    person: Annotated[list[str], typer.Argument(help="Ids in the logs, or pseudonyms.")],
    request: Annotated[str, typer.Option(help="Reference of the request that this answers.")],
    reason: Reason,
    approver: Second,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only say what would go.")
    ] = False,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Destroy the keys of persons for ever: pseudonyms lead nowhere, what was sealed stays closed.

    The journal and every hash still verify. A person of an open case, or under a legal hold, is
    refused. The service may run. Backups hold the keys until they expire: see `sentinel backup`.
    """
    settings, now = config.load(context.obj), SystemClock().now()
    sealer = parts.open_sealer(settings)
    with _opened(settings) as (keys, directory):
        found = erasure.resolve(keys, directory, person)
        if not yes:
            line(f"{len(found)} persons would be erased for ever: {', '.join(sorted(found))}")
            note("nothing was done: --yes does it")
            raise typer.Exit(int(Exit.FINDINGS))
        with acting(settings, approver) as (_, second):
            pass
        # Two transactions: the order is durable before anything is destroyed.
        with acting(settings, token_file) as (tx, actor):
            erasure.order(
                tx, list(found), request=request, reason=reason, by=actor, approved_by=second,
                at=now,
            )  # fmt: skip
        identifiers = [one for names in found.values() for one in names]
        with parts.reading(settings) as tx:
            done = erasure.carry_out(tx, keys, directory, sorted(found), identifiers, sealer, now)
        with parts.reading(settings) as tx:
            ledger.export(tx, settings)
        computable = keys.computable
    if as_json:
        json(done)
    else:
        line(
            f"erased: {len(done.persons)} keys, {done.entries} entries of the directory, "
            f"{done.letters} dead letters"
        )
    if computable:
        note(
            "pseudonyms of this map can be computed by who holds its keys: see docs/reference/keys"
        )


def show_originals(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(help="Id of the event.")],
    reason: Reason,
    approver: Second,
    as_json: AsJson = False,
    token_file: TokenFile = None,
) -> None:
    """Show what an event said before it was disguised; two people, journalled before."""
    settings, now = config.load(context.obj), SystemClock().now()
    sealer = parts.open_sealer(settings)
    events = parts.read_events(settings, sealer)
    try:
        event = events.get(event_id)
    finally:
        events.close()
    if event is None:
        raise NotFound(f"event {event_id}")
    with acting(settings, approver) as (_, second):
        pass
    with acting(settings, token_file) as (tx, actor):
        originals.journal_opening(tx, event, reason=reason, by=actor, approved_by=second, at=now)
    with _opened(settings) as (keys, _directory):
        opened = originals.originals_of(EventBodies(keys), event, sealer)
    if as_json:
        json(opened)
        return
    for name, value in sorted(opened.originals.items()):
        line(f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    for closed in opened.closed:
        line(f"{closed}: erased")


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[PersonKeys, SubjectDirectory | None]]:
    sealer = parts.open_sealer(settings)
    if not (settings.data_dir / PERSONS).exists():
        raise Refused("there is no map of persons yet: nobody was ever named")
    keys = parts.open_persons(settings, sealer)
    directory = open_directory(settings, sealer) if directory_path(settings).is_file() else None
    try:
        keys.at(SystemClock().now())
        yield keys, directory
    finally:
        keys.close()
        if directory is not None:
            directory.close()
