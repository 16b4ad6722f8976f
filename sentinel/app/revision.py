"""Revises the verdicts on accesses that were judged before a fact was known.

What late, corrected or retracted facts may touch is noted in the transaction that keeps the facts,
so that no crash forgets it. A job looks those accesses up, judges them by all that is known now,
and commits journal lines, notes on alerts and new findings, day by day; only then is the note
struck off. A run that died is run again, and writes nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from sentinel.clock import Clock
from sentinel.detect.engine import RuleEngine
from sentinel.detect.scope.engine import access_of
from sentinel.detect.scope.revise import Reach, Watch, judged_again, stamp, united
from sentinel.domain.event import SCOPE_VERDICT, Event
from sentinel.domain.scope import Revision, Verdict
from sentinel.respond.fold import Folder
from sentinel.respond.revisions import reason_of, record_revisions
from sentinel.respond.staff_answers import NEWS, accepted_news

if TYPE_CHECKING:
    from sentinel.app.casework import InStore
    from sentinel.detect.detector import Detector
    from sentinel.domain.finding import Finding
    from sentinel.store.ports import CaseTx, EventStore

PENDING = "scope:pending"
MOST_NOTES = 64
SLICE = 128
DAY = timedelta(days=1)


class Note(msgspec.Struct, frozen=True):
    """What waits to be looked up; ``last``: spool offset of the batch that brought the facts."""

    last: int
    reach: Reach


def note(tx: CaseTx, reach: Reach | None, last: int) -> None:
    """Keep, in the transaction that keeps the facts, what they may touch."""
    if reach is None:
        return
    notes = [*_notes(tx), Note(last, reach)]
    if len(notes) > MOST_NOTES:
        both = united(one.reach for one in notes[-2:])
        notes[-2:] = [Note(last, both)] if both else []
    tx.state.put(PENDING, msgspec.json.encode(notes))


class Revisions:
    """Judges accesses again. ``horizon``: how far back."""

    def __init__(
        self,
        detector: Detector,
        events: EventStore,
        in_store: InStore,
        folder: Folder,
        *,
        clock: Clock,
        horizon: timedelta,
    ) -> None:
        """Begin to watch what facts touch."""
        self._detector = detector
        self._events = events
        self._in_store = in_store
        self._folder = folder
        self._rules: tuple[RuleEngine, RuleEngine] | None = None
        self._clock = clock
        self._horizon = horizon
        detector.late = Watch(detector.scope.model, started=clock.now())

    async def run(self) -> int:
        """Revise what facts of before made doubtful; return how many verdicts changed."""
        await self._learn_answers()
        notes = await self._in_store(_notes)
        reach = united(one.reach for one in notes)
        if reach is None:
            return 0
        changed = 0
        for since, until in self._days(reach):
            found = await asyncio.to_thread(self._look_up, reach.matcher(), since, until)
            for start in range(0, len(found), SLICE):
                changed += await self._revise(found[start : start + SLICE])
        last = max(one.last for one in notes)
        await self._in_store(lambda tx: _strike(tx, last))
        return changed

    async def _learn_answers(self) -> None:
        """Take in answers of staff that somebody accepted, here or in another process."""
        news = await self._in_store(accepted_news)
        if not news:
            return
        self._detector.scope.facts.extend(news)
        watch = Watch(self._detector.scope.model, started=self._clock.now())
        found = [one for fact in news if (one := watch.reach(None, fact)) is not None]

        def commit(tx: CaseTx) -> None:
            note(tx, united(found), max((one.last for one in _notes(tx)), default=-1))
            left = [fact for fact in accepted_news(tx) if fact not in news]
            tx.state.put(NEWS, msgspec.json.encode(left))

        await self._in_store(commit)

    def _days(self, reach: Reach) -> Iterator[tuple[datetime, datetime]]:
        """Yield the days of the reach within the horizon, each with where it ends."""
        now = self._clock.now()
        floor = now - self._horizon
        since = max(reach.since or floor, floor)
        ceiling = now + DAY  # clocks of sources may run ahead
        until = min(reach.until or ceiling, ceiling) + timedelta(microseconds=1)
        while since < until:
            midnight = datetime(since.year, since.month, since.day, tzinfo=UTC) + DAY
            yield since, min(midnight, until)
            since = midnight

    def _look_up(
        self, touched: Callable[[Event], bool], since: datetime, until: datetime
    ) -> list[Event]:
        return list(self._events.search(since=since, until=until, where=touched))

    async def _revise(self, events: Sequence[Event]) -> int:
        scope = self._detector.scope
        again = {event.id: judged_again(scope, event) for event in events}
        judged = [self._revision(event, again[event.id]) for event in events]
        now = self._clock.now()

        def commit(tx: CaseTx) -> list[Revision]:
            changed = record_revisions(tx, judged, now)
            if changed:
                self._folder.fold(tx, self._findings(changed, again))
            return changed

        return len(await self._in_store(commit))

    def _revision(self, event: Event, again: Event) -> Revision:
        access = access_of(again)
        explained = again.text(SCOPE_VERDICT) == Verdict.EXPLAINED.value
        return Revision(
            event=event.id,
            ref=event.ref,
            time=event.time,
            stored=stamp(event),
            now=stamp(again),
            fact=self._detector.scope.proof(access) if access is not None and explained else None,
        )

    def _findings(self, changed: Sequence[Revision], again: dict[str, Event]) -> list[Finding]:
        """Return what single rules say of the accesses now; a finding of before is known by id.

        Correlations are not asked: their windows belong to the hour of the access.
        """
        in_force = self._detector.rules
        if self._rules is None or self._rules[0] is not in_force:
            self._rules = (in_force, in_force.alone())
        found = self._rules[1].process([again[one.event] for one in changed])
        why = {one.event: reason for one in changed if (reason := reason_of(one)) is not None}
        return [
            msgspec.structs.replace(
                finding,
                reasons=(
                    *((why[finding.events[0]],) if finding.events[0] in why else ()),
                    *finding.reasons,
                ),
            )
            for finding in found
            if finding.event_count == 1
        ]


def _notes(tx: CaseTx) -> list[Note]:
    stored = tx.state.get(PENDING)
    return msgspec.json.decode(stored, type=list[Note]) if stored else []


def _strike(tx: CaseTx, last: int) -> None:
    """Remove what was noted up to the batch that ends at ``last``."""
    left = [one for one in _notes(tx) if one.last > last]
    tx.state.put(PENDING, msgspec.json.encode(left))
