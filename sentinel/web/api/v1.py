"""The API, version 1: what a signed-in session, or a token, may read and do, as JSON."""

from __future__ import annotations

from aiohttp import web

from sentinel.store.ports import CaseTx
from sentinel.web.api import blind, campaigns, cases, commands, dossiers
from sentinel.web.api.bodies import answer_json
from sentinel.web.api.openapi import description
from sentinel.web.api.records import alert_record, incident_record
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.paging import PER_PAGE, wanted_page, wanted_state

PREFIX = "/api/v1"


def add_routes(application: web.Application) -> None:
    """Add the routes of the API."""
    application.router.add_get(f"{PREFIX}/health", health)
    application.router.add_get(f"{PREFIX}/alerts", alerts)
    application.router.add_get(f"{PREFIX}/incidents", incidents)
    application.router.add_get(f"{PREFIX}/incidents/{{id}}", incident)
    application.router.add_get(f"{PREFIX}/alerts/{{id}}", alert)
    application.router.add_get(f"{PREFIX}/openapi.json", describe)
    application.router.add_post(
        f"{PREFIX}/incidents/{{id}}/commands/{{command}}", commands.on_incident
    )
    application.router.add_post(f"{PREFIX}/alerts/{{id}}/commands/{{command}}", commands.on_alert)
    application.router.add_post(f"{PREFIX}/commands/{{command}}", commands.opening)
    cases.add_routes(application, PREFIX)
    dossiers.add_routes(application, PREFIX)
    blind.add_routes(application, PREFIX)
    campaigns.add_routes(application, PREFIX)


async def health(request: web.Request) -> web.Response:
    """``GET /api/v1/health``: the console answers. No data, no session.

    ``rules``: ``current``, or ``outdated`` while an error in the folder keeps the old set in force.
    """
    rules = request.app[CONSOLE].status().get("rules")
    outdated = isinstance(rules, dict) and bool(rules.get("error"))
    return _json({"status": "ok", "rules": "outdated" if outdated else "current"})


@case_content
async def alerts(request: web.Request) -> web.Response:
    """``GET /api/v1/alerts?state=&page=``: newest first."""
    state, number = wanted_state(request), wanted_page(request)
    found = await request.app[CONSOLE].in_store(
        lambda tx: tx.alerts.find(state=state, limit=PER_PAGE, offset=(number - 1) * PER_PAGE)
    )
    return _json({"page": number, "alerts": [alert_record(one) for one in found]})


@case_content
async def incidents(request: web.Request) -> web.Response:
    """``GET /api/v1/incidents``: newest first, each with its clocks."""
    found = await request.app[CONSOLE].in_store(
        lambda tx: [
            incident_record(one, tx.incidents.deadlines(one.id)) for one in tx.incidents.find()
        ]
    )
    return _json({"incidents": found})


@case_content
async def incident(request: web.Request) -> web.Response:
    """``GET /api/v1/incidents/{id}``: by id or reference."""
    asked = request.match_info["id"]

    def query(tx: CaseTx) -> tuple[int, dict[str, object]]:
        found = tx.incidents.get(asked)
        return found.version, incident_record(found, tx.incidents.deadlines(found.id))

    version, body = await request.app[CONSOLE].in_store(query)
    return _json(body, version)


@case_content
async def alert(request: web.Request) -> web.Response:
    """``GET /api/v1/alerts/{id}``."""
    asked = request.match_info["id"]
    found = await request.app[CONSOLE].in_store(lambda tx: tx.alerts.get(asked))
    return _json(alert_record(found), found.version)


async def describe(_request: web.Request) -> web.Response:
    """``GET /api/v1/openapi.json``: this API, described (OpenAPI 3.1). No data."""
    return _json(description())


def _json(body: object, version: int = 0) -> web.Response:
    answer = answer_json(body)
    if version:
        answer.headers["ETag"] = commands.etag(version)
    return answer
