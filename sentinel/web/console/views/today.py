"""Today: the clocks first, then what is open by level, then what is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline
from sentinel.errors import NotFound
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, signed_in
from sentinel.web.auth.roles import reads_cases
from sentinel.web.console.pages import page
from sentinel.web.console.views.clocks import ClockRow, clock_row

SILENT_AFTER = timedelta(minutes=15)
SHOWN_ALERTS = 50


class Source(msgspec.Struct, frozen=True):
    """A source of events and whether it has gone silent."""

    name: str
    last_seen: datetime | None
    silent: bool


async def show(request: web.Request) -> web.Response:
    """``GET /``."""
    service = request.app[CONSOLE]
    now = service.clock.now()
    clocks: list[ClockRow] = []
    alerts: list[Alert] = []
    if reads_cases(signed_in(request).account.roles):
        clocks, alerts = await service.in_store(lambda tx: _cases(tx, now))
    status = service.status()
    return page(
        request,
        "today.html",
        clocks=clocks,
        alerts=alerts,
        sources=sources_of(status, now),
        events=status.get("events"),
        spool_lag=status.get("spool_lag"),
    )


def _cases(tx: CaseTx, now: datetime) -> tuple[list[ClockRow], list[Alert]]:
    clocks = [_row(tx, deadline, now) for deadline in tx.incidents.deadlines(open_only=True)]
    alerts = tx.alerts.find(state=AlertState.OPEN, limit=SHOWN_ALERTS)
    alerts.sort(key=lambda alert: -alert.rule.level.rank)
    return clocks, alerts


def _row(tx: CaseTx, deadline: Deadline, now: datetime) -> ClockRow:
    """Return the row of a deadline; that of an acknowledgement belongs to an alert."""
    try:
        incident = tx.incidents.get(deadline.incident_id)
    except NotFound:
        return clock_row(
            deadline, now=now, href=f"/alerts/{deadline.incident_id}", label=_alert(tx, deadline)
        )
    return clock_row(
        deadline,
        now=now,
        href=f"/incidents/{incident.id}",
        label=f"{incident.reference} · {incident.title}",
    )


def _alert(tx: CaseTx, deadline: Deadline) -> str:
    try:
        return tx.alerts.get(deadline.incident_id).rule.title
    except NotFound:
        return deadline.incident_id


def sources_of(status: dict[str, object], now: datetime) -> list[Source]:
    """Return the sources that ``status`` names, silent ones first."""
    listed = status.get("sources")
    found: list[Source] = []
    for item in listed if isinstance(listed, list) else []:
        seen = item.get("last_seen")
        last = datetime.fromisoformat(seen) if isinstance(seen, str) and seen else seen
        last = last if isinstance(last, datetime) else None
        found.append(Source(str(item["name"]), last, last is None or now - last > SILENT_AFTER))
    return sorted(found, key=lambda source: (not source.silent, source.name))
