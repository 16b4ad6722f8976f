"""What a text looks like, without what it says: ``Léa 12`` becomes ``aea 00``.

Letters, digits and blanks collapse; punctuation stays, for it is what an attack is made of. Counts
of neighbouring shapes hold no name and no number of anybody.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log
from typing import Any
from urllib.parse import unquote_to_bytes

MOST_LAYERS = 3
LONGEST = 600  # characters looked at: what is longer is odd by its length
_PRIOR = 2.0
_ALPHABET = 60
_EDGE = "\x02"


def decoded(text: str) -> tuple[str, int]:
    """Return ``text`` without percent-encoding, and how many layers of it there were."""
    text, layers = text[: 3 * LONGEST], 0
    while layers < MOST_LAYERS and ("%" in text or (layers == 0 and "+" in text)):
        plain = unquote_to_bytes(text.replace("+", " ") if layers == 0 else text)
        unfolded = plain.decode("utf-8", "replace")
        if unfolded == text:
            break
        layers += "%" in text
        text = unfolded
        if layers == 0:
            break
    return text[:LONGEST], layers


def shape(text: str) -> str:
    """Return the shape of ``text``, character by character."""
    return "".join(map(_collapse, text))


class Shapes:
    """A first-order chain over the characters of shapes, counted over a population."""

    def __init__(self) -> None:
        self._pairs: Counter[str] = Counter()
        self._from: Counter[str] = Counter()
        self._to: Counter[str] = Counter()
        self._total = 0

    def learn(self, shaped: str) -> None:
        """Count the transitions of one shape, its edges included."""
        for before, after in pairwise(f"{_EDGE}{shaped}{_EDGE}"):
            self._pairs[before + after] += 1
            self._from[before] += 1
            self._to[after] += 1
            self._total += 1

    def costs(self, shaped: str, behind: Shapes | None = None) -> tuple[float, float]:
        """Return the mean and the highest cost of a transition, in nats.

        A transition that was rarely seen leans on the chain ``behind``, else on the frequency of
        the character alone.
        """
        found = [
            -log(self._probability(before, after, behind))
            for before, after in pairwise(f"{_EDGE}{shaped}{_EDGE}")
        ]
        return sum(found) / len(found), max(found)

    def _probability(self, before: str, after: str, behind: Shapes | None) -> float:
        if behind is None:
            base = (self._to[after] + 0.5) / (self._total + 0.5 * _ALPHABET)
        else:
            base = behind._probability(before, after, None)
        return (self._pairs[before + after] + _PRIOR * base) / (self._from[before] + _PRIOR)

    def to_rows(self) -> dict[str, int]:
        """Return the counts by pair of characters."""
        return dict(sorted(self._pairs.items()))

    @classmethod
    def from_rows(cls, rows: dict[str, int]) -> Shapes:
        """Build a chain from its counts. Raises ValueError."""
        chain = cls()
        for pair, count in rows.items():
            before, after = pair[:1], pair[1:]
            chain._pairs[pair] = count
            chain._from[before] += count
            chain._to[after] += count
            chain._total += count
        return chain

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Shapes) and self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]


def _collapse(character: str) -> str:
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "a" if character.isascii() else "e"
    if character == " ":
        return " "
    return character if character.isascii() and character.isprintable() else "\x01"
