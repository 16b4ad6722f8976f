"""What each type of correlation counts over a window (correlation rules specification 2.1).

A measure is told of each hit that enters and leaves, in event time, so that an event costs the
same whatever the window holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Protocol

from sentinel.detect.correlate.hit import Combination, Kept
from sentinel.detect.rules.model import Correlation, CorrelationKind


class Measure(Protocol):
    """A number over the hits of a window."""

    def add(self, hit: Kept) -> None:
        """Take a hit that entered."""

    def remove(self, hit: Kept) -> None:
        """Let go of the hit that left, the oldest."""

    def value(self) -> int:
        """Return the number."""
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
        self._seen: Counter[Combination] = Counter()

    def add(self, hit: Kept) -> None:
        """Count each value of the hit."""
        self._seen.update(hit.values)

    def remove(self, hit: Kept) -> None:
        """Forget each value of the hit."""
        for value in hit.values:
            self._seen[value] -= 1
            if not self._seen[value]:
                del self._seen[value]

    def value(self) -> int:
        """Return the number of different values."""
        return len(self._seen)


class RuleCount:
    """`temporal`: how many of the rules matched."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def add(self, hit: Kept) -> None:
        """Count the hit's rule."""
        self._seen[hit.rule] += 1

    def remove(self, hit: Kept) -> None:
        """Forget the hit's rule."""
        self._seen[hit.rule] -= 1
        if not self._seen[hit.rule]:
            del self._seen[hit.rule]

    def value(self) -> int:
        """Return the number of different rules."""
        return len(self._seen)


class OrderedRuleCount:
    """`temporal_ordered`: how many of the rules, from the first on, matched in the order given.

    Each step is another event, not earlier than the step before it; the earliest serves.
    """

    def __init__(self, rules: tuple[str, ...]) -> None:
        self._rules = rules
        self._hits: dict[str, list[Kept]] = {rule: [] for rule in rules}
        self._gone: Counter[str] = Counter()

    def add(self, hit: Kept) -> None:
        """Append the hit to those of its rule; hits come in order of time."""
        self._hits[hit.rule].append(hit)

    def remove(self, hit: Kept) -> None:
        """Forget the oldest hit of the rule; the list is cut when half of it is gone."""
        hits = self._hits[hit.rule]
        self._gone[hit.rule] += 1
        if 2 * self._gone[hit.rule] >= len(hits):
            del hits[: self._gone.pop(hit.rule)]

    def value(self) -> int:
        """Return the length of the longest start of the rules that appears in order."""
        after: datetime | None = None
        used: set[str] = set()
        for done, rule in enumerate(self._rules):
            found = self._next(rule, after, used)
            if found is None:
                return done
            after = found.time
            used.add(found.key)
        return len(self._rules)

    def _next(self, rule: str, after: datetime | None, used: set[str]) -> Kept | None:
        """Return the earliest hit of ``rule`` not before ``after`` and not of a used event."""
        hits, start = self._hits[rule], self._gone[rule]
        if after is not None:
            start = bisect_left(hits, after, lo=start, key=lambda hit: hit.time)
        return next((hit for hit in islice(hits, start, None) if hit.key not in used), None)


def measure_for(correlation: Correlation) -> Measure:
    """Return a fresh measure for one group of ``correlation``."""
    match correlation.kind:
        case CorrelationKind.EVENT_COUNT:
            return EventCount()
        case CorrelationKind.VALUE_COUNT:
            return ValueCount()
        case CorrelationKind.TEMPORAL:
            return RuleCount()
        case CorrelationKind.TEMPORAL_ORDERED:
            return OrderedRuleCount(correlation.rules)
