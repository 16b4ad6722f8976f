"""``sentinel migrate``: bring the schema of the case store to this version, when told to.

A new version works on the schema of the one before, so that it can be installed first, tried, and
taken back; the schema follows when nothing of the old version runs any more.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import cases_target
from sentinel.cli.output import json, line
from sentinel.errors import Exit, StorageError
from sentinel.store.case_store import at_schema
from sentinel.store.sql_schema import Schema


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("migrate")(migrate)


def migrate(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing; exit 1 where anything is.")
    ] = False,
    to: Annotated[str, typer.Option(help="Revision to stop at; default: the newest.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Bring the schema of the case store up to date, in one transaction, and say what was done.

    The service may run meanwhile. There is no way back but a backup: make one before.
    """
    settings = config.load(context.obj)
    target = cases_target(settings)
    if settings.store.cases.url is None and not (settings.data_dir / "cases.sqlite").exists():
        raise StorageError(
            "there is no case store yet", where=str(target), hint="it is made with its schema"
        )
    before, after = at_schema(target, to=to, change=not check)
    if as_json:
        json({"before": before.current, "after": after.current, "missing": after.missing})
    else:
        _say(before, after)
    if check and after.missing:
        raise typer.Exit(int(Exit.FINDINGS))


def _say(before: Schema, after: Schema) -> None:
    line(f"schema {before.current or 'none'}, the newest is {before.newest}")
    for step in before.missing:
        done = step.revision <= after.current
        line(f"{'done   ' if done else 'missing'}  {step.revision}  {step.does}")
    if not before.missing:
        line("nothing to do")
