"""How business facts tie an actor to a person, and how much each kind of tie is worth.

A tie is what a fact says: whom it names (the actor, the actor's team, somebody else), when it holds
(now, soon, lately, long ago) and its kind. What a tie is worth is learnt without labels, as a lift:
how much more often the visits of a role have it than pairs of that role and a person drawn at
random. An agent's own ticket has a lift of a hundred; some other agent's portfolio has one.
After Fabbri and LeFevre, "Explanation-Based Auditing" (PVLDB 5(1), 2011), who mine templates so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import log
from typing import Literal, NamedTuple

from sentinel.detect.scope.facts import FactIndex
from sentinel.domain.scope import Fact

Bond = Literal["actor", "team", "other", "none"]
Hold = Literal["now", "soon", "past", "old"]

SOON = timedelta(days=1)
LATELY = timedelta(days=7)
_NOTHING: Counter[Tie] = Counter()
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Tie(NamedTuple):
    """One way in which the facts relate an actor and a person."""

    bond: Bond
    hold: Hold
    kind: str

    @property
    def direct(self) -> bool:
        """Tell whether the tie explains a visit by itself."""
        return self.bond in ("actor", "team") and self.hold == "now"

    @property
    def own_soon(self) -> bool:
        """Tell whether a fact that names the actor began within a day after the visit."""
        return self.bond == "actor" and self.hold == "soon"


NO_TIE = Tie("none", "old", "")


class Link(NamedTuple):
    """Every tie between an actor and a person. ``age``: of the oldest direct fact, when looked at.

    None = no direct fact, or one that always held.
    """

    ties: frozenset[Tie]
    age: timedelta | None = None


class Ties:
    """Finds the ties between an actor and a person at an instant, as known at another."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        versions: dict[tuple[str, str, str, str], set[Fact]] = {}
        for fact in facts:
            key = (fact.kind, fact.id, fact.subject, fact.actor)
            versions.setdefault(key, set()).add(fact)
        self._single: dict[str, list[Fact]] = {}  # nearly all: a fact with one version
        for (_, _, subject, _), found in versions.items():
            if len(found) == 1 and any(fact.retracted for fact in found):
                continue
            if len(found) == 1:
                self._single.setdefault(subject, []).extend(found)
        several = [fact for found in versions.values() if len(found) > 1 for fact in found]
        self._index = FactIndex(several)
        self._kinds = sorted({fact.kind for fact in several})

    def between(
        self,
        actor: str,
        team: str,
        subject: str,
        span: tuple[datetime, datetime],
        known_at: datetime,
    ) -> Link:
        """Return the ties during ``span`` (first and last look); `NO_TIE` alone if there is none.

        A fact that begins more than a day after the last look ties nobody.
        """
        found: set[Tie] = set()
        starts: list[datetime] = []
        for fact in self._about(subject, known_at):
            hold = _hold(fact, *span)
            if hold is None:
                continue
            tie = Tie(_bond(fact, actor, team), hold, fact.kind)
            found.add(tie)
            if tie.direct:
                starts.append(fact.valid_from or _ALWAYS)
        age = span[0] - min(starts) if starts and min(starts) != _ALWAYS else None
        return Link(frozenset(found) or frozenset((NO_TIE,)), age)

    def _about(self, subject: str, known_at: datetime) -> Iterator[Fact]:
        for fact in self._single.get(subject, ()):
            if subject and (fact.recorded_at is None or fact.recorded_at <= known_at):
                yield fact
        for kind in self._kinds:
            yield from self._index.about_subject(kind, subject, known_at=known_at)


class Lifts:
    """What each tie is worth in each role: log of its share among visits over that by chance."""

    def __init__(self) -> None:
        self._seen: dict[str, Counter[Tie]] = {}
        self._chance: dict[str, Counter[Tie]] = {}
        self._visits: Counter[str] = Counter()
        self._draws: Counter[str] = Counter()

    def learn(self, role: str, seen: frozenset[Tie], chance: frozenset[Tie]) -> None:
        """Count the ties of a visit, and those of the same actor with a person drawn at random."""
        self._seen.setdefault(role, Counter()).update(seen)
        self._chance.setdefault(role, Counter()).update(chance)
        self._visits[role] += 1
        self._draws[role] += 1

    def worth(self, role: str, tie: Tie) -> float:
        """Return the log-lift of a tie (natural logarithm), shrunk towards 0 where it is rare."""
        seen = self._seen.get(role, _NOTHING)[tie] + 1
        chance = self._chance.get(role, _NOTHING)[tie] + 1
        return log(seen / (self._visits[role] + 1)) - log(chance / (self._draws[role] + 1))

    def best(self, role: str, ties: frozenset[Tie]) -> Tie:
        """Return the tie that says most: a direct one, else the one with the highest lift.

        A fact of the actor's own that begins right after the look comes before those of others: it
        may be rare enough to have no lift yet, and somebody may have made it for cover.
        """
        return max(ties, key=lambda tie: (tie.direct, tie.own_soon, self.worth(role, tie), tie))


def _bond(fact: Fact, actor: str, team: str) -> Bond:
    if fact.actor and fact.actor == actor:
        return "actor"
    if fact.team and fact.team == team:
        return "team"
    return "other"


def _hold(fact: Fact, first: datetime, last: datetime) -> Hold | None:
    if fact.valid_from is not None and fact.valid_from > last:
        return "soon" if fact.valid_from - last <= SOON else None
    if fact.valid_to is None or fact.valid_to > first:
        return "now"
    return "past" if first - fact.valid_to <= LATELY else "old"
