"""``sentinel letter``: may this letter to the persons be sent (GDPR art. 34)? And drafts of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app.casework import rules_of
from sentinel.app.parts import open_sealer
from sentinel.cli.case_drafts import Language, Out, Reference
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.given_file import content_of
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.domain.incident import Role
from sentinel.errors import Exit, Refused, SentinelError
from sentinel.notify.letters import Form, draft_letter
from sentinel.notify.lint.linter import lint_letter
from sentinel.notify.lint.report import LintReport
from sentinel.respond.documents import Draft, file_drafts
from sentinel.store.private_file import write_new

STDIN = "-"

app = typer.Typer(no_args_is_help=True, help="Judge and draft letters to the persons (art. 34).")


@app.command()
def lint(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Text, HTML or .eml; - for stdin.")
    ],
    lang: Annotated[Literal["fr", "en"], typer.Option(help="Language of the letters.")] = "fr",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per letter.")] = False,
) -> None:
    """Say what a letter lacks, what must not stand in it, and whether it may be sent.

    Exit 0: each may be sent, 1: one may not, 2: one is no letter in this language, 4: unreadable.
    """
    notifiers = config.load(context.obj).notifiers_path
    worst = Exit.OK
    for path in files:
        name = "stdin" if str(path) == STDIN else str(path)
        try:
            report = lint_letter(_content(path), lang, file=name, notifiers=notifiers)
        except SentinelError as error:
            if len(files) == 1:
                raise
            note(str(error))
            worst = max(worst, error.exit_code)
            continue
        json(report) if as_json else _tell(report)
        worst = max(worst, Exit.OK if report.sendable else Exit.FINDINGS)
    raise typer.Exit(int(worst))


def _content(path: Path) -> bytes:
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    return content_of(path)


def _tell(report: LintReport) -> None:
    for name in report.missing:
        line(f"{report.file}: missing {name}: {report.reasons[name]}")
    for one in report.findings:
        place = f"{report.file}:{one.line}:{one.column}"
        line(f"{place}: {one.code}: {one.excerpt!r} {one.reason}")
    if report.sendable:
        line(f"{report.file}: may be sent")


@app.command()
def draft(
    context: typer.Context,
    reference: Reference,
    form: Annotated[Form, typer.Option(help="Letter, public communication, holding statement.")],
    language: Language = "fr",
    out: Out = None,
    token_file: TokenFile = None,
) -> None:
    """Draft a letter or a statement from the case, text, HTML and PDF, and file it in the case."""
    settings, now = config.load(context.obj), SystemClock().now()
    with acting(settings, token_file) as (tx, actor):
        if not actor.has(Role.COMMANDER, Role.SCRIBE, Role.DPO, Role.LEGAL, Role.COMMS):
            raise Refused("drafting takes a role that writes to cases")
        incident = tx.incidents.get(reference)
        letter = draft_letter(
            incident, incident.affected, settings.organisation, language, now,
            settings.notifiers_path, findings=rules_of(tx, incident), form=form,
        )  # fmt: skip
        kind = "letter" if form is Form.LETTER else f"statement_{form.value}"
        name = f"{incident.reference}-{kind.replace('_', '-')}-{language}"
        drafts = [
            Draft(kind=kind, language=language, media_type=media, name=f"{name}.{end}", content=c)
            for end, media, c in (
                ("pdf", "application/pdf", letter.pdf),
                ("html", "text/html", letter.html.encode()),
                ("txt", "text/plain", f"{letter.subject}\n\n{letter.text}".encode()),
            )
        ]
        filed = file_drafts(
            tx, root=settings.data_dir, incident=incident, drafts=drafts, actor=actor, now=now,
            sealer=open_sealer(settings),
        )  # fmt: skip
    for what in letter.missing:
        note(f"to be completed: {what}")
    for document, one in zip(filed, drafts, strict=True):
        if out is not None:
            write_new(out / one.name, one.content)
        line(str(out / one.name) if out is not None else document.id)
