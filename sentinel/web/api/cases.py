"""What belongs to a case, over HTTP: timeline, tasks, evidence, proposals, qualification."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from sentinel.domain.deadline import resolve_local
from sentinel.domain.incident import Incident
from sentinel.domain.record import Answer, Assessment, Evidence, Proposal, Task
from sentinel.errors import NotFound
from sentinel.legal.qualification import questions
from sentinel.respond import evidence as files
from sentinel.respond import qualify
from sentinel.respond.timeline import timeline
from sentinel.respond.workflow.dispatch import Stale, as_seen
from sentinel.respond.workflow.gathering import add_evidence, record_access
from sentinel.store.ports import CaseTx
from sentinel.web.api.bodies import answer_json
from sentinel.web.api.commands import etag, stale, version_wanted
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in

T = TypeVar("T")


def add_routes(application: web.Application, prefix: str) -> None:
    """Add the routes under ``prefix``."""
    case = f"{prefix}/incidents/{{id}}"
    router = application.router
    router.add_get(f"{case}/timeline", show_timeline)
    router.add_get(f"{case}/tasks", show_tasks)
    router.add_get(f"{case}/proposals", show_proposals)
    router.add_get(f"{case}/qualification", show_qualification)
    router.add_get(f"{case}/evidence", show_evidence)
    router.add_post(f"{case}/evidence", upload)
    router.add_post(f"{case}/evidence/{{evidence}}/export", export)


@case_content
async def show_timeline(request: web.Request) -> web.Response:
    """``GET .../timeline``: each moment with when it occurred and when it was recorded."""
    return answer_json({"timeline": await _of_case(request, timeline)})


@case_content
async def show_tasks(request: web.Request) -> web.Response:
    """``GET .../tasks``."""
    found = await _of_case(request, lambda tx, one: tx.records.find(Task, one.id))
    return answer_json({"tasks": found})


@case_content
async def show_proposals(request: web.Request) -> web.Response:
    """``GET .../proposals``: what waits for a second person, and what became of the others."""
    found = await _of_case(request, lambda tx, one: tx.records.find(Proposal, one.id))
    return answer_json({"proposals": found})


@case_content
async def show_qualification(request: web.Request) -> web.Response:
    """``GET .../qualification?language=``: questions, answers, score, likeness, bridge."""
    language = "fr" if request.query.get("language") == "fr" else "en"

    def look(tx: CaseTx, incident: Incident) -> dict[str, object]:
        scores = tx.records.find(Assessment, incident.id)
        return {
            "questions": [
                {"id": one.id, "label": one.label(language), "type": one.type}
                | {"choices": {choice.code: choice.label(language) for choice in one.choices}}
                for one in questions()
            ],
            "answers": tx.records.find(Answer, incident.id),
            "open": qualify.open_questions(incident),
            "proposed_inputs": qualify.proposed_inputs(incident),
            "assessments": scores,
            "closest": [
                {
                    "id": row.case.id,
                    "title": row.case.title(language),
                    "authority": row.case.authority,
                    "individuals": row.case.individuals,
                    "decisive": row.case.decisive(language),
                    "alike": row.alike,
                    "differs": row.differs,
                }
                for row in qualify.closest(incident, language)
            ],
            "bridge": qualify.bridge(incident, scores[-1] if scores else None, language),
            "decision": {
                "outcome": incident.outcome,
                "reasons": incident.outcome_reasons,
                "departs_from": incident.departs_from,
            },
        }

    return answer_json(await _of_case(request, look))


@case_content
async def show_evidence(request: web.Request) -> web.Response:
    """``GET .../evidence``: what was taken in, with its custody; not the bytes."""
    found = await _of_case(request, lambda tx, one: tx.records.find(Evidence, one.id))
    return answer_json({"evidence": found})


@case_action
async def upload(request: web.Request) -> web.Response:
    """``POST .../evidence?name=&described=&source=&acquired_at=``: the body is the file.

    ``If-Match`` may say which version of the case was seen.
    """
    service = request.app[CONSOLE]
    query = request.query
    label = files.Label(
        name=query.get("name", ""),
        media_type=request.content_type,
        described=query.get("described", ""),
        source=query.get("source", ""),
        acquired_at=resolve_local(query.get("acquired_at", ""), ""),
    )
    actor, now = signed_in(request).actor, service.clock.now()
    version_wanted(request)
    await _of_case(request, lambda _, incident: incident.id)
    content = await _body(request)
    taken = await asyncio.to_thread(
        files.take_in,
        service.settings.data_dir,
        service.sealer,
        content,
        label=label,
        actor=actor,
        now=now,
    )
    asked, seen = request.match_info["id"], version_wanted(request)

    def add(tx: CaseTx) -> Incident:
        as_seen(tx, asked, seen)
        return add_evidence(tx, actor, asked, evidence=taken, now=now)

    try:
        changed = await service.in_store(add)
    except Stale as error:
        return stale(error)
    answer = answer_json({"id": taken.id, "sha256": taken.sha256, "size": taken.size}, status=201)
    answer.headers["ETag"] = etag(changed.version)
    return answer


@case_content
async def export(request: web.Request) -> web.Response:
    """``POST .../evidence/{evidence}/export?purpose=``: the bytes, hashed again, with custody."""
    service = request.app[CONSOLE]
    wanted = request.match_info["evidence"]

    def find(tx: CaseTx, incident: Incident) -> Evidence:
        found = tx.records.get(Evidence, wanted)
        if found.incident_id != incident.id:
            raise NotFound("this case has no such evidence")
        return found

    evidence = await _of_case(request, find)
    content, found = await asyncio.to_thread(
        files.read_out, service.settings.data_dir, service.sealer, evidence
    )
    actor, now = signed_in(request).actor, service.clock.now()
    purpose = request.query.get("purpose", "")
    await service.in_store(
        lambda tx: record_access(
            tx,
            actor,
            tx.records.get(Evidence, wanted),
            act="export",
            purpose=purpose,
            found_sha256=found,
            now=now,
        )
    )
    answer = web.Response(body=content, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{evidence.id}"'
    answer.headers["Digest"] = f"sha-256={hashlib.sha256(content).hexdigest()}"
    return answer


async def _body(request: web.Request) -> bytes:
    """Return the body up to the size of an evidence, which is more than that of a form."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > files.MAX_BYTES:
            raise web.HTTPRequestEntityTooLarge(files.MAX_BYTES, len(content))
    return bytes(content)


async def _of_case(request: web.Request, look: Callable[[CaseTx, Incident], T]) -> T:
    asked = request.match_info["id"]
    return await request.app[CONSOLE].in_store(lambda tx: look(tx, tx.incidents.get(asked)))
