"""Review the accesses of each day on the next morning, as the running service or by hand.

A review is made from what is stored and nothing else: after a crash, or on a service that was down
for days, the missing ones are made again and come out the same.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from sentinel.app.casework import InStore
from sentinel.app.parts import content_of
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.scope.facts import DATASET
from sentinel.detect.scope.ranking_budget import TOLD_WITHIN
from sentinel.detect.scope.review import Material, review_day
from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.finding import RuleInfo
from sentinel.domain.review import Review
from sentinel.domain.scope import Fact
from sentinel.respond.fold import Folder
from sentinel.respond.review_gate import load_tally
from sentinel.respond.reviews import chosen_before, keep_review, review_days
from sentinel.store.ports import CaseTx, EventStore, Sealer

MOST_DAYS = 14  # reviews that are made up for after the service was down
ONE_DAY = timedelta(days=1)
RULE = "access_review"

Earlier = list[tuple[date, list[tuple[str, str]]]]


class Calendar:
    """Days of the service's time zone, and when each is reviewed."""

    def __init__(self, settings: Settings) -> None:
        self.zone = ZoneInfo(settings.timezone)
        self._at = settings.scope.review.at

    def day_of(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return instant.astimezone(self.zone).date()

    def start(self, day: date) -> datetime:
        """Return when ``day`` begins, UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def review_at(self, day: date) -> datetime:
        """Return when ``day`` is reviewed: on the next morning, UTC."""
        return datetime.combine(day + ONE_DAY, self._at, self.zone).astimezone(UTC)

    def due(self, now: datetime, done: list[date]) -> list[date]:
        """Return the days whose review is due and not done, oldest first."""
        last = self.day_of(now) - ONE_DAY
        if now < self.review_at(last):
            last -= ONE_DAY
        first = max(done[-1] + ONE_DAY, last - (MOST_DAYS - 1) * ONE_DAY) if done else last
        return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def review_of(
    settings: Settings,
    calendar: Calendar,
    events: EventStore,
    facts: list[Fact],
    day: date,
    earlier: Earlier,
) -> Review:
    """Rank the accesses of ``day`` from the stored events and facts. Takes seconds."""
    chosen = settings.scope.review
    found = events.search(
        since=calendar.start(day - chosen.history_days * ONE_DAY),
        until=calendar.start(day + ONE_DAY),
        where=_matters,
    )
    return review_day(
        Material.of(found, facts, calendar.zone),
        day,
        review_at=calendar.review_at,
        budget=chosen.per_day,
        learning_days=chosen.learning_days,
        chosen_before=earlier,
    )


class ScopeReview:
    """Makes the reviews of a running service."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        events: EventStore,
        folder: Folder,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self.calendar = Calendar(settings)
        self._settings = settings
        self._in_store = in_store
        self._events = events
        self._folder = folder
        self._sealer = sealer
        self._clock = clock
        self._rule = load_pseudo_rule(settings, RULE)

    @property
    def on(self) -> bool:
        """Whether there is anything to review: staff monitoring is live."""
        return self._settings.scope.staff.live and self._settings.scope.review.enabled

    async def look(self) -> list[Review]:
        """Make the reviews that are due; return them."""
        if not self.on:
            return []
        done = await self._in_store(review_days)
        return [await self._review(day) for day in self.calendar.due(self._clock.now(), done)]

    async def _review(self, day: date) -> Review:
        def gather(tx: CaseTx) -> tuple[list[Fact], Earlier, int]:
            earlier = chosen_before(tx, self._sealer, day, TOLD_WITHIN)
            return list(tx.facts.all()), earlier, load_tally(tx, day).waiting

        facts, earlier, waited = await self._in_store(gather)
        made = await asyncio.to_thread(
            review_of, self._settings, self.calendar, self._events, facts, day, earlier
        )
        made = msgspec.structs.replace(made, waited=waited)
        return await self._in_store(
            lambda tx: keep_review(tx, self._sealer, self._folder, made, self._rule)
        )


def load_pseudo_rule(settings: Settings, slug: str) -> RuleInfo:
    """Return ``models/<slug>.yml`` of the rules in force, else the shipped one."""
    own = content_of(settings, "models")
    rules = own.parent if (own / f"{slug}.yml").is_file() else content_dir("rules")
    return load_model_rule(rules, slug)


def _matters(event: Event) -> bool:
    return bool(event.text(names.SCOPE_VERDICT)) or event.text("event.dataset") == DATASET
