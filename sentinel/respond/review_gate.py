"""Which unexplained accesses are an alert at once, and which wait for the next morning's review.

What is forbidden, and what other rules find, is never held back. An unexplained access is an alert
at once as long as the day's budget lasts; from then on it waits for the review, where the whole day
is ranked. An actor who opens many files without a reason in one day does not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from sentinel.config import ReviewSettings
from sentinel.domain.finding import Finding
from sentinel.ids import digest_id
from sentinel.respond.reviews import review_days
from sentinel.store.ports import CaseTx

MOST_NAMED = 10_000  # digests kept of a day: beyond, counts stay and nothing waits


class Tally(msgspec.Struct):
    """A day so far. ``opened``: stories that became alerts; ``waiting``: stories that wait.

    ``persons``: how many persons each actor (a digest) opened without explanation.
    """

    opened: int = 0
    waiting: int = 0
    seen: set[str] = msgspec.field(default_factory=set)
    persons: dict[str, int] = msgspec.field(default_factory=dict)


class ReviewGate:
    """Tells of a finding that would open an alert whether it waits. Counts in the transaction."""

    def __init__(self, settings: ReviewSettings, day_of: Callable[[datetime], date]) -> None:
        """``day_of``: the day, in the service's zone, of an instant."""
        self._settings = settings
        self._day_of = day_of

    def holds(self, finding: Finding) -> bool:
        """Tell whether the budget holds for the finding's rule."""
        return self._settings.enabled and finding.rule.slug in self._settings.rules

    def waits(self, tx: CaseTx, finding: Finding) -> bool:
        """Tell whether a finding without an alert waits for the review of its day."""
        if not self.holds(finding):
            return False
        day = self._day_of(finding.time)
        if day in review_days(tx):
            return False  # too late for the review: nobody would see it
        tally = load_tally(tx, day)
        waits = self._judge(tally, finding)
        tx.state.put(_name(day), msgspec.json.encode(tally))
        return waits

    def _judge(self, tally: Tally, finding: Finding) -> bool:
        actor = digest_id("actor", finding.actor)
        stories = {digest_id("story", finding.actor, person) for person in finding.subjects}
        fresh = stories - tally.seen
        tally.persons[actor] = tally.persons.get(actor, 0) + len(fresh)
        if len(tally.seen) < MOST_NAMED:
            tally.seen |= fresh
        many = tally.persons[actor] >= self._settings.at_once_persons
        room = self._settings.unexplained == "at_once" and tally.opened < self._settings.per_day
        if many or room or len(tally.seen) >= MOST_NAMED:
            tally.opened += 1
            return False
        tally.waiting += len(fresh)
        return True


def load_tally(tx: CaseTx, day: date) -> Tally:
    """Return what was counted of ``day`` so far."""
    stored = tx.state.get(_name(day))
    return msgspec.json.decode(stored, type=Tally) if stored else Tally()


def _name(day: date) -> str:
    return f"scope:tally:{day.isoformat()}"
