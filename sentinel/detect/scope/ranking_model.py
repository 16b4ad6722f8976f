"""Learn, without labels, what innocent visits look like; tell how unlike them a visit is.

The score of a visit is a sum of log-likelihood ratios (naive Bayes) of "chosen without regard to
the work" against "as this role's visits are": how rarely the role has so weak a tie per person and
day, then each trait. Shares are counts with Laplace smoothing, shrunk towards those of all roles,
so that a role of four people neither shouts nor stays silent. The few cases that history itself
holds make the score a little too mild; nothing needs to be known of them.
"""

from __future__ import annotations

from collections import Counter
from math import log

from sentinel.detect.scope.ranking_relation import Tie
from sentinel.detect.scope.ranking_traits import (
    BY_DAY,
    COVER,
    DECLARED,
    DRAWN,
    EXCESS_SHARE,
    SELF_MADE,
)

SHRINK = 10.0  # how many visits of all roles a role's own visits are mixed with
_NO_VALUES: Counter[str] = Counter()
_NO_TIES: Counter[Tie] = Counter()


class Shares:
    """Shares of the values of one trait: by role and side, shrunk towards the side's own."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self._values = values
        self._own: dict[tuple[str, str], Counter[str]] = {}
        self._all: dict[str, Counter[str]] = {}

    def learn(self, role: str, side: str, value: str) -> None:
        """Count one visit."""
        self._own.setdefault((role, side), Counter())[value] += 1
        self._all.setdefault(side, Counter())[value] += 1

    def of(self, role: str, side: str, value: str) -> float:
        """Return the share of ``value``, never 0."""
        everybody = self._all.get(side, _NO_VALUES)
        broad = (everybody[value] + 0.5) / (everybody.total() + 0.5 * len(self._values))
        own = self._own.get((role, side), _NO_VALUES)
        return (own[value] + SHRINK * broad) / (own.total() + SHRINK)


class Population:
    """The counts behind every share. One instance per organisation; no person is kept in it."""

    def __init__(self) -> None:
        declared = DECLARED | BY_DAY | {"opened": COVER}
        names = DRAWN | {name: tuple(values) for name, values in declared.items()}
        self._innocent = {name: Shares(values) for name, values in names.items()}
        self._chance = {name: Shares(values) for name, values in DRAWN.items()}
        self._ties: dict[str, Counter[Tie]] = {}
        self._chance_ties: dict[str, Counter[Tie]] = {}
        self._actor_days: Counter[str] = Counter()
        self._unexplained: Counter[str] = Counter()

    def learn_visit(self, role: str, tie: Tie, traits: dict[str, str]) -> None:
        """Count a visit with its best tie and its traits."""
        self._ties.setdefault(role, Counter())[tie] += 1
        for name, value in traits.items():
            self._innocent[name].learn(role, side_of(tie, name), value)

    def learn_chance(self, role: str, tie: Tie, traits: dict[str, str]) -> None:
        """Count a pair that was drawn at random."""
        self._chance_ties.setdefault(role, Counter())[tie] += 1
        for name, value in traits.items():
            self._chance[name].learn(role, "", value)

    def learn_day(self, role: str, unexplained: int, traits: dict[str, str]) -> None:
        """Count a day of work of one actor."""
        self._actor_days[role] += 1
        self._unexplained[role] += unexplained
        for name, value in traits.items():
            self._innocent[name].learn(role, "", value)

    def usual(self, role: str) -> float:
        """Return how many persons an actor of the role visits a day without explanation."""
        return (self._unexplained[role] + 0.5) / (self._actor_days[role] + 1)

    def tie_surprise(self, role: str, tie: Tie) -> float:
        """Return log of the tie's share among intruders over its visits per actor and day."""
        chance = self._chance_ties.get(role, _NO_TIES)
        share = (chance[tie] + 0.5) / (chance.total() + 1)
        if tie.bond == "actor":
            share = max(share, SELF_MADE.get(tie.hold, 0.0))
        rate = (self._ties.get(role, _NO_TIES)[tie] + 0.5) / (self._actor_days[role] + 1)
        return log(share) - log(rate)

    def surprise(self, role: str, tie: Tie, name: str, value: str) -> float:
        """Return the log-likelihood ratio of one trait; above 0 speaks against innocence."""
        innocent = self._innocent[name].of(role, side_of(tie, name), value)
        if name in BY_DAY:
            intruder = (1 - EXCESS_SHARE) * innocent + EXCESS_SHARE * BY_DAY[name][value]
        elif name in DECLARED:
            intruder = DECLARED[name][value]
        elif name == "opened":
            intruder = COVER[value]
        else:
            intruder = self._chance[name].of(role, "", value)
        return log(intruder) - log(innocent)


def side_of(tie: Tie, name: str) -> str:
    """Return which visits a visit is compared with in a trait: those with a like tie."""
    if name in BY_DAY:
        return ""
    if name == "opened":
        return tie.kind
    return "direct" if tie.direct else "other"
