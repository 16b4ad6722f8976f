"""The clock sheet: every due instant of a case on paper, for the night without Sentinel."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sentinel.notify.clock_sheet import clock_sheet_pdf
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.pages import PAGES, language_of
from sentinel.web.console.sheet_paper import sheet_data
from sentinel.web.console.views.case_page import look_up, show_page
from sentinel.web.console.views.clocks import clock_row


@case_content
async def show_sheet(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/sheet``: every due instant on paper, for the night without Sentinel."""
    top, clocks = await look_up(request, lambda tx, incident: tx.incidents.deadlines(incident.id))
    now = request.app[CONSOLE].clock.now()
    rows = [clock_row(one, now=now, href="", label="") for one in clocks]
    return show_page(request, "sheet.html", top, rows=rows)


@case_content
async def print_sheet(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/sheet.pdf``."""
    top, clocks = await look_up(request, lambda tx, incident: tx.incidents.deadlines(incident.id))
    now, language = request.app[CONSOLE].clock.now(), language_of(request)
    data = sheet_data(top.incident, clocks, request.app[PAGES], language, now)
    content = await asyncio.to_thread(clock_sheet_pdf, data, at=now)
    answer = web.Response(body=content, content_type="application/pdf")
    name = f"{top.incident.reference}-sheet-{language}.pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
