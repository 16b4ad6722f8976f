"""Campaigns of letters over HTTP: where they stand, and the acts on them, by the same doors.

What is read is hashes and counts. Nobody's name or address comes this way: the list for the post is
made on the command line, by two people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from sentinel.app.campaign import desk
from sentinel.app.campaign.house import House, open_house
from sentinel.app.campaign.prepare import prepare_letters
from sentinel.domain.campaign import Campaign
from sentinel.domain.incident import Actor
from sentinel.respond import campaign as commands
from sentinel.store.ports import CaseTx
from sentinel.web.api.bodies import answer_json, read_json
from sentinel.web.auth.factor import proved
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in

T = TypeVar("T")
ACTS = ("start", "continue", "pause", "resume", "stop")
"""Acts without a second factor of their own: `start` rests on an approval."""


class Given(msgspec.Struct, forbid_unknown_fields=True):
    """``reason``: of a pause or stop. ``again``: of a second start. ``code``: second factor."""

    reason: str = ""
    again: str = ""
    code: str = ""


def add_routes(application: web.Application, prefix: str) -> None:
    """Add the routes under ``prefix``."""
    router = application.router
    router.add_get(f"{prefix}/campaigns", listed)
    router.add_get(f"{prefix}/campaigns/{{campaign}}", show)
    router.add_post(f"{prefix}/incidents/{{id}}/campaigns", prepare)
    router.add_post(f"{prefix}/campaigns/{{campaign}}/ask", ask)
    router.add_post(f"{prefix}/campaigns/{{campaign}}/approve", approve)
    for act_ in ACTS:
        router.add_post(f"{prefix}/campaigns/{{campaign}}/{act_}", act)


@case_content
async def listed(request: web.Request) -> web.Response:
    """``GET .../campaigns``: oldest first."""
    found = await request.app[CONSOLE].in_store(lambda tx: tx.records.find(Campaign))
    return answer_json({"campaigns": [public(one) for one in found]})


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET .../campaigns/{campaign}``: with letters by state, failures by name, coverage."""

    def look(tx: CaseTx, house: House, _actor: Actor) -> dict[str, object]:
        found = _found(tx, request)
        return {**public(found), "progress": desk.progress(house, found)}

    return answer_json(await _with_house(request, look))


@case_action
async def prepare(request: web.Request) -> web.Response:
    """``POST .../incidents/{id}/campaigns``: draft the letters, freeze them and the audience."""
    now = request.app[CONSOLE].clock.now()

    def work(tx: CaseTx, house: House, actor: Actor) -> Campaign:
        return prepare_letters(tx, house, actor, request.match_info["id"], now=now)

    return answer_json(public(await _with_house(request, work)), status=201)


@case_action
async def ask(request: web.Request) -> web.Response:
    """``POST .../campaigns/{campaign}/ask`` ``{"code": ...}``: ask a second person."""
    return await _approval(request, desk.ask)


@case_action
async def approve(request: web.Request) -> web.Response:
    """``POST .../campaigns/{campaign}/approve`` ``{"code": ...}``: stand for it, as the second."""
    return await _approval(request, desk.approve)


@case_action
async def act(request: web.Request) -> web.Response:
    """``POST .../campaigns/{campaign}/{act}``: start, continue, pause, resume, stop."""
    given = await read_json(request, Given)
    command, now = request.path.rpartition("/")[2], request.app[CONSOLE].clock.now()

    def work(tx: CaseTx, house: House, actor: Actor) -> Campaign:
        found = _found(tx, request)
        if command == "start":
            return desk.start(tx, house, actor, found, again=given.again, now=now)
        if command == "pause":
            return desk.hold(tx, house, actor, found, reason=given.reason, now=now)
        if command == "stop":
            return desk.end(tx, house, actor, found, reason=given.reason, now=now)
        commands.check(actor, found, command, "", now)
        return desk.go_on(tx, house, actor, found, now=now)

    return answer_json(public(await _with_house(request, work)))


async def _approval(request: web.Request, command: Callable[..., msgspec.Struct]) -> web.Response:
    given, service = await read_json(request, Given), request.app[CONSOLE]
    factor = await proved(service, signed_in(request).actor, given.code)
    now = service.clock.now()

    def work(tx: CaseTx, house: House, actor: Actor) -> msgspec.Struct:
        return command(tx, house, actor, factor, _found(tx, request), now=now)

    made = msgspec.structs.asdict(await _with_house(request, work))
    return answer_json({name: made[name] for name in ("id", "state", "bound", "expires_at")})


def public(campaign: Campaign) -> dict[str, object]:
    """Return a campaign as data: hashes and counts."""
    return {**msgspec.structs.asdict(campaign), "languages": campaign.languages}


async def _with_house(request: web.Request, work: Callable[[CaseTx, House, Actor], T]) -> T:
    service, actor = request.app[CONSOLE], signed_in(request).actor

    def run(tx: CaseTx) -> T:
        with open_house(service.settings, service.sealer) as house:
            return work(tx, house, actor)

    return await service.in_store(run)


def _found(tx: CaseTx, request: web.Request) -> Campaign:
    return commands.get(tx, request.match_info["campaign"])
