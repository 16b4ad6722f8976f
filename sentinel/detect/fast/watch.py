"""Rules that no literal makes rare, evaluated on the few fields that they read.

A rule on absence ("the image has no path") has no witness, and some have a common one. Where such
a rule reads a handful of fields, what it says about their values is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sentinel.detect.fast.column import LONGEST, REMEMBERED, Memory, Numbers
from sentinel.detect.rules.fields import MISSING, TIMESTAMP, length
from sentinel.detect.rules.model import Rule

MOST_FIELDS: Final = 10
LONG: Final = 4_096  # characters of values that are not evaluated here
NUMBERS: Final = frozenset({int, float, bool})


def watchable(rule: Rule) -> bool:
    """Tell whether the rule can be watched: it reads few fields, and only those."""
    return len(rule.reads) <= MOST_FIELDS and rule.reads.isdisjoint({"*", TIMESTAMP})


class Watch(Memory):
    """Evaluates one rule on columns. ``number``: the rule's, in its plan."""

    def __init__(self, rule: Rule, number: int) -> None:
        super().__init__()
        self.keys = tuple(sorted(rule.reads))
        self._match = rule.match
        self._numbers: Numbers = frozenset({number})
        self._verdicts: dict[Any, bool] = {}

    def fire(self, column: Callable[[str], Sequence[Any]]) -> Iterator[tuple[int, Numbers]]:
        """Yield (row, the number) where the rule may match. ``column``: a field's values."""
        rows = list(zip(*map(column, self.keys), strict=True))
        try:
            yield from self.recall(rows)
        except TypeError:  # a list among the values
            yield from ((row, self._numbers) for row, key in enumerate(rows) if self._holds(key))

    def may_match(self, values: tuple[Any, ...]) -> bool:
        """Tell whether the rule may match an event with these values of ``keys``."""
        if NUMBERS.isdisjoint(map(type, values)):
            key = values
        else:  # 1, 1.0 and True are equal, and have different texts
            key = tuple(repr(v).encode() if type(v) in NUMBERS else v for v in values)
        try:
            known = self._verdicts.get(key)
        except TypeError:  # a list among the values
            return self._evaluated(values)
        if known is None:
            if len(self._verdicts) >= REMEMBERED:
                self._verdicts.clear()
            known = self._evaluated(values)
            if _length(values) <= LONGEST:
                self._verdicts[key] = known
        return known

    def _learn(self, values: Iterable[Any]) -> None:
        for key in values:
            if self._holds(key):
                self._fires(key, self._numbers)
            elif _length(key) <= LONGEST:
                self._quiet.add(key)

    def _holds(self, key: Sequence[Any]) -> bool:
        """Tell whether the rule may match; 1 and True are one key, so numbers always may."""
        return not NUMBERS.isdisjoint(map(type, key)) or self._evaluated(key)

    def _evaluated(self, values: Sequence[Any]) -> bool:
        if sum(map(length, values)) > LONG:  # for the budget of the event, which is not known here
            return True
        pairs = zip(self.keys, values, strict=True)
        try:
            return self._match({name: value for name, value in pairs if value is not MISSING})
        except Exception:  # the evaluation on the whole event counts the failure
            return True


def _length(key: Sequence[Any]) -> int:
    return sum(len(value) for value in key if isinstance(value, str))
