"""``sentinel scope note`` and ``answer``: what staff are told, and what they answer."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line
from sentinel.cli.scope.options import AsJson
from sentinel.clock import SystemClock, isoformat
from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.model import Role, ScopeModel
from sentinel.errors import UsageError
from sentinel.notify.staff_note import staff_note
from sentinel.respond.staff_answers import accept_answer, answers, record_answer


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("note")(note_to_staff)
    app.command("answer")(answer)


def note_to_staff(
    context: typer.Context,
    language: Annotated[Literal["fr", "en"] | None, typer.Option(help="Of the note.")] = None,
) -> None:
    """Write the note that informs staff, from the settings and the scope model in force.

    What is missing stands in brackets. Give it to staff, then set scope.staff.informed_on.
    """
    settings = config.load(context.obj)
    words = language or settings.language
    model = load_scope(parts.content_of(settings, "scopes"))
    roles = [_role(role, model, words) for role in model.roles.values()]
    titles = [one.title.fr if words == "fr" else one.title.en for one in model.templates]
    line(staff_note(settings, words, roles=roles, templates=titles).rstrip())


def _role(role: Role, model: ScopeModel, language: str) -> str:
    """Return a role with the categories that it covers, in words."""
    known = model.data_categories
    told = [known[name].title if name in known else None for name in role.categories]
    categories = [
        getattr(title, language).lower() if title else name
        for title, name in zip(told, role.categories, strict=True)
    ]
    return f"{getattr(role.title, language)} ({', '.join(categories)})"


def answer(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(metavar="ALERT", help="Alert that asks.")],
    by: Annotated[str, typer.Option(help="Who answers, or who accepts.")] = "",
    text: Annotated[str, typer.Option(help="The explanation.")] = "",
    evidence: Annotated[str, typer.Option(help="Where it can be checked.")] = "",
    manager: Annotated[bool, typer.Option("--manager", help="It is the manager's.")] = False,
    accept: Annotated[
        int | None,
        typer.Option(help="Accept the answer with this number: it becomes a business fact."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record what a member of staff, or the manager, answers; without --text and --accept, list.

    The answer is kept in the journal beside the alert and revises nothing by itself.
    """
    if accept is not None and text:
        raise UsageError("--text gives an answer, --accept accepts one: not both")
    settings = config.load(context.obj)
    now = SystemClock().now()
    with parts.reading(settings) as tx:
        if text:
            record_answer(
                tx, alert_id, by=by, text=text, evidence=evidence, manager=manager, now=now
            )
        elif accept is not None:
            accept_answer(tx, alert_id, accept, by=by, now=now)
        found = answers(tx, tx.alerts.get(alert_id).id)
    if as_json:
        json(found)
        return
    for one in found:
        role = " (manager)" if one.manager else ""
        line(f"{one.seq}  {isoformat(one.at)}  {one.by}{role}: {one.text}")
        line(f"    evidence: {one.evidence or '-'}; accepted by: {one.accepted_by or '-'}")
    if not found:
        line("no answer yet")
