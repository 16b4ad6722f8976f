"""The runbook of a case: its steps, who did them, and the next one to do."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from aiohttp import web

from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Incident, StepRecord
from sentinel.domain.runbook import Runbook, Step
from sentinel.errors import NotFound
from sentinel.respond import runbooks
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import language_of, page
from sentinel.web.console.views.forms import back_to, text
from sentinel.web.console.views.people import name_of


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``within``: from the start; ``due``: the instant, once the runbook runs.

    ``owner``: who has it in hand; ``by``: who did it or left it out; ``late``: not done in time.
    """

    step: Step
    within: timedelta
    due: datetime | None
    done: StepRecord | None
    by: str
    owner: str
    late: bool
    mine: bool


async def _book(request: web.Request, slug: str) -> Runbook | None:
    """Return a runbook in the visitor's language, its placeholders filled; None without one."""
    settings = request.app[CONSOLE].settings
    try:
        book = await asyncio.to_thread(
            runbooks.find_runbook, settings.runbooks_path, slug, language_of(request)
        )
    except NotFound:
        return None
    return book.filled(settings.organisation.placeholders)


def _shelf(folder: Path, language: str) -> list[tuple[str, str]]:
    """Return id and title of every runbook."""
    books = runbooks.load_runbooks(folder)
    return [(slug, book.heading.title) for (slug, code), book in books.items() if code == language]


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/runbook``."""
    service = request.app[CONSOLE]
    asked = request.match_info["id"]

    def query(tx: CaseTx) -> tuple[Incident, dict[str, str], dict[str, str]]:
        incident = tx.incidents.get(asked)
        by = {step: name_of(tx, done.by) for step, done in incident.steps.items()}
        return incident, by, {s: name_of(tx, one) for s, one in incident.step_owners.items()}

    incident, names, owners = await service.in_store(query)
    book = await _book(request, incident.runbook)
    actor, now = signed_in(request).actor, service.clock.now()
    planned = {step.id: step.due_at for step in incident.runbook_plan}
    rows = []
    for step in book.steps if book else ():
        due, done = planned.get(step.id), incident.steps.get(step.id)
        rows.append(
            StepRow(
                step=step,
                within=parse_duration(step.within),
                due=due,
                done=done,
                by=names.get(step.id, ""),
                owner=owners.get(step.id, ""),
                late=due is not None and (done.at if done else now) > due,
                mine=actor.has(step.role),
            )
        )
    return page(
        request,
        "runbook.html",
        incident=incident,
        book=book,
        rows=rows,
        shelf=await asyncio.to_thread(_shelf, service.settings.runbooks_path, language_of(request)),
        edited=book is not None
        and bool(incident.runbook_plan)
        and book.heading.version != incident.runbook_version,
    )


@case_action
async def start(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/runbook``: start it, or stop it with ``reason``.

    ``runbook``: the id of another one than that of the rule; the times of the steps run from now.
    """
    service, actor = request.app[CONSOLE], signed_in(request).actor
    incident_id = request.match_info["id"]
    reason = await text(request, "reason", required=False)
    if reason:
        await service.command("stop_runbook", actor, incident_id=incident_id, reason=reason)
        back_to(f"/incidents/{incident_id}/runbook", "runbook_stopped")
    incident = await service.in_store(lambda tx: tx.incidents.get(incident_id))
    slug = await text(request, "runbook", required=False) or incident.runbook
    book = await _book(request, slug)
    if book is None:
        raise NotFound("this case has no runbook")
    await service.command("start_runbook", actor, incident_id=incident_id, runbook=book)
    back_to(f"/incidents/{incident_id}/runbook", "runbook")


@case_action
async def complete(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/runbook/{step}``: the visitor did this step, or leaves it out.

    ``reason``: why it is left out. ``owner``: whose hands it goes to instead.
    """
    incident_id = request.match_info["id"]
    given = {"incident_id": incident_id, "step_id": request.match_info["step"]}
    reason = await text(request, "reason", required=False)
    owner = await text(request, "owner", required=False)
    if reason:
        name, more = "skip_step", {"reason": reason}
    elif owner:
        name, more = "assign_step", {"owner": owner}
    else:
        name, more = "complete_step", {"evidence": await text(request, "evidence", required=False)}
    await request.app[CONSOLE].command(name, signed_in(request).actor, **given, **more)
    back_to(f"/incidents/{incident_id}/runbook", "step")
