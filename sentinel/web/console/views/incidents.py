"""The list of incidents, each with its two tracks and its next clock."""

from __future__ import annotations

from aiohttp import web

from sentinel.domain.incident import Incident
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.pages import page
from sentinel.web.console.views.clocks import ClockRow, clock_row


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents``: open ones, or all with ``?all=1``."""
    service = request.app[CONSOLE]
    now = service.clock.now()
    everything = request.query.get("all") == "1"

    def query(tx: CaseTx) -> list[tuple[Incident, ClockRow | None]]:
        found = tx.incidents.find(open_only=not everything)
        return [(incident, _next_clock(tx, incident)) for incident in found]

    def _next_clock(tx: CaseTx, incident: Incident) -> ClockRow | None:
        running = tx.incidents.deadlines(incident.id, open_only=True)
        if not running:
            return None
        return clock_row(running[0], now=now, href="", label=incident.reference)

    return page(
        request, "incidents.html", incidents=await service.in_store(query), everything=everything
    )
