"""The pages on which a commander works a case: qualification, timeline, tasks, evidence, decisions.

Every form carries the version of the case that its reader saw. Who acts on an older one is shown
what changed, and nothing is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from sentinel.domain.incident import Incident, Legal
from sentinel.domain.record import Answer, Assessment, Evidence, Proposal, Task
from sentinel.legal.qualification import questions
from sentinel.notify.clock_sheet import clock_sheet_pdf
from sentinel.respond import qualify
from sentinel.respond.timeline import timeline
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.dispatch import COUNTS, Stale, as_seen, run
from sentinel.respond.workflow.lateness import notified_late
from sentinel.respond.workflow.spec import Argument, Kind, read_arguments
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import PAGES, language_of, page
from sentinel.web.console.sheet_paper import sheet_data
from sentinel.web.console.views.clocks import ClockRow, clock_row
from sentinel.web.console.views.forms import BadForm, dated_facts, instant, text
from sentinel.web.console.views.people import name_of

T = TypeVar("T")
PAGES_OF_CASE = ("", "/qualification", "/timeline", "/tasks", "/evidence", "/decisions")
PROPOSALS: dict[str, tuple[Argument, ...]] = {
    "close": (
        Argument(name="outcome", kind=Kind.TEXT, means="", choices=("register", "authority",
                 "high_risk", "false_positive", "incident_only")),
        Argument(name="reason", kind=Kind.LONG, means=""),
    ),
    "decide_no_notification": (Argument(name="reasons", kind=Kind.LONG, means=""),),
    "amend_awareness": (
        Argument(name="aware_at", kind=Kind.INSTANT, means=""),
        Argument(name="basis", kind=Kind.LONG, means=""),
    ),
}  # fmt: skip


class Head(msgspec.Struct, frozen=True):
    """What stands on top of each of these pages: the case, and its running clocks."""

    incident: Incident
    running: list[ClockRow]


def head(tx: CaseTx, asked: str, now: datetime) -> Head:
    """Return the head of a case. Raises NotFound."""
    incident = tx.incidents.get(asked)
    rows = [
        clock_row(one, now=now, href="", label=incident.reference)
        for one in tx.incidents.deadlines(incident.id, open_only=True)
    ]
    return Head(incident, rows)


async def _look(request: web.Request, look: Callable[[CaseTx, Incident], T]) -> tuple[Head, T]:
    service = request.app[CONSOLE]
    now, asked = service.clock.now(), request.match_info["id"]

    def query(tx: CaseTx) -> tuple[Head, T]:
        found = head(tx, asked, now)
        return found, look(tx, found.incident)

    return await service.in_store(query)


def _show(request: web.Request, template: str, top: Head, **facts: object) -> web.Response:
    known = {"incident": top.incident, "head": top, "specs": SPECS} | facts
    return page(request, template, status=200, **known)


@case_content
async def show_timeline(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/timeline``: when it occurred beside when it was recorded."""

    def look(tx: CaseTx, incident: Incident) -> list[tuple[object, str]]:
        return [(one, name_of(tx, one.actor)) for one in timeline(tx, incident)]

    top, moments = await _look(request, look)
    return _show(request, "timeline.html", top, moments=moments)


@case_content
async def show_tasks(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/tasks``."""

    def look(tx: CaseTx, incident: Incident) -> list[tuple[Task, str, str]]:
        return [
            (one, name_of(tx, one.owner), name_of(tx, one.done_by))
            for one in tx.records.find(Task, incident.id)
        ]

    top, tasks = await _look(request, look)
    return _show(request, "tasks.html", top, tasks=tasks)


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
                for state in ("open", "acknowledged")
                for one in tx.alerts.find(limit=50)
                if one.state == state
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
    top, facts = await _look(request, look)
    late = bool(facts.pop("late"))
    return _show(
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

    top, facts = await _look(request, look)
    return _show(request, "qualification.html", top, questions=questions(), **facts)


@case_content
async def show_sheet(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/sheet``: every due instant on paper, for the night without Sentinel."""
    top, clocks = await _look(request, lambda tx, incident: tx.incidents.deadlines(incident.id))
    now = request.app[CONSOLE].clock.now()
    rows = [clock_row(one, now=now, href="", label="") for one in clocks]
    return _show(request, "sheet.html", top, rows=rows)


@case_content
async def print_sheet(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/sheet.pdf``."""
    top, clocks = await _look(request, lambda tx, incident: tx.incidents.deadlines(incident.id))
    now, language = request.app[CONSOLE].clock.now(), language_of(request)
    data = sheet_data(top.incident, clocks, request.app[PAGES], language, now)
    content = await asyncio.to_thread(clock_sheet_pdf, data, at=now)
    answer = web.Response(body=content, content_type="application/pdf")
    name = f"{top.incident.reference}-sheet-{language}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@case_action
async def do(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/do/{command}``: any command of the workflow, from a form."""
    spec = SPECS.get(request.match_info["command"])
    if spec is None or spec.subject != "incident":
        raise web.HTTPNotFound
    given = await _fields(request, spec.arguments)
    return await _perform(request, spec.name, read_arguments(spec, given), "did")


@case_action
async def propose(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/propose/{command}``: what a second person must approve."""
    command = request.match_info["command"]
    if command not in PROPOSALS:
        raise web.HTTPNotFound
    given = await _fields(request, PROPOSALS[command])
    arguments = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in given.items()
    }
    asked = {"command": command, "arguments": arguments}
    return await _perform(request, "propose", asked, "proposed")


@case_action
async def answer(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/answers``: one question, known or not known yet."""
    field = await text(request, "field")
    posted = await request.post()
    value: object
    if posted.get("unknown"):
        due = await instant(request, "due", request.app[CONSOLE].settings.timezone)
        owner = await text(request, "owner")
        value = {"unknown": {"owner": owner, "due": due.isoformat()}}
    elif any(one.id == field and one.type == "many" for one in questions()):
        value = [str(one) for one in posted.getall("value", [])]
    else:
        value = await text(request, "value")
    given = {
        "field": field,
        "value": value,
        "established": (await text(request, "certainty", required=False)) != "assumed",
    }
    return await _perform(request, "answer", given, "answered")


@case_action
async def score(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/score``: the ENISA score of what the form says."""
    posted = {name: str(value) for name, value in (await request.post()).items()}
    losses = ("confidentiality", "integrity", "availability", "malicious_intent")
    people = posted.get("individuals", "").strip()
    try:
        inputs = {
            "dpc": int(posted.get("dpc", "")),
            "ei": posted.get("ei", ""),
            "cb": {name: float(posted.get(name, "")) for name in losses},
            "individuals": int(people) if people else None,
            "unintelligible": posted.get("unintelligible") == "1",
        }
    except ValueError as error:
        raise BadForm("a figure of the score is missing") from error
    return await _perform(request, "assess_severity", {"inputs": inputs}, "scored")


async def _perform(
    request: web.Request, name: str, arguments: Mapping[str, object], done: str
) -> web.StreamResponse:
    service = request.app[CONSOLE]
    asked = request.match_info["id"]
    seen = await version_seen(request)
    actor, now = signed_in(request).actor, service.clock.now()
    beside = service.settings.organisation.clocks_beside

    def work(tx: CaseTx) -> object:
        return run(tx, name, actor, arguments, now=now, subject_id=asked, seen=seen, regimes=beside)

    where = await _back(request)
    try:
        if name in COUNTS:
            case = await service.in_store(lambda tx: as_seen(tx, asked, seen))
            await service.command(name, actor, incident_id=case.id, **arguments)
        else:
            await service.in_store(work)
    except Stale as error:
        return await stale(request, error)
    raise web.HTTPSeeOther(f"{where}?done={done}")


async def stale(request: web.Request, error: Stale) -> web.Response:
    """Say what changed since the page was read; nothing was done."""

    def look(tx: CaseTx, _incident: Incident) -> list[tuple[object, str]]:
        return [(one, name_of(tx, one.actor)) for one in error.changes]

    top, changes = await _look(request, look)
    answer = _show(request, "stale.html", top, changes=changes, back=await _back(request))
    answer.set_status(409)
    return answer


async def version_seen(request: web.Request) -> int | None:
    """Return the version of the case that the form's reader saw; None where it carries none."""
    given = await text(request, "version", required=False)
    if not given:
        return None
    if not (given.isascii() and given.isdigit()):
        raise BadForm("the version is no number")
    return int(given)


async def _back(request: web.Request) -> str:
    part = await text(request, "back", required=False)
    return f"/incidents/{request.match_info['id']}{part if part in PAGES_OF_CASE else ''}"


async def fields(request: web.Request, arguments: tuple[Argument, ...]) -> dict[str, object]:
    """Return the fields of a form as a command takes them; empty optional ones are left out."""
    return await _fields(request, arguments)


async def _fields(request: web.Request, arguments: tuple[Argument, ...]) -> dict[str, object]:
    zone = request.app[CONSOLE].settings.timezone
    posted = await request.post()
    found: dict[str, object] = {}
    for one in arguments:
        if one.kind is Kind.TEXTS:
            found[one.name] = [str(value) for value in posted.getall(one.name, [])]
        elif one.kind is Kind.FLAG:
            found[one.name] = posted.get(one.name) == "1"
        elif one.kind is Kind.FACTS:
            found[one.name] = dated_facts(posted, one.name, zone)
        elif not str(posted.get(one.name, "")).strip() and not one.required:
            continue
        elif one.kind is Kind.INSTANT:
            found[one.name] = await instant(request, one.name, zone)
        elif one.kind is Kind.WHOLE:
            typed = await text(request, one.name)
            if not (typed.isascii() and typed.isdigit() and len(typed) < 7):  # noqa: PLR2004
                raise BadForm(f"{one.name} is a whole number")
            found[one.name] = int(typed)
        else:
            found[one.name] = await text(request, one.name)
    return found
