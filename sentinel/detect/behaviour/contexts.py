"""A variable-order Markov chain: as much of the past as the population has shown, and no more.

Each context of up to three symbols votes, the longer ones after the shorter, by interpolation
after Witten and Bell (IEEE Trans. Inf. Theory 37(4), 1991): what a context has seen seldom leans on
the next shorter one. It is one of the opinions that `sentinel behaviour eval --compare` shows, and
it tells the members of staff of one role apart by the order of their acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

START = "\x02"


class Contexts:
    """Counts of symbols after contexts of 0 to ``order`` symbols."""

    def __init__(self, order: int = 3) -> None:
        self._order = order
        self._after: dict[tuple[str, ...], Counter[str]] = {}
        self._totals: Counter[tuple[str, ...]] = Counter()
        self._symbols: set[str] = set()

    def learn(self, symbols: Sequence[str]) -> None:
        """Count one sequence."""
        whole = [START] * self._order + list(symbols)
        self._symbols.update(symbols)
        for at in range(self._order, len(whole)):
            for length in range(self._order + 1):
                context = tuple(whole[at - length : at])
                self._after.setdefault(context, Counter())[whole[at]] += 1
                self._totals[context] += 1

    def costs(self, symbols: Sequence[str]) -> list[float]:
        """Return -ln of the probability of each symbol of a sequence, given those before it."""
        whole = [START] * self._order + list(symbols)
        return [
            -log(self._probability(tuple(whole[at - self._order : at]), whole[at]))
            for at in range(self._order, len(whole))
        ]

    def mean_cost(self, symbols: Sequence[str]) -> float:
        """Return the mean cost of a symbol, in nats; 0 for an empty sequence."""
        found = self.costs(symbols)
        return sum(found) / len(found) if found else 0.0

    def _probability(self, context: tuple[str, ...], symbol: str) -> float:
        answer = 1.0 / (len(self._symbols) + 1)
        for length in range(self._order + 1):
            seen = context[len(context) - length :]
            after = self._after.get(seen)
            if after is None:
                break
            total, kinds = self._totals[seen], len(after)
            answer = (after[symbol] + kinds * answer) / (total + kinds)
        return answer
