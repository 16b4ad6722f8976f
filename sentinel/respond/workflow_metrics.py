"""How well the work goes: times, margins on the 72 hours, what is open. No person, no case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec

from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.incident import FilingKind, Incident, Legal
from sentinel.domain.outbox import OutboxState
from sentinel.domain.record import Task
from sentinel.respond.log_review import all_reviews
from sentinel.store.ports import CaseTx

EVERY = 100_000
POST_MORTEM = timedelta(days=30)
HOUR = 3600


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Times in hours. ``count``: of how many cases; None where there is none."""

    count: int
    median: float | None = None
    worst: float | None = None


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over the cases that are no drills.

    ``detect``: occurrence to detection (MTTD). ``acknowledge``: detection to acknowledgement
    (MTTA). ``qualify``: awareness to qualification. ``notify``: awareness to the initial filing.
    ``margin``: hours left of the 72 at filing: the median, the worst, and how many were negative.
    ``on_time``: share of met hard clocks that were met in time. ``open_clocks``: by obligation.
    """

    cases: int
    open_cases: int
    drills: int
    detect: Times
    acknowledge: Times
    qualify: Times
    notify: Times
    margin: Times
    margin_negative: int
    on_time: float | None
    open_clocks: dict[str, int]
    overdue_clocks: int
    overdue_tasks: int
    overdue_obligations: int
    log_reviews_open: int
    post_mortems_due: int
    alarms_undelivered: int


def measure(tx: CaseTx, now: datetime, overdue_obligations: int) -> Workflow:
    """Return the figures of ``now`` (UTC)."""
    everything = tx.incidents.find(limit=EVERY)
    cases = [one for one in everything if not one.drill and not one.merged_into]
    ids = {one.id for one in cases}
    clocks = [one for one in tx.incidents.deadlines() if one.incident_id in ids]
    qualified = _first(tx, cases, "incident.qualified")
    filed = {case.id: _initial(case) for case in cases}
    margins = [
        _hours(clock.due_at - at)
        for clock in clocks
        if clock.obligation == Obligation.CNIL_72 and (at := filed[clock.incident_id])
    ]
    running = [one for one in clocks if one.open]
    return Workflow(
        cases=len(cases),
        open_cases=sum(one.legal is not Legal.CLOSED for one in cases),
        drills=sum(one.drill for one in everything),
        detect=_times((one.occurred_from, one.detected_at) for one in cases),
        acknowledge=_times(_acknowledged(tx, cases)),
        qualify=_times((one.aware_at, qualified.get(one.id)) for one in cases),
        notify=_times((one.aware_at, filed[one.id]) for one in cases),
        margin=Times(
            count=len(margins),
            median=round(median(margins), 2) if margins else None,
            worst=round(min(margins), 2) if margins else None,
        ),
        margin_negative=sum(one < 0 for one in margins),
        on_time=_on_time(clocks),
        open_clocks=_counted(running),
        overdue_clocks=sum(one.due_at <= now for one in running),
        overdue_tasks=sum(one.overdue(now) for one in tx.records.find(Task)),
        overdue_obligations=overdue_obligations,
        log_reviews_open=sum(not one.complete for one in all_reviews(tx)),
        post_mortems_due=_post_mortems_due(tx, cases, now),
        alarms_undelivered=len(tx.outbox.find(state=OutboxState.FAILED, limit=EVERY)),
    )


def _times(pairs: Iterable[tuple[datetime | None, datetime | None]]) -> Times:
    took = [_hours(end - begin) for begin, end in pairs if begin is not None and end is not None]
    if not took:
        return Times(count=0)
    return Times(count=len(took), median=round(median(took), 2), worst=round(max(took), 2))


def _hours(span: timedelta) -> float:
    return span.total_seconds() / HOUR


def _initial(case: Incident) -> datetime | None:
    made = [one.filed_at for one in case.filings if one.kind is not FilingKind.WITHDRAW]
    return min(made, default=None)


def _first(tx: CaseTx, cases: Sequence[Incident], action: str) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for case in cases:
        for line in tx.journal.lines(object_id=case.id):
            if line.action == action:
                found.setdefault(case.id, line.occurred_at)
    return found


def _acknowledged(
    tx: CaseTx, cases: Sequence[Incident]
) -> Iterable[tuple[datetime | None, datetime | None]]:
    for case in cases:
        for alert in tx.alerts.find(incident_id=case.id, limit=1000):
            yield alert.created_at, alert.acknowledged_at


def _on_time(clocks: Sequence[Deadline]) -> float | None:
    met = [one for one in clocks if one.hard and one.met_at is not None]
    good = sum(one.met_at is not None and one.met_at <= one.due_at for one in met)
    return round(good / len(met), 4) if met else None


def _counted(clocks: Sequence[Deadline]) -> dict[str, int]:
    names = sorted(one.obligation for one in clocks)
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _post_mortems_due(tx: CaseTx, cases: Sequence[Incident], now: datetime) -> int:
    """Count the closed breaches without a post-mortem 30 days after they were closed."""
    return sum(
        case.closed_at is not None
        and case.aware_at is not None
        and now - case.closed_at > POST_MORTEM
        and not any(one.kind == "post_mortem" for one in tx.incidents.documents(case.id))
        for case in cases
    )
