"""The pages on which a commander works a case: timeline, tasks, decisions, qualification."""

from __future__ import annotations

from aiohttp import web

from sentinel.domain.alert import AlertState
from sentinel.domain.incident import Incident, Legal
from sentinel.domain.record import Answer, Assessment, Evidence, Proposal, Task
from sentinel.legal.qualification import questions
from sentinel.respond import qualify
from sentinel.respond.timeline import timeline
from sentinel.respond.workflow.lateness import notified_late
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_content, signed_in
from sentinel.web.console.pages import language_of
from sentinel.web.console.views.case_forms import PROPOSALS
from sentinel.web.console.views.case_page import look_up, show_page
from sentinel.web.console.views.people import name_of


@case_content
async def show_timeline(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/timeline``: when it occurred beside when it was recorded."""

    def look(tx: CaseTx, incident: Incident) -> list[tuple[object, str]]:
        return [(one, name_of(tx, one.actor)) for one in timeline(tx, incident)]

    top, moments = await look_up(request, look)
    return show_page(request, "timeline.html", top, moments=moments)


@case_content
async def show_tasks(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/tasks``."""

    def look(tx: CaseTx, incident: Incident) -> list[tuple[Task, str, str]]:
        return [
            (one, name_of(tx, one.owner), name_of(tx, one.done_by))
            for one in tx.records.find(Task, incident.id)
        ]

    top, tasks = await look_up(request, look)
    return show_page(request, "tasks.html", top, tasks=tasks)


@case_content
async def show_decisions(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/decisions``: what was proposed, and every decision that is possible."""

    def look(tx: CaseTx, incident: Incident) -> dict[str, object]:
        return {
            "proposals": [
                (one, name_of(tx, one.created_by), name_of(tx, one.decided_by))
                for one in reversed(tx.records.find(Proposal, incident.id))
            ],
            "alerts": tx.alerts.find(incident_id=incident.id),
            "loose": [
                one
                for state in (AlertState.OPEN, AlertState.ACKNOWLEDGED)
                for one in tx.alerts.find(state=state, limit=50)
            ],
            "clocks": tx.incidents.deadlines(incident.id, open_only=True),
            "late": notified_late(tx.incidents.deadlines(incident.id), now),
            "held": [
                *(
                    (one.id, f"{one.name} – {one.described}")
                    for one in tx.records.find(Evidence, incident.id)
                ),
                *(
                    (one.id, f"{one.kind} ({one.language}, {one.media_type})")
                    for one in tx.incidents.documents(incident.id)
                ),
            ],
        }

    now = request.app[CONSOLE].clock.now()
    top, facts = await look_up(request, look)
    late = bool(facts.pop("late"))
    return show_page(
        request,
        "decisions.html",
        top,
        me=signed_in(request).account.id,
        proposable=PROPOSALS,
        possible=_possible(top.incident, late=late),
        **facts,
    )


def _possible(incident: Incident, *, late: bool) -> list[str]:
    """Return the commands that make sense where the case stands; the workflow decides."""
    closed = incident.legal is Legal.CLOSED
    if incident.merged_into:
        return ["undo_merge"]
    if closed:
        return ["reopen"]
    found = {
        "triage": incident.legal is Legal.SIGNAL,
        "start_investigation": incident.legal in (Legal.SIGNAL, Legal.TRIAGE),
        "extend_investigation": incident.legal is Legal.INVESTIGATION,
        "confirm_breach": incident.aware_at is None,
        "amend_awareness": incident.aware_at is not None,
        "contain": incident.security == "open",
        "eradicate": incident.security == "contained",
        "recover": incident.security == "eradicated",
        "record_filing": True,
        "approve_filing": any(not one.approved_by for one in incident.filings),
        "explain_lateness": late,
        "record_persons": incident.persons in ("undecided", "due"),
        "start_processor_notice": True,
        "record_notice": True,
        "waive_deadline": True,
        "attach_alerts": True,
        "detach_alert": True,
        "move_alert": True,
        "split_case": True,
        "merge_cases": incident.aware_at is None,
    }
    return [name for name, fits in found.items() if fits]


@case_content
async def show_qualification(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/qualification``: questions, score, EDPB's cases, bridge, decision."""
    language = language_of(request)

    def look(tx: CaseTx, incident: Incident) -> dict[str, object]:
        scores = tx.records.find(Assessment, incident.id)
        given: dict[str, list[tuple[Answer, str]]] = {}
        for one in tx.records.find(Answer, incident.id):
            given.setdefault(one.field, []).append((one, name_of(tx, one.created_by)))
        return {
            "given": given,
            "score": scores[-1] if scores else None,
            "closest": qualify.closest(incident, language),
            "bridge": qualify.bridge(incident, scores[-1] if scores else None, language),
            "inputs": scores[-1].inputs if scores else qualify.proposed_inputs(incident),
            "left": len(qualify.open_questions(incident)),
        }

    top, facts = await look_up(request, look)
    return show_page(request, "qualification.html", top, questions=questions(), **facts)
