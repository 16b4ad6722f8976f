"""Papers of a case that help people: the post-mortem's draft, the script of the call centre."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app.parts import open_sealer
from sentinel.app.postmortem import paper_of
from sentinel.cli.casework import TokenFile, acting
from sentinel.cli.output import line
from sentinel.clock import SystemClock
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import Refused
from sentinel.notify.call_script import call_script
from sentinel.notify.paper import Paper
from sentinel.respond.documents import Draft, file_drafts
from sentinel.respond.postmortem import post_mortem
from sentinel.store.ports import CaseTx
from sentinel.store.private_file import write_new
from sentinel.web.console.i18n import load_words
from sentinel.web.console.words import word_for

Reference = Annotated[str, typer.Argument(help="Reference (INC-2026-0001) or id.")]
Language = Annotated[Literal["fr", "en"], typer.Option(help="Language.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder to write copies to as well; never over another file.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``incident``."""
    app.command("post-mortem")(draft_post_mortem)
    app.command("call-script")(draft_call_script)


def draft_post_mortem(
    context: typer.Context,
    reference: Reference,
    language: Language = "fr",
    out: Out = None,
    token_file: TokenFile = None,
) -> None:
    """Draft the post-mortem from the journal, Markdown and PDF, and file it in the case."""
    settings, now = config.load(context.obj), SystemClock().now()
    words = load_words(language)
    with acting(settings, token_file) as (tx, actor):
        incident = _case(tx, actor, reference)
        found = post_mortem(tx, incident, now)
        paper = paper_of(
            found, language, lambda table, code: words.gettext(word_for(table, code)), now,
            settings.timezone,
        )  # fmt: skip
        drafts = _drafts(paper, incident, "post_mortem", paper.pdf(now, settings.notifiers_path))
        filed = file_drafts(
            tx, root=settings.data_dir, incident=incident, drafts=drafts, actor=actor, now=now,
            sealer=open_sealer(settings),
        )  # fmt: skip
    _say([one.id for one in filed], drafts, out)


def draft_call_script(
    context: typer.Context,
    reference: Reference,
    language: Language = "fr",
    out: Out = None,
    token_file: TokenFile = None,
) -> None:
    """Draft what the call centre says, from the letter and without names; file it in the case."""
    settings, now = config.load(context.obj), SystemClock().now()
    with acting(settings, token_file) as (tx, actor):
        incident = _case(tx, actor, reference)
        paper = call_script(
            incident, incident.affected, settings.organisation, language, now,
            settings.notifiers_path,
        )  # fmt: skip
        drafts = _drafts(paper, incident, "call_script", paper.pdf(now, settings.notifiers_path))
        filed = file_drafts(
            tx, root=settings.data_dir, incident=incident, drafts=drafts, actor=actor, now=now,
            sealer=open_sealer(settings),
        )  # fmt: skip
    _say([one.id for one in filed], drafts, out)


def _case(tx: CaseTx, actor: Actor, reference: str) -> Incident:
    if not actor.roles or actor.has(Role.ADMIN, Role.AUDITOR, Role.SERVICE):
        raise Refused("drafting takes a role that writes to cases")
    return tx.incidents.get(reference)


def _drafts(paper: Paper, incident: Incident, kind: str, pdf: bytes) -> list[Draft]:
    name = f"{incident.reference}-{kind.replace('_', '-')}-{paper.language}"
    return [
        Draft(
            kind=kind,
            language=paper.language,
            media_type=media_type,
            name=f"{name}.{ending}",
            content=content,
        )
        for ending, media_type, content in (
            ("md", "text/markdown", paper.markdown().encode()),
            ("pdf", "application/pdf", pdf),
        )
    ]


def _say(ids: list[str], drafts: list[Draft], out: Path | None) -> None:
    for one, draft in zip(ids, drafts, strict=True):
        if out is not None:
            write_new(out / draft.name, draft.content)
            line(str(out / draft.name))
        else:
            line(f"{one}  {draft.name}  (sentinel dossier document)")
