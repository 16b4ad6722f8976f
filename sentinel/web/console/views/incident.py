"""One incident: two tracks, five instants, clocks, timeline, documents, and what can be done."""

from __future__ import annotations

from datetime import datetime

import msgspec
from aiohttp import web

from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Document, Incident
from sentinel.domain.journal import JournalLine
from sentinel.respond.workflow.dispatch import run
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import page
from sentinel.web.console.views.clocks import ClockRow, clock_row
from sentinel.web.console.views.forms import BadForm, back_to, instant, text
from sentinel.web.console.views.people import name_of
from sentinel.web.console.words import FILINGS

SHOWN_SUBJECTS = 200
SHOWN_LINES = 500


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows, read in one transaction.

    ``timeline``: journal lines, newest first, each with the name of who acted.
    """

    incident: Incident
    clocks: list[ClockRow]
    alerts: list[Alert]
    documents: list[Document]
    timeline: list[tuple[JournalLine, str]]


def read_case(tx: CaseTx, asked: str, now: datetime) -> Case:
    """Return a case by id or reference. Raises NotFound."""
    incident = tx.incidents.get(asked)
    lines = tx.journal.lines(object_id=incident.id)[-SHOWN_LINES:]
    clocks = [
        clock_row(one, now=now, href="", label=incident.reference)
        for one in tx.incidents.deadlines(incident.id)
    ]
    return Case(
        incident=incident,
        clocks=sorted(clocks, key=lambda row: not row.deadline.open),
        alerts=tx.alerts.find(incident_id=incident.id),
        documents=tx.incidents.documents(incident.id),
        timeline=[(line, name_of(tx, line.actor)) for line in reversed(lines)],
    )


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}``."""
    service = request.app[CONSOLE]
    now = service.clock.now()
    asked = request.match_info["id"]
    case = await service.in_store(lambda tx: read_case(tx, asked, now))
    return page(
        request,
        "incident.html",
        incident=case.incident,
        case=case,
        subjects=case.incident.subjects[:SHOWN_SUBJECTS],
        filings=FILINGS,
    )


async def _command(request: web.Request, name: str, **arguments: object) -> str:
    incident_id = request.match_info["id"]
    actor: Actor = signed_in(request).actor
    service = request.app[CONSOLE]
    given = await text(request, "version", required=False)
    seen = int(given) if given.isascii() and given.isdigit() else None
    now, beside = service.clock.now(), service.settings.organisation.clocks_beside
    await service.in_store(
        lambda tx: run(
            tx, name, actor, arguments, now=now, subject_id=incident_id, seen=seen, regimes=beside
        )
    )
    return f"/incidents/{incident_id}"


@case_action
async def start_investigation(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/start-investigation``."""
    back_to(await _command(request, "start_investigation"), "started")


@case_action
async def confirm_breach(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/confirm-breach``: awareness starts the 72 hours (art. 33(1))."""
    zone = request.app[CONSOLE].settings.timezone
    aware_at = await instant(request, "aware_at", zone)
    basis = await text(request, "basis")
    back_to(await _command(request, "confirm_breach", aware_at=aware_at, basis=basis), "confirmed")


@case_action
async def contain(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/contain``: a person isolated the system; this records it."""
    back_to(await _command(request, "contain"), "contained")


@case_action
async def record_filing(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/record-filing``: a person filed with the CNIL; this records it."""
    kind = await text(request, "kind")
    if kind not in FILINGS:
        raise BadForm("kind is not one of the list")
    number = await text(request, "number")
    filed_at = await instant(request, "filed_at", request.app[CONSOLE].settings.timezone)
    reasons = await text(request, "reasons", required=False)
    where = await _command(
        request, "record_filing", kind=kind, number=number, filed_at=filed_at, reasons=reasons
    )
    back_to(where, "filed")
