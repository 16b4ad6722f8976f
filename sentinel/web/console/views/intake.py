"""A case opened by hand: somebody called, wrote, came by, or a processor gave notice."""

from __future__ import annotations

from aiohttp import web

from sentinel.domain.incident import Incident
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.respond.workflow.dispatch import run
from sentinel.respond.workflow.spec import read_arguments
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import page
from sentinel.web.console.views.forms import back_to, fields
from sentinel.web.console.words import KINDS


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /intake``."""
    return page(request, "intake.html", spec=SPECS["intake"], kinds=KINDS)


@case_action
async def take_in(request: web.Request) -> web.Response:
    """``POST /intake``."""
    service = request.app[CONSOLE]
    spec = SPECS["intake"]
    arguments = read_arguments(spec, await fields(request, spec.arguments))
    actor, now = signed_in(request).actor, service.clock.now()
    beside = service.settings.organisation.clocks_beside
    made = await service.in_store(
        lambda tx: run(tx, "intake", actor, arguments, now=now, regimes=beside)
    )
    where = made.id if isinstance(made, Incident) else ""
    back_to(f"/incidents/{where}", "promoted")
