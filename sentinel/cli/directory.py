"""``sentinel directory``: who stands behind the pseudonyms, for letters and for nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import directory as subjects
from sentinel.app.parts import open_sealer, reading
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock, isoformat
from sentinel.collect.directory_source import csv_rows, http_rows
from sentinel.config import Settings
from sentinel.domain.directory import DirectoryVersion, Reach
from sentinel.domain.incident import Actor
from sentinel.errors import NotFound, UnreadableFile, UsageError
from sentinel.notify.channel import TransportError
from sentinel.notify.egress import EgressPolicy
from sentinel.respond.directory_rows import Row, read_mapping
from sentinel.store.directory import SubjectDirectory
from sentinel.store.ports import CaseTx
from sentinel.store.sql_query import read_rows

app = typer.Typer(
    help="The subject directory: pseudonym to name, address, language; sealed.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
By = Annotated[str, typer.Option("--by", help="Sign-in name of who does it.")]


@app.command("import")
def import_directory(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    by: By,
    file: Annotated[Path | None, typer.Argument(help="CSV file with a header.")] = None,
    sql: Annotated[
        str, typer.Option(help="Variable of the environment that holds an SQLAlchemy URL.")
    ] = "",
    query: Annotated[str, typer.Option(help="SQL query, with --sql.")] = "",
    url: Annotated[str, typer.Option(help="JSON endpoint (https).")] = "",
    token: Annotated[
        str, typer.Option(help="Variable of the environment that holds a bearer token.")
    ] = "",
    items: Annotated[str, typer.Option(help="Field of the answer that holds the array.")] = "items",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN; address=street+postcode+city joins lines."),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Who is not in it keeps the account.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in a new version. Fields: id, name, email, address, language, closed.

    Either all of it is in force afterwards, or nothing. Who is not in it, and was before, counts as
    closed. Exit 3: a row is wrong; 4: a file, database or endpoint cannot be read.
    """
    settings = config.load(context.obj)
    if sum((file is not None, bool(sql), bool(url))) != 1:
        raise UsageError("give one of FILE, --sql or --url")
    if bool(sql) != bool(query):
        raise UsageError("--sql and --query go together")
    columns = read_mapping(mapping or [])
    rows, source = _rows(settings, file, (sql, query), (url, token, items))
    with _opened(settings) as (tx, directory):
        made = subjects.import_entries(
            tx,
            directory,
            subjects.entries_of(settings, rows, columns),
            source=source,
            by=actor_of(tx, by),
            at=SystemClock().now(),
            whole=not partial,
        )
    (json if as_json else _tell)(made)


def _rows(
    settings: Settings, file: Path | None, sql: tuple[str, str], http: tuple[str, str, str]
) -> tuple[Iterable[Row], str]:
    if file is not None:
        return csv_rows(file), f"csv:{file.name}"
    if sql[0]:
        address = _variable(sql[0])
        rows = ((f"row {at}", row) for at, row in enumerate(read_rows(address, sql[1]), 1))
        return rows, "sql"
    url, token, items = http
    policy = EgressPolicy(settings.notify.egress_allow)

    def allowed(host: str) -> None:
        try:
            policy.check(host)
        except TransportError as error:
            raise UsageError(
                f"the host {host} is not on the egress allow-list",
                hint="list it in notify.egress_allow if it may be asked",
            ) from error

    secret = _variable(token) if token else ""
    return http_rows(url, token=secret, items=items, allowed=allowed), "http"


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(
            f"the variable {name} is empty", hint="a secret on the command line is seen by others"
        )
    return value


def _tell(made: DirectoryVersion) -> None:
    line(
        f"version {made.version} from {made.source}, {isoformat(made.at)}: {made.entries} entries, "
        f"{made.added} added, {made.changed} changed, {made.gone} gone"
    )


@app.command("versions")
def versions(context: typer.Context, as_json: AsJson = False) -> None:
    """List the imports, oldest first."""
    settings = config.load(context.obj)
    with _opened(settings, made=False) as (_tx, directory):
        found = directory.versions()
    for one in found:
        (json if as_json else _tell)(one)


@app.command("audience")
def audience(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """List whom the letters of a frozen set go to: by e-mail, by post, closed, not found.

    Pseudonyms and languages only; nothing is opened.
    """
    settings = config.load(context.obj)
    with _opened(settings, made=False) as (tx, directory):
        case = tx.incidents.get(incident)
        found = subjects.audience(tx, directory, case, by=actor_of(tx, by), at=SystemClock().now())
    if as_json:
        json({**msgspec.to_builtins(found), "counts": found.counts()})
        return
    counts = found.counts()
    line(f"{found.incident}: {len(found.rows)} persons, directory version {found.directory}")
    for reach in Reach:
        line(f"  {reach.value}: {counts[reach.value]}")
    for row in found.rows:
        if row.reach is not Reach.EMAIL:
            line(f"{row.pseudonym}  {row.reach.value}  {row.language or '-'}")


@app.command("open")
def open_persons(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")],
    person: Annotated[list[str], typer.Argument(help="Pseudonyms of the frozen set.")],
    by: By,
    approved_by: Annotated[str, typer.Option(help="Sign-in name of the second person.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")],
    as_json: AsJson = False,
) -> None:
    """Show who stands behind a few pseudonyms, for a letter by post; two people, journalled."""
    settings = config.load(context.obj)
    with _opened(settings, made=False) as (tx, directory):
        found = subjects.open_entries(
            tx,
            directory,
            person,
            by=actor_of(tx, by),
            approved_by=actor_of(tx, approved_by),
            incident=tx.incidents.get(incident),
            reason=reason,
            at=SystemClock().now(),
        )
    for name in person:
        entry = found.get(name)
        if as_json:
            json(entry or {"pseudonym": name, "found": False})
        elif entry is None:
            line(f"{name}: not found")
        else:
            closed = " (closed)" if entry.closed else ""
            address = ", ".join(entry.address.split("\n"))
            line(f"{name}: {entry.name}{closed}; {entry.email or '-'}; {address or '-'}")


def actor_of(tx: CaseTx, name: str) -> Actor:
    """Return who is called ``name``. Raises NotFound."""
    account = tx.accounts.by_name(name)
    if account is None or account.disabled:
        raise NotFound(f"no account is called {name}", hint="sentinel account list")
    return account.actor


@contextmanager
def _opened(settings: Settings, *, made: bool = True) -> Iterator[tuple[CaseTx, SubjectDirectory]]:
    if not made and not subjects.directory_path(settings).is_file():
        raise UnreadableFile(
            "there is no directory yet",
            where=str(subjects.directory_path(settings)),
            hint="sentinel directory import",
        )
    with reading(settings) as tx:
        directory = subjects.open_directory(settings, open_sealer(settings))
        try:
            yield tx, directory
        finally:
            directory.close()
