"""One field of many events: from its values to the rules whose witness they hold.

Most fields have few distinct values, so what a value fires is remembered; the values not met
before are searched together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sentinel.detect.fast.needles import spellings
from sentinel.detect.fast.scanner import Scanner
from sentinel.detect.rules.fields import MISSING, flatten, text_of

REMEMBERED: Final = 4_096  # values per column
LONGEST: Final = 256  # characters of a value worth remembering
NOTHING: Final = (None, MISSING)
UNTOLD: Final = object()  # a value without a text: nested too deep, a number too long
Numbers = tuple[int, ...]  # of rules in their plan


class Memory:
    """From values to the rules that they fire, remembered. MISSING and None fire nothing."""

    def __init__(self) -> None:
        self._quiet: set[Any] = set()
        self._firing: dict[Any, Numbers] = {}

    def recall(self, values: Sequence[Hashable]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, numbers of rules) for each value that fires. Raises TypeError on a list."""
        distinct = set(values)
        distinct.difference_update(NOTHING)
        new = distinct.difference(self._quiet, self._firing)
        if new:
            self._learn(new)
        firing = self._firing
        if not firing.keys().isdisjoint(distinct):
            for row, value in enumerate(values):
                numbers = firing.get(value)
                if numbers:
                    yield row, numbers
        if len(self._quiet) + len(firing) > REMEMBERED:
            self._quiet.clear()
            firing.clear()

    def _learn(self, values: Iterable[Any]) -> None:
        raise NotImplementedError


class Column(Memory):
    """Tells which rules a field's values fire. ``signs``: needle to numbers of rules."""

    def __init__(self, signs: Mapping[str, Numbers]) -> None:
        super().__init__()
        self._rules = tuple(signs.values())
        self._scanner = Scanner(tuple(signs))

    def fire(self, values: Sequence[Any]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, numbers of rules) for each value that fires; of a list, for each item."""
        try:
            yield from self.recall(values)
        except TypeError:  # lists, or objects
            rows, items = _exploded(values)
            for place, numbers in self.recall(items):
                yield rows[place], numbers

    def fire_texts(self, texts: Sequence[str]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, numbers of rules) without remembering: the texts do not come again."""
        for row, needle in self._scanner.scan(texts):
            yield row, self._rules[needle]

    def _learn(self, values: Iterable[Any]) -> None:
        texts: list[str] = []
        owners: list[Any] = []
        found: dict[Any, set[int]] = {}
        for value in values:
            try:
                spelt = {value} if type(value) is str else _spelt(value)
            except ValueError:  # no text: an integer beyond Python's limit of digits
                found[value] = {number for numbers in self._rules for number in numbers}
                continue
            texts += spelt
            owners += [value] * len(spelt)
        for row, needle in self._scanner.scan(texts):
            found.setdefault(owners[row], set()).update(self._rules[needle])
        self._firing.update((value, tuple(numbers)) for value, numbers in found.items())
        self._quiet.update(v for v in owners if type(v) is not str or len(v) <= LONGEST)
        self._quiet.difference_update(found)


def _spelt(value: Any) -> set[str]:
    if value is UNTOLD:
        raise ValueError
    return spellings(value) if isinstance(value, int | float) else {text_of(value) or ""}


def _hashable(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    try:
        return text_of(item)
    except (RecursionError, ValueError):
        return UNTOLD


def _exploded(values: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Spread lists over their items; an object counts as its text."""
    pairs = [(row, _hashable(item)) for row, value in enumerate(values) for item in flatten(value)]
    return [row for row, _item in pairs], [item for _row, item in pairs]
