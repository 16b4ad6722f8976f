"""What each type of correlation counts over a window (correlation rules specification 2.1).

A measure is told of each hit that enters and leaves, in event time, so that an event costs the
same whatever the window holds. Numbers that need all values at once are in `metric`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

from sentinel.detect.correlate.hit import Kept, Value
from sentinel.detect.correlate.metric import Average, Percentile, Share, Sum
from sentinel.detect.rules.model import Correlation, CorrelationKind, Operator


class Measure(Protocol):
    """A number over the hits of a window."""

    def add(self, hit: Kept) -> None:
        """Take a hit that entered."""

    def remove(self, hit: Kept) -> None:
        """Let go of the hit that left, the oldest."""

    def value(self) -> int | float | None:
        """Return the number; None where nothing was measured."""
        ...


class EventCount:
    """How many events."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, hit: Kept) -> None:
        """Count the hit."""
        del hit
        self._count += 1

    def remove(self, hit: Kept) -> None:
        """Forget the hit."""
        del hit
        self._count -= 1

    def value(self) -> int:
        """Return the number of hits."""
        return self._count


class ValueCount:
    """How many different values, or combinations of values, of the counted fields."""

    def __init__(self) -> None:
        self._seen: dict[Value, int] = {}

    def add(self, hit: Kept) -> None:
        """Count each value of the hit."""
        seen = self._seen
        for value in hit.values:
            seen[value] = seen.get(value, 0) + 1

    def remove(self, hit: Kept) -> None:
        """Forget each value of the hit."""
        seen = self._seen
        for value in hit.values:
            if seen[value] == 1:
                del seen[value]
            else:
                seen[value] -= 1

    def value(self) -> int:
        """Return the number of different values."""
        return len(self._seen)


class RuleCount:
    """`temporal`: which of the rules matched, and how many they are."""

    def __init__(self, rules: tuple[str, ...]) -> None:
        self._rules = rules
        self._seen: dict[int, int] = {}

    def add(self, hit: Kept) -> None:
        """Count the hit's rule."""
        self._seen[hit.step] = self._seen.get(hit.step, 0) + 1

    def remove(self, hit: Kept) -> None:
        """Forget the hit's rule."""
        self._seen[hit.step] -= 1
        if not self._seen[hit.step]:
            del self._seen[hit.step]

    def value(self) -> int:
        """Return the number of different rules."""
        return len(self._seen)

    def rules(self) -> set[str]:
        """Return the rules that matched."""
        return {self._rules[step] for step in self._seen}


class OrderedRuleCount:
    """`temporal_ordered`: how many of the rules, from the first on, matched in the order given.

    Each step is another event, not earlier than the step before it; the earliest serves.
    """

    def __init__(self, rules: tuple[str, ...]) -> None:
        self._steps = tuple(rules.index(rule) for rule in rules)
        self._hits: dict[int, list[Kept]] = {step: [] for step in self._steps}
        self._gone: dict[int, int] = dict.fromkeys(self._steps, 0)

    def add(self, hit: Kept) -> None:
        """Append the hit to those of its rule; hits come in order of time."""
        self._hits[hit.step].append(hit)

    def remove(self, hit: Kept) -> None:
        """Forget the oldest hit of the rule; the list is cut when half of it is gone."""
        hits = self._hits[hit.step]
        self._gone[hit.step] += 1
        if 2 * self._gone[hit.step] >= len(hits):
            del hits[: self._gone[hit.step]]
            self._gone[hit.step] = 0

    def value(self) -> int:
        """Return the length of the longest start of the rules that appears in order."""
        after: int | None = None
        used: set[str] = set()
        for done, step in enumerate(self._steps):
            found = self._next(step, after, used)
            if found is None:
                return done
            after = found.time
            used.add(found.key)
        return len(self._steps)

    def _next(self, step: int, after: int | None, used: set[str]) -> Kept | None:
        """Return the earliest hit of ``step`` not before ``after`` and not of a used event."""
        hits, start = self._hits[step], self._gone[step]
        if after is not None:
            start = bisect_left(hits, after, lo=start, key=lambda hit: hit.time)
        return next((hit for hit in islice(hits, start, None) if hit.key not in used), None)


SIMPLE: Final[dict[CorrelationKind, Callable[[], Measure]]] = {
    CorrelationKind.EVENT_COUNT: EventCount,
    CorrelationKind.VALUE_COUNT: ValueCount,
    CorrelationKind.VALUE_SUM: Sum,
    CorrelationKind.VALUE_AVG: Average,
}
BELOW: Final = frozenset({Operator.LT, Operator.LTE})


def measure_for(correlation: Correlation) -> Measure:
    """Return a fresh measure for one group of ``correlation``."""
    if correlation.kind is CorrelationKind.TEMPORAL:
        return RuleCount(correlation.rules)
    if correlation.kind is CorrelationKind.TEMPORAL_ORDERED:
        return OrderedRuleCount(correlation.rules)
    if correlation.percentile is not None:
        return Percentile(correlation.percentile)
    if correlation.kind is CorrelationKind.VALUE_PERCENTILE:
        return Share(rarest=any(op in BELOW for op, _count in correlation.conditions))
    return SIMPLE[correlation.kind]()
