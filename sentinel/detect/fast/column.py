"""One field of many events: from its values to the clauses that hold on them.

Most fields have few distinct values, so what a value fires is remembered; the values not met
before are searched together.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sentinel.detect.fast.needles import spellings
from sentinel.detect.fast.scanner import Scanner
from sentinel.detect.rules.fields import MISSING, flatten, text_of

REMEMBERED: Final = 4_096  # values per column
LONGEST: Final = 256  # characters of a value worth remembering
NOTHING: Final = (None, MISSING)
UNTOLD: Final = object()  # a value without a text: nested too deep, a number too long
DEEP: Final = frozenset({list, dict})  # what an item is spread or written for
Numbers = frozenset[int]  # of clauses, or of rules, in their plan
NONE: Final = Numbers()


class Memory:
    """From values to the numbers that they fire, remembered. MISSING and None fire nothing.

    ``loud``: the numbers that `recall` tells; None for all of them. `fired` knows the others too.
    """

    def __init__(self, loud: Collection[int] | None = None) -> None:
        self._loud_numbers = None if loud is None else frozenset(loud)
        self._quiet: set[Any] = set()
        self._firing: dict[Any, Numbers] = {}
        self._loud: dict[Any, Numbers] = {}

    def recall(self, values: Sequence[Hashable]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, loud numbers) for each value that fires. Raises TypeError on a list."""
        distinct = set(values)
        distinct.difference_update(NOTHING)
        if len(self._quiet) + len(self._firing) > REMEMBERED:
            self._quiet.clear()
            self._firing.clear()
            self._loud.clear()
        new = distinct.difference(self._quiet, self._firing)
        if new:
            self._learn(new)
        loud = self._loud
        if not loud.keys().isdisjoint(distinct):
            for row, value in enumerate(values):
                if value in loud:
                    yield row, loud[value]

    def fired(self, value: Hashable) -> Numbers:
        """Return every number that a value of the last `recall` fires."""
        return self._firing.get(value, NONE)

    def _fires(self, value: Any, numbers: Iterable[int]) -> None:
        self._firing[value] = found = frozenset(numbers)
        loud = found if self._loud_numbers is None else found & self._loud_numbers
        if loud:
            self._loud[value] = loud

    def _learn(self, values: Iterable[Any]) -> None:
        raise NotImplementedError


class Column(Memory):
    """Tells which clauses hold on a field's values. ``signs``: needle to numbers of clauses.

    ``clauses``: the numbers of each of the ``needles``.
    """

    def __init__(
        self, signs: Mapping[str, Collection[int]], loud: Collection[int] | None = None
    ) -> None:
        super().__init__(loud)
        self.needles = tuple(signs)
        self.clauses = tuple(signs.values())
        self._everything = frozenset(number for numbers in self.clauses for number in numbers)
        self._scanner = Scanner(self.needles)

    def fire(self, values: Sequence[Any]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, loud clauses) for each value that fires; of a list, for each item."""
        try:
            yield from self.recall(values)
        except TypeError:  # lists, or objects
            rows, items = _exploded(values)
            for place, numbers in self.recall(items):
                yield rows[place], numbers

    def fire_all(self, values: Sequence[Any], rows: Sequence[int]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, clauses), loud or not, for values that stand in these rows."""
        for _loud in self.fire(values):
            pass
        for row, value in zip(rows, values, strict=True):
            yield row, self.holding(value)

    def holding(self, value: Any) -> Numbers:
        """Return every clause that holds on a value of the last `fire`; of a list, on any item."""
        try:
            return self.fired(value)
        except TypeError:
            return NONE.union(*(self.fired(_hashable(item)) for item in flatten(value)))

    def _learn(self, values: Iterable[Any]) -> None:
        texts: list[str] = []
        owners: list[Any] = []
        found: dict[Any, set[int]] = {}
        for value in values:
            try:
                spelt = (value,) if type(value) is str else _spelt(value)
            except ValueError:  # no text: an integer beyond Python's limit of digits
                self._fires(value, self._everything)
                continue
            texts += spelt
            owners += [value] * len(spelt)
        for row, needle in self._scanner.scan(texts):
            found.setdefault(owners[row], set()).update(self.clauses[needle])
        for value, numbers in found.items():
            self._fires(value, numbers)
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
    rows: list[int] = []
    items: list[Any] = []
    for row, value in enumerate(values):
        found = value
        if type(value) is not list or not DEEP.isdisjoint(map(type, value)):
            found = [_hashable(item) for item in flatten(value)]
        items += found
        rows += [row] * len(found)
    return rows, items
