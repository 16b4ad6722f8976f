"""Rank the visits of a day by how little an innocent reason accounts for them (promise R-15).

Nobody labels anything: history teaches what is ordinary, and the score says how far a visit is
from it. Each part of the score is kept with its name, so that a finding can be put in words and
answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from sentinel.detect.scope.ranking_memory import Memory
from sentinel.detect.scope.ranking_model import Population
from sentinel.detect.scope.ranking_relation import Lifts, Link, Tie, Ties
from sentinel.detect.scope.ranking_traits import (
    TREND_WITHIN,
    Amounts,
    day_traits,
    drawn_traits,
    is_slip,
    manner,
    opened,
    own_traits,
    several_places,
)
from sentinel.detect.scope.ranking_visit import Person, Visit, review_instant

SEED = 1  # any does; the same one gives the same ranking
NOBODY = Person()
AROUND = timedelta(days=2)  # in which somebody who works on a case opens the file again
ACCOUNTED = 0.4  # log-lift from which a tie that is not direct still counts as a reason
ODD_SHARE = 0.01  # an hour in which less than this share of the role's looks falls is odd

_Tied = tuple[Visit, Tie, Link]


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A visit with its score. ``parts``: log-likelihood ratios by name, their sum is the score.

    ``traits``: the value of each trait, those of the actor's day too.
    """

    visit: Visit
    tie: Tie
    parts: dict[str, float]
    shared: dict[str, float]
    traits: dict[str, str] = {}

    @property
    def explained(self) -> bool:
        """Tell whether a fact about this actor or team held during the visit."""
        return self.tie.direct

    @property
    def score(self) -> float:
        """The sum of the parts and of those that the actor's whole day shares."""
        return sum(self.parts.values()) + sum(self.shared.values())


class Ranking:
    """Learns from days gone by, ranks the next one. Days must come in order, each once."""

    def __init__(
        self,
        ties: Ties,
        people: Mapping[str, Person],
        places: Mapping[str, str],
        *,
        seed: int = SEED,
        review_at: Callable[[date], datetime] = review_instant,
    ) -> None:
        """``people``: by subject; ``places``: by actor; ``seed``: of the pairs drawn at random.

        ``review_at``: when the visits of a day are reviewed, with the facts recorded by then.
        """
        self._ties = ties
        self._people = people
        self._places = places
        self._subjects = sorted(people)
        self._review_at = review_at
        self._random = Random(seed)  # noqa: S311 - sampling, no secret
        self._lifts = Lifts()
        self._population = Population()
        self._memory = Memory()
        self._hours: dict[str, Counter[int]] = {}

    def learn_history(self, days: Mapping[date, Sequence[Visit]]) -> None:
        """Learn from history: first what each tie is worth, then how ordinary visits look."""
        for _, visits in sorted(days.items()):
            for visit in visits:
                seen = self._between(visit, visit.subject).ties
                chance = self._between(visit, self._anybody(visit)).ties
                self._lifts.learn(visit.role, seen, chance)
                hours = self._hours.setdefault(visit.role, Counter())
                hours.update(look.instant.hour for look in visit.looks)
        for _, visits in sorted(days.items()):
            self.rank(visits)

    def rank(self, visits: Sequence[Visit]) -> list[Ranked]:
        """Return the visits of one day with their scores, the most surprising first; learn them."""
        self._memory.note(visits)
        tied = [self._tied(visit) for visit in visits]
        for visit, tie, _ in tied:
            self._memory.keep(visit, explained=self.accounted(visit.role, tie))
        days = self._days(tied)
        traits = [self._traits(visit, tie, link) for visit, tie, link in tied]
        ranked = [
            Ranked(
                visit=visit,
                tie=tie,
                parts=self._parts(visit.role, tie, own),
                shared=self._surprises(visit.role, tie, days[visit.actor][1]),
                traits={**own, **days[visit.actor][1]},
            )
            for (visit, tie, _), own in zip(tied, traits, strict=True)
        ]
        self._learn(tied, traits, days)
        return sorted(ranked, key=lambda one: (-one.score, one.visit.first, one.visit.pair))

    def accounted(self, role: str, tie: Tie) -> bool:
        """Tell whether the tie is a reason: direct, or well above chance in that role."""
        return tie.direct or self._lifts.worth(role, tie) >= ACCOUNTED

    def _tied(self, visit: Visit) -> _Tied:
        link = self._between(visit, visit.subject)
        return visit, self._lifts.best(visit.role, link.ties), link

    def _between(self, visit: Visit, subject: str) -> Link:
        span = (visit.first, visit.last)
        known_at = self._review_at(visit.day)
        return self._ties.between(visit.actor, visit.team, subject, span, known_at)

    def _anybody(self, visit: Visit) -> str:
        return self._random.choice(self._subjects) if self._subjects else visit.subject

    def _parts(self, role: str, tie: Tie, traits: Mapping[str, str]) -> dict[str, float]:
        surprise = self._population.tie_surprise(role, tie)
        return {"tie": surprise} | self._surprises(role, tie, traits)

    def _surprises(self, role: str, tie: Tie, traits: Mapping[str, str]) -> dict[str, float]:
        ask = self._population.surprise
        return {name: ask(role, tie, name, value) for name, value in traits.items()}

    def _traits(self, visit: Visit, tie: Tie, link: Link) -> dict[str, str]:
        person = self._people.get(visit.subject, NOBODY)
        slip = is_slip(visit, self._memory)
        traits = self._drawn(visit, visit.subject)
        traits |= own_traits(visit, person, self._memory, slip=slip)
        if tie.direct:
            traits["opened"] = opened(link.age, idle=self._memory.idle(visit, AROUND))
        return traits

    def _drawn(self, visit: Visit, subject: str) -> dict[str, str]:
        return drawn_traits(
            visit,
            subject,
            self._places.get(visit.actor, ""),
            self._people.get(subject, NOBODY).place,
            self._memory,
        )

    def _days(self, tied: Iterable[_Tied]) -> dict[str, tuple[int, dict[str, str]]]:
        """Return, by actor, the unexplained persons of the day and the traits of the day."""
        by_actor: dict[str, list[_Tied]] = {}
        for one in tied:
            by_actor.setdefault(one[0].actor, []).append(one)
        return {actor: self._day(own) for actor, own in by_actor.items()}

    def _day(self, own: Sequence[_Tied]) -> tuple[int, dict[str, str]]:
        role, actor, day = own[0][0].role, own[0][0].actor, own[0][0].day
        unexplained = sum(not self.accounted(role, tie) for _, tie, _ in own)
        before, days_before = self._memory.recent(actor, day, TREND_WITHIN)
        amounts = Amounts(
            unexplained=unexplained,
            borrowed=sum(tie.bond != "actor" and self.accounted(role, tie) for _, tie, _ in own),
            exports=sum(manner(visit) == "export" for visit, _, _ in own),
            odd_hours=self._odd_share(role, [visit for visit, _, _ in own]),
            before=before,
            days_before=days_before,
            usual=self._population.usual(role),
            places=several_places([visit for visit, _, _ in own]),
        )
        return unexplained, day_traits(amounts)

    def _odd_share(self, role: str, visits: Sequence[Visit]) -> float:
        hours = self._hours.get(role, Counter())
        total = hours.total()
        odd = [v for v in visits if total and hours[v.first.hour] / total < ODD_SHARE]
        return len(odd) / len(visits)

    def _learn(
        self,
        tied: Sequence[_Tied],
        traits: Sequence[dict[str, str]],
        days: Mapping[str, tuple[int, dict[str, str]]],
    ) -> None:
        learnt: set[str] = set()
        for (visit, tie, _), own in zip(tied, traits, strict=True):
            self._population.learn_visit(visit.role, tie, own)
            subject = self._anybody(visit)
            by_chance = self._lifts.best(visit.role, self._between(visit, subject).ties)
            self._population.learn_chance(visit.role, by_chance, self._drawn(visit, subject))
            if visit.actor not in learnt:
                learnt.add(visit.actor)
                self._population.learn_day(visit.role, *days[visit.actor])
