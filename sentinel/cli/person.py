"""``sentinel person``: answers to data subjects about themselves, through the officer."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app import access_report, parts
from sentinel.app.kept_for_cases import kept_until
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.domain.deadline import resolve_local
from sentinel.store.private_file import write_new

app = typer.Typer(help="Answers to data subjects, through the officer.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `access-report` a command of its own: Typer would fold a group of one."""


@app.command("access-report")
def report(
    context: typer.Context,
    person: Annotated[str, typer.Argument(help="The person's id in the logs, or a pseudonym.")],
    request: Annotated[str, typer.Option(help="Reference of the request that this answers.")],
    language: Annotated[Literal["fr", "en"], typer.Option(help="Language.")] = "fr",
    since: Annotated[str, typer.Option(help="From when; default: everything stored.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="File to write (.pdf or .md); default: standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Say which accesses to a person's data are on record: role and reason, never a name.

    Reads the stored events, so the service must be stopped. Accesses that nothing explains are
    marked: the officer reads the answer before it leaves.
    """
    settings, now = config.load(context.obj), SystemClock().now()
    begin = resolve_local(since, settings.timezone) if since else None
    subject = person
    if not person.startswith("sub_"):
        subject = parts.make_pseudonymiser(settings).pseudonym("sub", person)
    with (
        closing(parts.open_events(settings, parts.open_sealer(settings))) as events,
        acting(settings, token_file) as (tx, actor),
    ):
        found = access_report.access_report(
            events.search(since=begin, where=lambda one: access_report.concerns(one, subject)),
            subject, since=begin, until=now, zone=settings.timezone,
            kept=kept_until(tx, events, settings.timezone),
        )  # fmt: skip
        paper = access_report.paper_of(found, language)
        pdf = out is not None and out.suffix == ".pdf"
        content = paper.pdf(now, settings.notifiers_path) if pdf else paper.markdown().encode()
        digest = hashlib.sha256(content).hexdigest()
        access_report.journalled(tx, actor, found, request=request, sha256=digest, now=now)
        if out is not None:
            write_new(out, content)
    if as_json:
        json(found)
    elif out is None:
        line(content.decode().rstrip())
    else:
        line(f"{out}  sha256 {digest}")
    examined = sum(one.examined for one in found.accesses)
    if examined:
        note(f"{examined} accesses without a reason: read the answer before it leaves")
