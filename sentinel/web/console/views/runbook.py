"""The runbook of a case: its steps, who did them, and the next one to do."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

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
    """One step. ``within``: from the start; ``due``: the instant, once the runbook runs."""

    step: Step
    within: timedelta
    due: datetime | None
    done: StepRecord | None
    by: str
    mine: bool


async def _book(request: web.Request, incident: Incident) -> Runbook | None:
    """Return the runbook in force for a case, in the visitor's language; None without one."""
    folder = request.app[CONSOLE].settings.runbooks_path / incident.runbook
    if not incident.runbook or not folder.is_dir():
        return None
    return await asyncio.to_thread(
        runbooks.read_runbook, folder / f"runbook.{language_of(request)}.md"
    )


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/runbook``."""
    service = request.app[CONSOLE]
    asked = request.match_info["id"]

    def query(tx: CaseTx) -> tuple[Incident, dict[str, str]]:
        incident = tx.incidents.get(asked)
        return incident, {step: name_of(tx, done.by) for step, done in incident.steps.items()}

    incident, names = await service.in_store(query)
    book = await _book(request, incident)
    actor = signed_in(request).actor
    started = incident.runbook_started_at
    rows = [
        StepRow(
            step=step,
            within=parse_duration(step.within),
            due=started + parse_duration(step.within) if started else None,
            done=incident.steps.get(step.id),
            by=names.get(step.id, ""),
            mine=actor.has(step.role),
        )
        for step in (book.steps if book else ())
    ]
    return page(request, "runbook.html", incident=incident, book=book, rows=rows)


async def _needed(request: web.Request) -> Runbook:
    asked = request.match_info["id"]
    incident = await request.app[CONSOLE].in_store(lambda tx: tx.incidents.get(asked))
    book = await _book(request, incident)
    if book is None:
        raise NotFound("this case has no runbook")
    return book


@case_action
async def start(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/runbook``: start it; the times of the steps run from now."""
    incident_id = request.match_info["id"]
    await request.app[CONSOLE].command(
        "start_runbook",
        signed_in(request).actor,
        incident_id=incident_id,
        runbook=await _needed(request),
    )
    back_to(f"/incidents/{incident_id}/runbook", "runbook")


@case_action
async def complete(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/runbook/{step}``: the visitor did this step."""
    incident_id = request.match_info["id"]
    await request.app[CONSOLE].command(
        "complete_step",
        signed_in(request).actor,
        incident_id=incident_id,
        step_id=request.match_info["step"],
        evidence=await text(request, "evidence", required=False),
    )
    back_to(f"/incidents/{incident_id}/runbook", "step")
