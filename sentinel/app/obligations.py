"""The calendar in the running service: alarms every few minutes, the sample of the week drawn.

What a week's review needs is drawn on the first look after the week has ended, of as many past
weeks as were missed while the service stood still (at most eight).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sentinel.app.casework import InStore
from sentinel.app.rota import Alarms, duty_route
from sentinel.clock import Clock
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.config import Settings
from sentinel.domain.account import Account
from sentinel.domain.calendar import midnight
from sentinel.domain.deadline import zone_of
from sentinel.domain.log_review import A_WEEK, LogReview, monday_of, week_name
from sentinel.legal.obligations import in_force
from sentinel.obs.metrics import Metrics
from sentinel.obs.workflow import WorkflowGauges
from sentinel.respond import log_review, obligations, workflow_metrics
from sentinel.store.ports import CaseTx, EventStore

WEEKLY = "audit-log-review"
MOST_WEEKS = 8


class Obligations:
    """The rounds of the calendar of one service."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        events: EventStore,
        router: Alarms,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._events = events
        self._router = router
        self._clock = clock
        self._gauges = WorkflowGauges(metrics.registry)

    async def look(self) -> None:
        """Ring what comes near or is overdue, draw the sample of the week, measure the work."""
        now = self._clock.now()
        today = local_day(self._settings, now)
        recurring = in_force(today, self._settings.calendar.file)
        await self._in_store(
            lambda tx: obligations.ring(
                tx,
                recurring,
                now,
                today=today,
                route=duty_route(tx, self._settings, self._router, now),
                set_on=self._settings.calendar.since,
            )
        )
        await self._draw(now, today)
        measured = await self._in_store(
            lambda tx: workflow_metrics.measure(tx, now, overdue_on(tx, self._settings, now))
        )
        self._gauges.set(measured)

    async def _draw(self, now: datetime, today: date) -> None:
        for week in await self._in_store(lambda tx: missing_weeks(tx, today)):
            since, until = bounds(self._settings, week)
            drawn = await asyncio.to_thread(
                draw_week, self._settings, self._events, week, since, until, now
            )
            await self._in_store(partial(log_review.keep, review=drawn, now=now))


def draw_week(
    settings: Settings,
    events: EventStore,
    week: str,
    since: datetime,
    until: datetime,
    now: datetime,
    seed: str = "",
) -> LogReview:
    """Draw the sample of a week from the stored events."""
    return log_review.draw(
        events.search(since=since, until=until),
        week=week,
        since=since,
        until=until,
        share=settings.log_review.share,
        now=now,
        seed=seed,
    )


def missing_weeks(tx: CaseTx, today: date) -> list[str]:
    """Return the ended weeks without a sample since the first look, the oldest first."""
    known = {one.week for one in log_review.all_reviews(tx)}
    begin = obligations.since(tx, today)
    ended = [today - (number + 1) * A_WEEK for number in range(MOST_WEEKS)]
    return sorted(
        week_name(day)
        for day in ended
        if week_name(day) not in known and monday_of(week_name(day)) + A_WEEK > begin
    )


def bounds(settings: Settings, week: str) -> tuple[datetime, datetime]:
    """Return the instants between which a week of the settings' zone lies."""
    monday = monday_of(week)
    return midnight(monday, settings.timezone), midnight(monday + A_WEEK, settings.timezone)


def sign_week(
    tx: CaseTx,
    settings: Settings,
    account: Account,
    week: str,
    *,
    remarks: str,
    suspicious: Sequence[str],
    pseudonymiser: Pseudonymiser,
    now: datetime,
) -> LogReview:
    """Sign a week as the holder of an account; the last signature meets the obligation."""
    actor = account.actor
    called = {account.name, *settings.log_review.staff_ids.get(account.name, [])}
    own = {pseudonymiser.pseudonym("usr", name) for name in called}
    signed = log_review.sign(
        tx, actor, week, own=own, remarks=remarks, suspicious=suspicious, now=now
    )
    recurring = in_force(local_day(settings, now), settings.calendar.file)
    weekly = [one for one in recurring if one.id == WEEKLY]
    if signed.complete and weekly:
        day = min(monday_of(week) + A_WEEK - timedelta(days=1), local_day(settings, now))
        obligations.record(
            tx, actor, weekly[0], done_on=day, proof=f"log review {week}",
            sha256=signed.sha256, now=now,
        )  # fmt: skip
    return signed


def overdue_on(tx: CaseTx, settings: Settings, now: datetime) -> int:
    """Return how many obligations are overdue."""
    today = local_day(settings, now)
    standing = obligations.look(
        tx,
        in_force(today, settings.calendar.file),
        today,
        set_on=settings.calendar.since,
    )
    return sum(one.due < today for one in standing)


def local_day(settings: Settings, now: datetime) -> date:
    """Return the day of an instant in the settings' zone."""
    return now.astimezone(UTC).astimezone(zone_of(settings.timezone)).date()
