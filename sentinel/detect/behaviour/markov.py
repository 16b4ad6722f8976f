"""How the population goes from page to page: a first-order Markov chain over path templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from typing import Any

import msgspec

START = "^"
LARGEST_VOCABULARY = 5_000
_PRIOR = 5.0  # weight of the page's own frequency where a transition is rare


class Markov:
    """Counts of transitions. Counts add up over sessions: no session can be read back."""

    def __init__(self) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._from: Counter[str] = Counter()
        self._to: Counter[str] = Counter()
        self._total = 0

    def learn(self, sessions: Iterable[Sequence[str]]) -> None:
        """Count the transitions of sessions, each a list of tokens."""
        for tokens in sessions:
            before = START
            for token in tokens:
                if token not in self._to and len(self._to) >= LARGEST_VOCABULARY:
                    continue
                self._pairs[before, token] += 1
                self._from[before] += 1
                self._to[token] += 1
                self._total += 1
                before = token

    def knows(self, token: str) -> bool:
        """Tell whether the population was ever seen on this page."""
        return token in self._to

    def surprise(self, tokens: Sequence[str]) -> float:
        """Return the mean negative log-likelihood per transition, in nats; 0 where there is none.

        Only transitions between pages that the population knows count: one mistyped address is no
        strange path, and the share of unknown pages is a feature of its own.
        """
        known = [
            (before, after)
            for before, after in pairwise([START, *tokens])
            if self.knows(after) and (before == START or self.knows(before))
        ]
        if not known:
            return 0.0
        return -sum(log(self._probability(*pair)) for pair in known) / len(known)

    def _probability(self, before: str, after: str) -> float:
        """Return the smoothed probability: a rare transition leans on its page's frequency."""
        alone = (self._to[after] + 1) / (self._total + len(self._to) + 1)
        return (self._pairs[before, after] + _PRIOR * alone) / (self._from[before] + _PRIOR)

    def to_json(self) -> bytes:
        """Write the counts."""
        rows = sorted((a, b, count) for (a, b), count in self._pairs.items())
        return msgspec.json.encode({"transitions": rows})

    @classmethod
    def from_json(cls, raw: bytes) -> Markov:
        """Read the counts. Raises msgspec.ValidationError."""
        tree: dict[str, list[tuple[str, str, int]]] = msgspec.json.decode(
            raw, type=dict[str, list[tuple[str, str, int]]]
        )
        chain = cls()
        for before, after, count in tree.get("transitions", []):
            chain._pairs[before, after] = count
            chain._from[before] += count
            chain._to[after] += count
            chain._total += count
        return chain

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Markov) and self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]
