"""Dossiers, approvals and the register over HTTP: the same doors as on the command line.

A late dossier without reasons does not leave here either; an approval takes a code at the act.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from sentinel.app import register as registers
from sentinel.app.approvables import present
from sentinel.app.approving import open_approvals
from sentinel.app.dossier_files import PARTS, HandedOut, part_of
from sentinel.app.dossiers import Dossiers
from sentinel.domain.approval import Approval
from sentinel.domain.deadline import resolve_local
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import FilingKind, Incident
from sentinel.domain.record import Evidence
from sentinel.errors import InvalidValue, NotFound
from sentinel.respond import filing
from sentinel.store.ports import CaseTx
from sentinel.web.api.bodies import answer_json, read_json
from sentinel.web.auth.factor import proved
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in


def add_routes(application: web.Application, prefix: str) -> None:
    """Add the routes under ``prefix``."""
    case = f"{prefix}/incidents/{{id}}"
    router = application.router
    router.add_get(f"{case}/dossiers", listed)
    router.add_post(f"{case}/dossiers", freeze)
    router.add_get(f"{case}/dossiers/{{dossier}}/files/{{name}}", export)
    router.add_post(f"{case}/filings", record)
    router.add_get(f"{case}/approvals", approvals)
    router.add_post(f"{case}/approvals", ask)
    router.add_post(f"{case}/approvals/{{approval}}/approve", approve)
    router.add_post(f"{case}/approvals/{{approval}}/refuse", refuse)
    router.add_post(f"{case}/approvals/{{approval}}/withdraw", withdraw)
    router.add_get(f"{prefix}/register", register)


class Freeze(msgspec.Struct, forbid_unknown_fields=True):
    """``kind``: a FilingKind."""

    kind: FilingKind = FilingKind.INITIAL


class Filed(msgspec.Struct, forbid_unknown_fields=True):
    """What the receipt says. ``dossier``, ``receipt``: ids of frozen dossier and evidence."""

    kind: FilingKind
    number: str
    filed_at: str
    dossier: str = ""
    receipt: str = ""


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """``object``: id of a frozen dossier or document. ``code``: of the second factor."""

    object: str
    code: str


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """``code``: of the second factor, now."""

    code: str


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """``reason``: a sentence."""

    reason: str


@case_content
async def listed(request: web.Request) -> web.Response:
    """``GET .../dossiers``: what was frozen to be filed, oldest first."""
    asked = request.match_info["id"]
    found = await request.app[CONSOLE].in_store(
        lambda tx: tx.records.find(FrozenDossier, tx.incidents.get(asked).id)
    )
    return answer_json({"dossiers": found})


@case_action
async def freeze(request: web.Request) -> web.Response:
    """``POST .../dossiers`` ``{"kind": "initial"}``: freeze and sign it as it is now."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    given, asked = await read_json(request, Freeze), request.match_info["id"]
    dossiers, now = Dossiers(service.settings, service.sealer), service.clock.now()
    seen = await service.in_store(lambda tx: dossiers.look(tx, asked))
    counted = await service.casework.affected(seen.incident)
    built = dossiers.build(seen, given.kind, counted, now)
    ready = await asyncio.to_thread(dossiers.ready, seen, built, actor, now)
    kept = await service.in_store(lambda tx: dossiers.freeze(tx, actor, ready, now))
    return answer_json(kept, status=201)


@case_action
async def export(request: web.Request) -> web.Response:
    """``GET .../dossiers/{dossier}/files/{json|sig|pdf|dpv|edpb}?lang=``: a file to copy from.

    ``lang``: of the PDF, ``fr`` (what is filed) or ``en`` (a reading copy). 409 where the dossier
    is late and does not say why (GDPR art. 33(1)).
    """
    service, actor = request.app[CONSOLE], signed_in(request).actor
    dossiers, now = Dossiers(service.settings, service.sealer), service.clock.now()
    asked, wanted = request.match_info["id"], request.match_info["dossier"]
    name, lang = request.match_info["name"], request.query.get("lang", "fr")
    if name not in PARTS:
        raise NotFound(f"files are {', '.join(PARTS)}")
    if lang not in ("fr", "en"):
        raise InvalidValue(f"lang is {lang!r}", hint="fr or en")

    def work(tx: CaseTx) -> tuple[FrozenDossier, list[HandedOut]]:
        record = filing.frozen_of(tx, asked, wanted)
        return record, dossiers.hand_out(tx, actor, record, now)

    record, files = await service.in_store(work)
    if name == "pdf" and lang == "en":
        found = await asyncio.to_thread(dossiers.reading_copy, record, files)
    else:
        found = part_of(files, name)
    answer = web.Response(body=found.content, content_type=found.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return answer


@case_action
async def record(request: web.Request) -> web.Response:
    """``POST .../filings``: what a person filed; always recordable, its gaps become tasks."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    given, asked = await read_json(request, Filed), request.match_info["id"]
    held = open_approvals(service.settings)
    now = service.clock.now()

    def work(tx: CaseTx) -> Incident:
        dossier = filing.frozen_of(tx, asked, given.dossier) if given.dossier else None
        receipt = tx.records.get(Evidence, given.receipt) if given.receipt else None
        if receipt is not None and receipt.incident_id != tx.incidents.get(asked).id:
            raise NotFound("this case has no such evidence")
        return filing.record(
            tx,
            actor,
            asked,
            approvals=held,
            kind=given.kind.value,
            number=given.number,
            filed_at=resolve_local(given.filed_at, ""),
            now=now,
            dossier=dossier,
            receipt=receipt,
        )

    changed = await service.in_store(work)
    return answer_json({"authority": changed.authority, "version": changed.version}, status=201)


@case_content
async def approvals(request: web.Request) -> web.Response:
    """``GET .../approvals``: who stood for what, oldest first."""
    service, asked = request.app[CONSOLE], request.match_info["id"]
    found = await service.in_store(lambda tx: open_approvals(service.settings).of(tx, asked))
    return answer_json({"approvals": [_public(one) for one in found]})


@case_action
async def ask(request: web.Request) -> web.Response:
    """``POST .../approvals`` ``{"object": ..., "code": ...}``: ask a second person."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    given, asked = await read_json(request, Ask), request.match_info["id"]
    factor, now = await proved(service, actor, given.code), service.clock.now()

    def work(tx: CaseTx) -> Approval:
        bound, author = present(tx, service.settings, service.sealer, asked, given.object)
        held = open_approvals(service.settings)
        return held.ask(tx, actor, factor, bound, authors=(author,), now=now)

    return answer_json(_public(await service.in_store(work)), status=201)


@case_action
async def approve(request: web.Request) -> web.Response:
    """``POST .../approvals/{approval}/approve`` ``{"code": ...}``: stand for it, as the second."""
    service, actor = request.app[CONSOLE], signed_in(request).actor
    given, wanted = await read_json(request, Code), request.match_info["approval"]
    asked = request.match_info["id"]
    factor, now = await proved(service, actor, given.code), service.clock.now()

    def work(tx: CaseTx) -> Approval:
        held = open_approvals(service.settings)
        bound = _of_case(tx, held.intact(tx, wanted), asked).bound
        fresh, _ = present(tx, service.settings, service.sealer, asked, bound.object_id)
        return held.approve(tx, actor, factor, wanted, present=fresh, now=now)

    return answer_json(_public(await service.in_store(work)))


@case_action
async def refuse(request: web.Request) -> web.Response:
    """``POST .../approvals/{approval}/refuse`` ``{"reason": ...}``."""
    return await _end(request, "refuse")


@case_action
async def withdraw(request: web.Request) -> web.Response:
    """``POST .../approvals/{approval}/withdraw`` ``{"reason": ...}``."""
    return await _end(request, "withdraw")


@case_content
async def register(request: web.Request) -> web.Response:
    """``GET /api/v1/register?format=&since=&until=&language=``: art. 33(5), signed.

    The proof comes along in the header ``Sentinel-Proof``, as JSON.
    """
    service, actor, query = request.app[CONSOLE], signed_in(request).actor, request.query
    now, zone = service.clock.now(), service.settings.timezone
    form: Literal["csv", "json", "pdf"] = "json"
    for known in ("csv", "pdf"):
        if query.get("format") == known:
            form = known
    found = await service.in_store(
        lambda tx: registers.gather(
            tx,
            service.settings,
            service.sealer,
            actor,
            since=_instant(query.get("since", ""), zone),
            until=_instant(query.get("until", ""), zone),
            language="en" if query.get("language") == "en" else "fr",
            now=now,
        )
    )
    made = await asyncio.to_thread(registers.export, service.settings, found, form, now)
    types = {"csv": "text/csv", "json": "application/json", "pdf": "application/pdf"}
    answer = web.Response(body=made.content, content_type=types[form])
    answer.headers["Sentinel-Proof"] = " ".join(made.proof.decode().split("\n")).strip()
    answer.headers["Content-Disposition"] = f'attachment; filename="register.{form}"'
    return answer


async def _end(request: web.Request, how: Literal["refuse", "withdraw"]) -> web.Response:
    service, actor = request.app[CONSOLE], signed_in(request).actor
    given, wanted = await read_json(request, Reason), request.match_info["approval"]
    asked, now = request.match_info["id"], service.clock.now()

    def work(tx: CaseTx) -> Approval:
        held = open_approvals(service.settings)
        _of_case(tx, held.intact(tx, wanted), asked)
        end = held.refuse if how == "refuse" else held.withdraw
        return end(tx, actor, wanted, reason=given.reason, now=now)

    return answer_json(_public(await service.in_store(work)))


def _of_case(tx: CaseTx, approval: Approval, asked: str) -> Approval:
    if approval.incident_id != tx.incidents.get(asked).id:
        raise NotFound("this case has no such approval")
    return approval


def _instant(text: str, zone: str) -> datetime | None:
    return resolve_local(text, zone) if text else None


def _public(approval: Approval) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(approval)
    plain.pop("mac", None)
    return plain
