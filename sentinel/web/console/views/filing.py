"""Freezing a dossier in the console, standing for it, and taking it out to be copied."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from sentinel.app.approvables import present
from sentinel.app.approving import open_approvals
from sentinel.app.dossier_files import ENGLISH, HandedOut, part_of
from sentinel.app.dossiers import Dossiers
from sentinel.domain.approval import Approval, ApprovalState
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import FilingKind
from sentinel.errors import Refused
from sentinel.respond import filing
from sentinel.store.ports import CaseTx
from sentinel.web.auth.factor import proved
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, signed_in
from sentinel.web.console.views.forms import back_to, text
from sentinel.web.console.views.people import name_of

TAKEN_OUT = ("pdf", ENGLISH, "json", "sig")


class Row(msgspec.Struct, frozen=True):
    """A frozen dossier on the page. ``approval``: the newest that is not void, if any."""

    dossier: FrozenDossier
    approval: Approval | None
    asked_by: str
    approved_by: str
    filed: str


def rows(tx: CaseTx, asked: str) -> list[Row]:
    """Return the frozen dossiers of a case, newest first, with who stood for them."""
    incident = tx.incidents.get(asked)
    filed = {one.dossier: one.number for one in incident.filings if one.dossier}
    approvals = {
        one.bound.object_id: one
        for one in tx.records.find(Approval, incident.id)
        if one.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
    }
    found = []
    for dossier in reversed(tx.records.find(FrozenDossier, incident.id)):
        approval = approvals.get(dossier.id)
        given = approval.approved if approval is not None else None
        found.append(
            Row(
                dossier=dossier,
                approval=approval,
                asked_by=name_of(tx, approval.created_by) if approval else "",
                approved_by=name_of(tx, given.account) if given else "",
                filed=filed.get(dossier.id, ""),
            )
        )
    return found


@case_action
async def freeze(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/dossier/freeze``: ``kind``."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    asked, kind = request.match_info["id"], await text(request, "kind")
    if kind not in list(FilingKind):
        raise Refused(f"{kind!r} is no kind of filing")
    dossiers, now = Dossiers(service.settings, service.sealer), service.clock.now()
    seen = await service.in_store(lambda tx: dossiers.look(tx, asked))
    counted = await service.casework.affected(seen.incident)
    built = dossiers.build(seen, FilingKind(kind), counted, now)
    ready = await asyncio.to_thread(dossiers.ready, seen, built, actor, now)
    await service.in_store(lambda tx: dossiers.freeze(tx, actor, ready, now))
    back_to(f"/incidents/{asked}/dossier", "dossier")


@case_action
async def stand(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/dossier/{dossier}/approval``: ask, or approve what was asked."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    asked, wanted = request.match_info["id"], request.match_info["dossier"]
    factor = await proved(service, actor, await text(request, "code"))
    held, now = open_approvals(service.settings), service.clock.now()

    def work(tx: CaseTx) -> None:
        bound, author = present(tx, service.settings, service.sealer, asked, wanted)
        waiting = [one for one in held.of(tx, asked, wanted) if one.state is ApprovalState.PENDING]
        if waiting:
            held.approve(tx, actor, factor, waiting[-1].id, present=bound, now=now)
        else:
            held.ask(tx, actor, factor, bound, authors=(author,), now=now)

    await service.in_store(work)
    back_to(f"/incidents/{asked}/dossier", "dossier")


@case_action
async def take_out(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/dossier/{dossier}/{name}``: json, sig, pdf or pdf-en, to keep."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    asked, wanted = request.match_info["id"], request.match_info["dossier"]
    name = request.match_info["name"]
    if name not in TAKEN_OUT:
        raise web.HTTPNotFound
    dossiers, now = Dossiers(service.settings, service.sealer), service.clock.now()

    def work(tx: CaseTx) -> tuple[FrozenDossier, list[HandedOut]]:
        record = filing.frozen_of(tx, asked, wanted)
        return record, dossiers.hand_out(tx, actor, record, now)

    record, files = await service.in_store(work)
    if name == ENGLISH:
        found = await asyncio.to_thread(dossiers.reading_copy, record, files)
    else:
        found = part_of(files, name)
    answer = web.Response(body=found.content, content_type=found.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer
