"""Today: the clocks first, then what is open by level, then what is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.respond import escalation
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, signed_in
from sentinel.web.auth.roles import reads_cases
from sentinel.web.console.pages import page
from sentinel.web.console.views.clocks import ClockRow, clock_row

SILENT_AFTER = timedelta(minutes=15)
SHOWN_ALERTS = 50


class Unheard(msgspec.Struct, frozen=True):
    """An alarm that no channel delivered. ``reference``: of the case; empty for an alert."""

    reference: str
    href: str
    obligation: str
    due: datetime
    channel: str
    attempts: int


class Today(msgspec.Struct):
    """What a person must see first. ``acknowledge``: alert id to the clock of its taking up.

    ``unheard``: alarms that rang and that no channel delivered.
    """

    clocks: list[ClockRow] = []
    alerts: list[Alert] = []
    acknowledge: dict[str, ClockRow] = {}
    unheard: list[Unheard] = []


class Source(msgspec.Struct, frozen=True):
    """A source of events and whether it has gone silent."""

    name: str
    last_seen: datetime | None
    silent: bool


async def show(request: web.Request) -> web.Response:
    """``GET /``."""
    service = request.app[CONSOLE]
    now = service.clock.now()
    today = Today()
    if reads_cases(signed_in(request).account.roles):
        today = await service.in_store(lambda tx: _today(tx, now))
    status = service.status()
    return page(
        request,
        "today.html",
        clocks=today.clocks,
        alerts=today.alerts,
        acknowledge=today.acknowledge,
        unheard=today.unheard,
        sources=sources_of(status, now),
        events=status.get("events"),
        spool_lag=status.get("spool_lag"),
        blind=len(going_on) if isinstance(going_on := status.get("blind"), list) else 0,
    )


def _today(tx: CaseTx, now: datetime) -> Today:
    alerts = tx.alerts.find(state=AlertState.OPEN, limit=SHOWN_ALERTS)
    alerts.sort(key=lambda alert: -alert.rule.level.rank)
    today = Today(alerts=alerts, unheard=_unheard(tx, now))
    for deadline in tx.incidents.deadlines(open_only=True):
        if deadline.obligation == Obligation.ACK:
            href = f"/alerts/{deadline.incident_id}"
            row = clock_row(deadline, now=now, href=href, label="")
            today.acknowledge[deadline.incident_id] = row
        else:
            today.clocks.append(_case_clock(tx, deadline, now))
    # Limits of the law before targets of our own; each kind by what comes first.
    today.clocks.sort(key=lambda row: (not row.deadline.hard, row.deadline.due_at))
    return today


def _unheard(tx: CaseTx, now: datetime) -> list[Unheard]:
    """Return the undelivered alarms of clocks that still run, newest alarm of each clock only."""
    running = {one.id: one for one in tx.incidents.deadlines(open_only=True)}
    found: dict[str, Unheard] = {}
    for message in escalation.unheard(tx, now):
        clock = running.get(str(message.context.get("deadline_id", "")))
        if clock is None:
            continue
        of_alert = clock.obligation == Obligation.ACK
        found[clock.id] = Unheard(
            str(message.context.get("reference", "")),
            f"/{'alerts' if of_alert else 'incidents'}/{clock.incident_id}",
            clock.obligation,
            clock.due_at,
            message.channel,
            message.attempts,
        )
    return sorted(found.values(), key=lambda one: one.due)


def _case_clock(tx: CaseTx, deadline: Deadline, now: datetime) -> ClockRow:
    incident = tx.incidents.get(deadline.incident_id)
    return clock_row(
        deadline,
        now=now,
        href=f"/incidents/{incident.id}",
        label=f"{incident.reference} · {incident.title}",
    )


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
