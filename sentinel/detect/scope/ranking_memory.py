"""What earlier days left behind, as far as the ranking needs it: visits, by whom and of whom."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sentinel.detect.scope.ranking_visit import Visit

FORGET = timedelta(days=30)  # how long a visit may speak for or against a later one


class Memory:
    """Visits of the last thirty days, and the looks of the days that were noted."""

    def __init__(self) -> None:
        self._unexplained: dict[str, list[tuple[date, str]]] = {}  # by subject: day, actor
        self._explained: dict[tuple[str, str], list[date]] = {}  # by actor and subject
        self._by_subject: dict[str, list[tuple[datetime, str]]] = {}
        self._by_actor: dict[str, list[tuple[datetime, str]]] = {}
        self._amounts: dict[str, dict[date, int]] = {}  # by actor: unexplained persons each day

    def note(self, visits: Iterable[Visit]) -> None:
        """Take in who looked at whom, and when, on one day, before it is judged."""
        looks = sorted(
            (look.instant, look.actor, look.subject) for one in visits for look in one.looks
        )
        for instant, actor, subject in looks:
            self._by_subject.setdefault(subject, []).append((instant, actor))
            self._by_actor.setdefault(actor, []).append((instant, subject))

    def keep(self, visit: Visit, *, explained: bool) -> None:
        """Remember how a visit was judged."""
        amounts = self._amounts.setdefault(visit.actor, {})
        amounts[visit.day] = amounts.get(visit.day, 0) + (not explained)
        if explained:
            self._explained.setdefault(visit.pair, []).append(visit.day)
        else:
            self._unexplained.setdefault(visit.subject, []).append((visit.day, visit.actor))

    def returns(self, visit: Visit) -> int:
        """Return on how many earlier days the actor visited the person without explanation."""
        past = self._unexplained.get(visit.subject, ())
        return sum(
            actor == visit.actor and day < visit.day and visit.day - day <= FORGET
            for day, actor in past
        )

    def crowd(self, visit: Visit, within: timedelta) -> int:
        """Return how many others visited the person without explanation lately."""
        past = self._unexplained.get(visit.subject, ())
        return len(
            {a for day, a in past if a != visit.actor and timedelta(0) <= visit.day - day <= within}
        )

    def familiar(self, actor: str, subject: str, today: date) -> bool:
        """Tell whether the actor had a reason to visit the person in the last thirty days."""
        days = self._explained.get((actor, subject), ())
        return any(timedelta(0) < today - day <= FORGET for day in days)

    def companion(self, subject: str, actor: str, instant: datetime) -> timedelta | None:
        """Return how far in time the nearest look of somebody else at the person is."""
        looks = self._by_subject.get(subject, [])
        low = bisect_left(looks, (instant - timedelta(days=3), ""))
        high = bisect_right(looks, (instant + timedelta(days=3), "\uffff"))
        gaps = [abs(at - instant) for at, other in looks[low:high] if other != actor]
        return min(gaps, default=None)

    def idle(self, visit: Visit, around: timedelta) -> bool:
        """Tell whether the visit is one look, and nobody else's look lies within ``around``."""
        looks = self._by_subject.get(visit.subject, [])
        low = bisect_left(looks, (visit.first - around, ""))
        high = bisect_right(looks, (visit.last + around, "\uffff"))
        return high - low <= 1

    def next_gap(self, visit: Visit) -> timedelta | None:
        """Return how soon after the last look the actor opened another person's file."""
        looks = self._by_actor.get(visit.actor, [])
        at = bisect_right(looks, (visit.last, "\uffff"))
        for instant, subject in looks[at:]:
            if subject != visit.subject:
                return instant - visit.last
        return None

    def recent(self, actor: str, day: date, within: timedelta) -> tuple[int, int]:
        """Return the actor's unexplained persons before ``day``, and the days worked."""
        days = self._amounts.get(actor, {})
        counted = [n for at, n in days.items() if timedelta(0) < day - at <= within]
        return sum(counted), len(counted)
