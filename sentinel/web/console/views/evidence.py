"""Evidence of a case: what was taken in, who had it in hand; into the house, and out of it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sentinel.domain.incident import Incident
from sentinel.domain.record import Custody, Evidence
from sentinel.errors import NotFound
from sentinel.respond import evidence as files
from sentinel.respond.workflow.dispatch import Stale, as_seen
from sentinel.respond.workflow.gathering import add_evidence, record_access
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.views.case_forms import stale, version_seen
from sentinel.web.console.views.case_page import look_up, show_page
from sentinel.web.console.views.forms import BadForm, instant, text
from sentinel.web.console.views.people import name_of


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/evidence``."""

    def look(tx: CaseTx, incident: Incident) -> list[tuple[Evidence, list[tuple[Custody, str]]]]:
        return [
            (one, [(line, name_of(tx, line.by)) for line in one.custody])
            for one in tx.records.find(Evidence, incident.id)
        ]

    top, found = await look_up(request, look)
    return show_page(request, "evidence.html", top, found=found)


@case_action
async def take_in(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/evidence``: a file of at most what a form may carry."""
    service = request.app[CONSOLE]
    sent = (await request.post()).get("file")
    if not isinstance(sent, web.FileField):
        raise BadForm("choose a file")
    acquired = await instant(request, "acquired_at", service.settings.timezone)
    label = files.Label(
        name=sent.filename,
        media_type=sent.content_type,
        described=await text(request, "described"),
        source=await text(request, "source", required=False),
        acquired_at=acquired,
    )
    actor, now, seen = signed_in(request).actor, service.clock.now(), await version_seen(request)
    with sent.file:
        content = await asyncio.to_thread(sent.file.read)
    taken = await asyncio.to_thread(
        files.take_in,
        service.settings.data_dir,
        service.sealer,
        content,
        label=label,
        actor=actor,
        now=now,
    )
    asked = request.match_info["id"]

    def add(tx: CaseTx) -> Incident:
        as_seen(tx, asked, seen)
        return add_evidence(tx, actor, asked, evidence=taken, now=now)

    try:
        await service.in_store(add)
    except Stale as error:
        return await stale(request, error)
    raise web.HTTPSeeOther(f"/incidents/{asked}/evidence?done=evidence")


@case_content
async def export(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/evidence/{evidence}/export``: with its purpose, hashed again."""
    service = request.app[CONSOLE]
    asked, wanted = request.match_info["id"], request.match_info["evidence"]
    purpose = await text(request, "purpose")

    def find(tx: CaseTx) -> Evidence:
        found = tx.records.get(Evidence, wanted)
        if found.incident_id != tx.incidents.get(asked).id:
            raise NotFound("this case has no such evidence")
        return found

    evidence = await service.in_store(find)
    content, now_hash = await asyncio.to_thread(
        files.read_out, service.settings.data_dir, service.sealer, evidence
    )
    actor, now = signed_in(request).actor, service.clock.now()
    await service.in_store(
        lambda tx: record_access(
            tx, actor, find(tx), act="export", purpose=purpose, found_sha256=now_hash, now=now
        )
    )
    response = web.Response(body=content, content_type="application/octet-stream")
    name = evidence.name.encode("ascii", "replace").decode().replace("?", "_")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
