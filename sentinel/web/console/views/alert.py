"""One alert: why it was raised, by what, on which events; acknowledge, dismiss, promote."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.event import CATEGORY, RECORDS, Event
from sentinel.domain.incident import Incident
from sentinel.respond.staff_answers import StaffAnswer, answers
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import language_of, page
from sentinel.web.console.views.forms import BadForm, back_to, text
from sentinel.web.console.views.people import name_of
from sentinel.web.console.words import KINDS
from sentinel.web.service import Service

OPEN, ACKNOWLEDGED = AlertState.OPEN, AlertState.ACKNOWLEDGED
SHOWN_EVENTS = 50
SHOWN_SUBJECTS = 200


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the events table; ``event`` is None where the event is no longer stored."""

    ref: str
    event: Event | None
    did: str = ""
    outcome: str = ""
    category: str = ""
    records: str = ""


def event_row(ref: str, event: Event | None) -> EventRow:
    """Return what the table shows of ``event``: no query string, no free text."""
    if event is None:
        return EventRow(ref=ref, event=None)
    request = f"{event.text('http.request.method')} {event.text('url.path')}".strip()
    return EventRow(
        ref=ref or event.ref,
        event=event,
        did=event.text("event.action") or request,
        outcome=event.text("event.outcome") or event.text("http.response.status_code"),
        category=event.text(CATEGORY),
        records=event.text(RECORDS),
    )


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /alerts/{id}``."""
    service = request.app[CONSOLE]
    language = language_of(request)
    asked = request.match_info["id"]

    def query(tx: CaseTx) -> tuple[Alert, Incident | None, str, list[StaffAnswer]]:
        found = tx.alerts.get(asked)
        incident = tx.incidents.get(found.incident_id) if found.incident_id else None
        return found, incident, name_of(tx, found.acknowledged_by), answers(tx, found.id)

    alert, incident, acknowledged_by, answered = await service.in_store(query)
    cases = await service.in_store(_cases) if alert.state in (OPEN, ACKNOWLEDGED) else []
    rule = alert.rule
    return page(
        request,
        "alert.html",
        alert=alert,
        incident=incident,
        acknowledged_by=acknowledged_by,
        answered=answered,
        title=rule.titles.get(language, rule.title),
        triage=rule.triage.get(language, rule.triage.get("en", "")),
        reasons=[reason.text(language) for reason in alert.reasons],
        rows=await _rows(service, alert),
        subjects=alert.subjects[:SHOWN_SUBJECTS],
        kinds=KINDS,
        kind=rule.runbook.replace("-", "_"),
        cases=cases,
    )


def _cases(tx: CaseTx) -> list[Incident]:
    """Return the cases that may take an alert in, newest first."""
    return [one for one in tx.incidents.find(open_only=True) if not one.merged_into]


async def _rows(service: Service, alert: Alert) -> list[EventRow]:
    refs = dict(zip(alert.events, alert.refs, strict=False))
    shown = alert.events[:SHOWN_EVENTS]
    return [event_row(refs.get(one, ""), await service.event(one)) for one in shown]


@case_action
async def acknowledge(request: web.Request) -> web.Response:
    """``POST /alerts/{id}/acknowledge``."""
    alert_id = request.match_info["id"]
    actor = signed_in(request).actor
    await request.app[CONSOLE].command("acknowledge_alert", actor, alert_id=alert_id)
    back_to(f"/alerts/{alert_id}", "acknowledged")


@case_action
async def dismiss(request: web.Request) -> web.Response:
    """``POST /alerts/{id}/dismiss``: a false positive needs a written reason."""
    alert_id = request.match_info["id"]
    reason = await text(request, "reason")
    actor = signed_in(request).actor
    await request.app[CONSOLE].command("dismiss_alert", actor, alert_id=alert_id, reason=reason)
    back_to(f"/alerts/{alert_id}", "dismissed")


@case_action
async def reopen(request: web.Request) -> web.Response:
    """``POST /alerts/{id}/reopen``: a dismissed alert is taken up again, with a reason."""
    alert_id, reason = request.match_info["id"], await text(request, "reason")
    actor = signed_in(request).actor
    await request.app[CONSOLE].command("reopen_alert", actor, alert_id=alert_id, reason=reason)
    back_to(f"/alerts/{alert_id}", "did")


@case_action
async def attach(request: web.Request) -> web.Response:
    """``POST /alerts/{id}/attach``: into a case that is open already."""
    alert_id, incident_id = request.match_info["id"], await text(request, "incident")
    reason, actor = await text(request, "reason"), signed_in(request).actor
    await request.app[CONSOLE].command(
        "attach_alerts", actor, incident_id=incident_id, alert_ids=[alert_id], reason=reason
    )
    back_to(f"/alerts/{alert_id}", "did")


@case_action
async def promote(request: web.Request) -> web.Response:
    """``POST /alerts/{id}/promote``: open an incident."""
    service = request.app[CONSOLE]
    alert_id = request.match_info["id"]
    alert = await service.in_store(lambda tx: tx.alerts.get(alert_id))
    kind = await text(request, "kind")
    if kind not in KINDS:
        raise BadForm("kind is not one of the list")
    incident = await service.command(
        "promote",
        signed_in(request).actor,
        alert_ids=[alert_id],
        title=await text(request, "title"),
        kind=kind,
        runbook=alert.rule.runbook,
    )
    assert isinstance(incident, Incident)  # noqa: S101 - what the command promises
    back_to(f"/incidents/{incident.id}", "promoted")
