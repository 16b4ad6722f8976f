"""``sentinel runbook``: read runbooks, work one step by step, hand it to other tools."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.parts import reading
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import json, line, note, pretty
from sentinel.clock import SystemClock, isoformat
from sentinel.domain.incident import Incident
from sentinel.errors import UsageError
from sentinel.respond.cacao import TLP, to_cacao
from sentinel.respond.runbooks import find_runbook, load_runbooks
from sentinel.respond.workflow.dispatch import run

app = typer.Typer(help="Runbooks: what to do, step by step.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Slug = Annotated[str, typer.Argument(help="Id of the runbook, such as bulk-export.")]
Reference = Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id of the case.")]
Seen = Annotated[int | None, typer.Option(help="Do it only where this is still the version.")]


class Language(StrEnum):
    """Languages of the runbooks."""

    FR = "fr"
    EN = "en"


class Target(StrEnum):
    """Formats of an export."""

    CACAO = "cacao"
    MARKDOWN = "markdown"


Lang = Annotated[Language, typer.Option("--lang", help="Language.")]


@app.command("list")
def list_runbooks(context: typer.Context, lang: Lang = Language.EN, as_json: Json = False) -> None:
    """List the runbooks with the rules that lead to them."""
    for (slug, code), book in load_runbooks(config.load(context.obj).runbooks_path).items():
        if code != lang:
            continue
        heading = book.heading
        if as_json:
            data = {"id": slug, "version": heading.version, "title": heading.title}
            json(data | {"steps": len(book.steps), "triggers": list(heading.triggers)})
        else:
            line(f"{slug:<22} v{heading.version}  {len(book.steps):>2} steps  {heading.title}")


@app.command("show")
def show(
    context: typer.Context, slug: Slug, lang: Lang = Language.EN, as_json: Json = False
) -> None:
    """Print a runbook, with the names and telephone numbers of the settings filled in."""
    settings = config.load(context.obj)
    book = find_runbook(settings.runbooks_path, slug, lang)
    book = book.filled(settings.organisation.placeholders)
    if as_json:
        json(book)
        return
    line(f"{book.heading.title} ({slug}, version {book.heading.version})\n\n{book.introduction}")
    for step in book.steps:
        line(f"\n{step.id} - {step.title}  [{step.role}, {step.within}, {step.evidence}]\n")
        line(step.text)


@app.command("export")
def export(
    context: typer.Context,
    slug: Slug,
    target: Annotated[Target, typer.Option("--format", help="Format.")] = Target.CACAO,
    lang: Lang = Language.EN,
    tlp: Annotated[str, typer.Option(help=f"Marking: {', '.join(TLP)}.")] = "TLP:GREEN",
) -> None:
    """Print a runbook as an OASIS CACAO Security Playbook 2.0 (JSON), or as it is written."""
    if tlp not in TLP:
        raise UsageError(f"no marking is called {tlp!r}", hint=", ".join(TLP))
    folder = config.load(context.obj).runbooks_path
    book = find_runbook(folder, slug, lang)
    if target is Target.MARKDOWN:
        line((folder / slug / f"runbook.{lang}.md").read_text(encoding="utf-8").rstrip())
        return
    pretty(to_cacao(book, tlp=tlp))


@app.command("start")
def start(
    context: typer.Context,
    reference: Reference,
    slug: Annotated[
        str, typer.Argument(help="Id of the runbook; default: the one that the rule named.")
    ] = "",
    seen: Seen = None,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Start a runbook for a case: the times of its steps run from now."""
    given = {"runbook": slug} if slug else {}
    _command(context, "start_runbook", reference, given, seen, token_file, as_json=as_json)


@app.command("step")
def step(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    context: typer.Context,
    reference: Reference,
    step_id: Annotated[str, typer.Argument(help="Step, such as S3.")],
    evidence: Annotated[str, typer.Option(help="Where the proof lies: a reference.")] = "",
    skip: Annotated[str, typer.Option(help="Leave it out, for this written reason.")] = "",
    owner: Annotated[str, typer.Option(help="Put it into the hands of this account.")] = "",
    seen: Seen = None,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Record that a step was done; or leave it out (--skip), or give it to somebody (--owner)."""
    if sum(map(bool, (evidence, skip, owner))) > 1:
        raise UsageError("one of --evidence, --skip and --owner at a time")
    if skip:
        name, given = "skip_step", {"step_id": step_id, "reason": skip}
    elif owner:
        name, given = "assign_step", {"step_id": step_id, "owner": owner}
    else:
        name, given = "complete_step", {"step_id": step_id, "evidence": evidence}
    _command(context, name, reference, given, seen, token_file, as_json=as_json)


@app.command("status")
def status(context: typer.Context, reference: Reference, as_json: Json = False) -> None:
    """Show where the runbook of a case stands: done, left out, open, late."""
    with reading(config.load(context.obj)) as tx:
        incident = tx.incidents.get(reference)
    _say(incident, SystemClock().now(), as_json=as_json)


def _command(
    context: typer.Context,
    name: str,
    reference: str,
    given: dict[str, str],
    seen: int | None,
    token_file: Path | None,
    *,
    as_json: bool,
) -> None:
    settings = config.load(context.obj)
    now = SystemClock().now()
    with acting(settings, token_file) as (tx, actor):
        library = settings.runbooks_path
        result = run(
            tx, name, actor, given, now=now, subject_id=reference, seen=seen, library=library
        )
    if isinstance(result, Incident):
        _say(result, now, as_json=as_json)


def public_steps(incident: Incident, now: datetime) -> list[dict[str, object]]:
    """Return the steps of a case's runbook as data. Instants as RFC 3339, UTC."""
    rows: list[dict[str, object]] = []
    for planned in incident.runbook_plan:
        done = incident.steps.get(planned.id)
        state = ("skipped" if done.skipped else "done") if done else "open"
        rows.append(
            {
                "id": planned.id,
                "role": planned.role.value,
                "owner": incident.step_owners.get(planned.id, ""),
                "due_at": isoformat(planned.due_at),
                "state": state,
                "late": (done.at if done else now) > planned.due_at,
                "at": isoformat(done.at) if done else None,
                "by": done.by if done else "",
                "evidence": done.evidence if done else "",
                "reason": done.skipped if done else "",
            }
        )
    return rows


def _say(incident: Incident, now: datetime, *, as_json: bool) -> None:
    rows = public_steps(incident, now)
    if as_json:
        json(
            {
                "reference": incident.reference,
                "runbook": incident.runbook,
                "runbook_version": incident.runbook_version,
                "version": incident.version,
                "steps": rows,
            }
        )
        return
    if not rows:
        note(f"{incident.reference}: no runbook was started")
        return
    line(f"{incident.reference}  {incident.runbook} v{incident.runbook_version}")
    for row in rows:
        late = "  LATE" if row["late"] else ""
        proof = row["evidence"] or row["reason"]
        line(
            f"{row['id']:<4} {row['state']:<8} {row['role']:<10} due {row['due_at']}{late}"
            + (f"  {proof}" if proof else "")
        )
