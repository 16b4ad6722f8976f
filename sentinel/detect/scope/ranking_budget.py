"""Choose what is reviewed under a budget: N visits a day, and no story told twice.

An actor's second visit of the day, and a pair or a crowd that was reviewed lately, say little new:
they stand behind other stories, but are not hidden when nothing else is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sentinel.detect.scope.ranking import Ranked

AGAIN_TODAY = 2.0  # log units for each visit of the same actor that is chosen already
SAME_PERSON = 1.5  # and of the same person
REVIEWED = 3.0  # the pair was reviewed in the last two weeks
REVIEWED_ACTOR = 1.0  # another story of the actor was reviewed in the last two weeks
TOLD_WITHIN = timedelta(days=14)


class Budget:
    """Chooses the visits to review, day by day, and remembers what was chosen."""

    def __init__(self, per_day: int) -> None:
        self._per_day = per_day
        self._pairs: dict[tuple[str, str], date] = {}
        self._actors: dict[str, date] = {}

    def choose(self, ranked: Sequence[Ranked]) -> list[Ranked]:
        """Return at most the budget's visits of one day, in the order of choice."""
        waiting = [(self._standing(one), one) for one in ranked]
        chosen: list[Ranked] = []
        actors: Counter[str] = Counter()
        subjects: Counter[str] = Counter()
        while waiting and len(chosen) < self._per_day:
            best = max(
                range(len(waiting)),
                key=lambda at: (
                    waiting[at][0]
                    - AGAIN_TODAY * actors[waiting[at][1].visit.actor]
                    - SAME_PERSON * subjects[waiting[at][1].visit.subject]
                ),
            )
            _, one = waiting.pop(best)
            chosen.append(one)
            actors[one.visit.actor] += 1
            subjects[one.visit.subject] += 1
        for one in chosen:
            self._pairs[one.visit.pair] = one.visit.day
            self._actors[one.visit.actor] = one.visit.day
        return chosen

    def recall(self, day: date, pairs: Iterable[tuple[str, str]]) -> None:
        """Remember what was chosen on an earlier day; days come in order."""
        for actor, subject in pairs:
            self._pairs[actor, subject] = day
            self._actors[actor] = day

    def _standing(self, one: Ranked) -> float:
        """Return the score without what an earlier review told already."""
        score = one.score
        if self._lately(self._actors.get(one.visit.actor), one):
            score -= REVIEWED_ACTOR
            score -= sum(max(0.0, part) for name, part in one.shared.items() if name != "hours")
        if self._lately(self._pairs.get(one.visit.pair), one):
            score -= REVIEWED
        return score

    def _lately(self, day: date | None, one: Ranked) -> bool:
        return day is not None and one.visit.day - day <= TOLD_WITHIN
