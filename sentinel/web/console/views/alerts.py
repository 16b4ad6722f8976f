"""The list of alerts, by state, and the same list as CSV and JSON."""

from __future__ import annotations

import csv
import io

import msgspec
from aiohttp import web

from sentinel.clock import isoformat
from sentinel.domain.alert import Alert, AlertState
from sentinel.store.ports import CaseTx
from sentinel.web.api.records import alert_record
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.pages import page
from sentinel.web.paging import PER_PAGE, wanted_page, wanted_state

EXPORT_LIMIT = 10_000
COLUMNS = (
    "id",
    "state",
    "level",
    "rule",
    "title",
    "actor",
    "subjects",
    "first",
    "last",
    "count",
    "event_count",
    "incident_id",
)


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /alerts``."""
    state, number = wanted_state(request), wanted_page(request)

    def query(tx: CaseTx) -> tuple[list[Alert], dict[str, int]]:
        counts = {one.value: tx.alerts.count(state=one) for one in AlertState}
        found = tx.alerts.find(state=state, limit=PER_PAGE, offset=(number - 1) * PER_PAGE)
        return found, counts

    alerts, counts = await request.app[CONSOLE].in_store(query)
    total = counts[state] if state else sum(counts.values())
    return page(
        request,
        "alerts.html",
        alerts=alerts,
        counts=counts,
        state=state.value if state else "",
        total=total,
        number=number,
        pages=max(1, -(-total // PER_PAGE)),
    )


@case_content
async def export(request: web.Request) -> web.Response:
    """``GET /alerts.csv`` and ``GET /alerts.json``: the filtered list, newest first."""
    state = wanted_state(request)
    alerts = await request.app[CONSOLE].in_store(
        lambda tx: tx.alerts.find(state=state, limit=EXPORT_LIMIT)
    )
    if request.path.endswith(".json"):
        body = msgspec.json.encode([alert_record(alert) for alert in alerts])
        response = web.Response(body=body, content_type="application/json")
    else:
        response = web.Response(text=as_csv(alerts), content_type="text/csv", charset="utf-8")
    name = request.path.removeprefix("/")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_csv(alerts: list[Alert]) -> str:
    """Return RFC 4180 lines with a header; no cell is read as a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for alert in alerts:
        row = [
            alert.id,
            alert.state,
            alert.rule.level,
            alert.rule.slug,
            alert.rule.title,
            alert.actor,
            len(alert.subjects),
            isoformat(alert.first),
            isoformat(alert.last),
            alert.count,
            alert.event_count,
            alert.incident_id,
        ]
        writer.writerow([_inert(str(cell)) for cell in row])
    return out.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
