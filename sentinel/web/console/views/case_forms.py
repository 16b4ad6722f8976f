"""What the forms of a case do: any command, a proposal, an answer, a score.

Every form carries the version of the case that its reader saw. Who acts on an older one is shown
what changed, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from sentinel.domain.incident import Incident
from sentinel.legal.qualification import questions
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.dispatch import COUNTS, Stale, as_seen, run
from sentinel.respond.workflow.spec import Argument, Kind, read_arguments
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, signed_in
from sentinel.web.console.views.case_page import look_up, show_page
from sentinel.web.console.views.forms import BadForm, fields, instant, text
from sentinel.web.console.views.people import name_of

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


@case_action
async def do(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/do/{command}``: any command of the workflow, from a form."""
    spec = SPECS.get(request.match_info["command"])
    if spec is None or spec.subject != "incident":
        raise web.HTTPNotFound
    given = await fields(request, spec.arguments)
    return await _perform(request, spec.name, read_arguments(spec, given), "did")


@case_action
async def propose(request: web.Request) -> web.StreamResponse:
    """``POST /incidents/{id}/propose/{command}``: what a second person must approve."""
    command = request.match_info["command"]
    if command not in PROPOSALS:
        raise web.HTTPNotFound
    given = await fields(request, PROPOSALS[command])
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

    top, changes = await look_up(request, look)
    answer = show_page(request, "stale.html", top, changes=changes, back=await _back(request))
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
