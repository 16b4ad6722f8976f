"""Commands over HTTP: idempotent (``Idempotency-Key``), and only on what was seen (``If-Match``).

The command, its journal line and the answer remembered for the key are one transaction: a client
that lost the answer sends the same again and gets the same, and nothing is done twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Incident
from sentinel.errors import InvalidValue
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.dispatch import COUNTS, Stale, as_seen, run
from sentinel.respond.workflow.spec import Command, read_arguments
from sentinel.store.ports import CaseTx
from sentinel.web.api.problem import problem
from sentinel.web.api.records import alert_record, incident_record
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, signed_in

MAX_KEY = 200
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


class Answer(msgspec.Struct, frozen=True):
    """What a command answers, and what is remembered of it."""

    status: int
    body: dict[str, object]
    headers: dict[str, str]
    digest: str = ""


class Refusal(Exception):
    """A request that is refused before anything is done."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


@case_action
async def on_incident(request: web.Request) -> web.Response:
    """``POST /api/v1/incidents/{id}/commands/{command}``."""
    return await _respond(request, "incident")


@case_action
async def on_alert(request: web.Request) -> web.Response:
    """``POST /api/v1/alerts/{id}/commands/{command}``."""
    return await _respond(request, "alert")


@case_action
async def opening(request: web.Request) -> web.Response:
    """``POST /api/v1/commands/{command}``: opens a case."""
    return await _respond(request, "")


async def _respond(request: web.Request, subject: str) -> web.Response:
    try:
        return await _command(request, subject)
    except Refusal as refusal:
        return problem(refusal.status, refusal.detail)
    except Stale as error:
        return stale(error)


def stale(error: Stale) -> web.Response:
    """Return what changed since the client looked (RFC 9110, 412)."""
    changes = msgspec.to_builtins(error.changes)
    told = {"seen": error.seen, "current": error.current, "changes": changes}
    return problem(412, error.message, told)


async def _command(request: web.Request, subject: str) -> web.Response:
    service = request.app[CONSOLE]
    spec = SPECS.get(request.match_info["command"])
    if spec is None or spec.subject != subject:
        raise Refusal(404, f"no command on {subject or 'nothing'} is called so")
    raw = await request.read()
    given = _decoded(raw)
    seen = _seen(request) if subject else None
    actor, now = signed_in(request).actor, service.clock.now()
    arguments = read_arguments(spec, given)
    subject_id = request.match_info.get("id", "")
    key = _key(request, actor)
    digest = hashlib.sha256(
        msgspec.json.encode([spec.name, subject_id, seen, raw.decode("utf-8", "replace")])
    ).hexdigest()
    regimes = service.settings.organisation.clocks_beside

    def work(tx: CaseTx) -> Answer:
        known = _remembered(tx, key, digest)
        if known is not None:
            return known
        result = run(
            tx,
            spec.name,
            actor,
            arguments,
            now=now,
            subject_id=subject_id,
            seen=seen,
            regimes=regimes,
            library=service.settings.runbooks_path,
        )
        answer = _answer(tx, spec, result, digest)
        if key:
            tx.api.remember(key, _plain(answer), now)
        return answer

    if spec.name in COUNTS:
        answer = await _counted(request, spec, arguments, seen, (key, digest))
    else:
        answer = await service.in_store(work)
    return web.Response(
        body=msgspec.json.encode(answer.body),
        status=answer.status,
        headers=answer.headers,
        content_type="application/json",
    )


async def _counted(
    request: web.Request,
    spec: Command,
    arguments: Mapping[str, Any],
    seen: int | None,
    once: tuple[str, str],
) -> Answer:
    """Run a command that looks into the stored events first, which takes longer than a transaction.

    ``once``: idempotency key and digest. Doing one of these again changes nothing.
    """
    service, (key, digest) = request.app[CONSOLE], once
    asked = request.match_info["id"]

    def before(tx: CaseTx) -> tuple[str, Answer | None]:
        known = _remembered(tx, key, digest)
        return as_seen(tx, asked, seen if known is None else None).id, known

    incident_id, known = await service.in_store(before)
    if known is not None:
        return known
    actor = signed_in(request).actor
    result = await service.command(spec.name, actor, incident_id=incident_id, **arguments)

    def after(tx: CaseTx) -> Answer:
        answer = _answer(tx, spec, result, digest)
        if key:
            tx.api.remember(key, _plain(answer), service.clock.now())
        return answer

    return await service.in_store(after)


def _answer(tx: CaseTx, spec: Command, result: object, digest: str) -> Answer:
    if isinstance(result, Alert):
        return Answer(200, _plain(alert_record(result)), {"ETag": etag(result.version)}, digest)
    if not isinstance(result, Incident):
        raise InvalidValue(f"{spec.name} answers nothing")
    body = incident_record(result, tx.incidents.deadlines(result.id))
    headers = {"ETag": etag(result.version)}
    fresh = spec.name in ("promote", "intake", "split_case")
    if fresh:
        headers["Location"] = f"/api/v1/incidents/{result.id}"
    return Answer(201 if fresh else 200, _plain(body), headers, digest)


def etag(version: int) -> str:
    """Return the entity tag of a version (RFC 9110, section 8.8.3)."""
    return f'"{version}"'


def _seen(request: web.Request) -> int:
    try:
        seen = version_wanted(request)
    except InvalidValue as error:
        raise Refusal(400, error.detail) from error
    if seen is None:
        raise Refusal(428, 'send If-Match with the ETag that you saw, such as If-Match: "3"')
    return seen


def version_wanted(request: web.Request) -> int | None:
    """Return the version that ``If-Match`` names; None without it. Raises InvalidValue."""
    given = request.headers.get("If-Match", "").strip()
    if not given:
        return None
    found = _ETAG.fullmatch(given)
    if found is None:
        raise InvalidValue('If-Match is an ETag of ours, such as "3"')
    return int(found[1])


def _key(request: web.Request, actor: Actor) -> str:
    given = request.headers.get("Idempotency-Key", "").strip()
    if len(given) > MAX_KEY:
        raise Refusal(400, f"Idempotency-Key has at most {MAX_KEY} characters")
    return hashlib.sha256(f"{actor.id}\n{given}".encode()).hexdigest() if given else ""


def _remembered(tx: CaseTx, key: str, digest: str) -> Answer | None:
    found = tx.api.remembered(key) if key else None
    if found is None:
        return None
    answer = msgspec.convert(found, Answer)
    if answer.digest != digest:
        raise Refusal(422, "this Idempotency-Key was used for another request")
    return msgspec.structs.replace(
        answer, headers={**answer.headers, "Idempotency-Replayed": "true"}
    )


def _decoded(raw: bytes) -> object:
    if not raw.strip():
        return {}
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        _refuse(400, f"no JSON: {error}")


def _refuse(status: int, detail: str) -> NoReturn:
    raise Refusal(status, detail)


def _plain(value: object) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(value)
    return plain
