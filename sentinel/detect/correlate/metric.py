"""Numbers over the values of a field: sum, average, percentile, share of a value.

Sums are exact, of the decimal numbers as they are written (ten times 0.1 is 1), so that neither the
order of arrival nor what has left the window leaves a rounding error that decides an alert.

**Percentile**: the nearest rank, the smallest observed value that at least ``p`` per cent of the
observations do not exceed (method 1 of Hyndman and Fan, 1996). It is always a value that occurred.
The median is the 50th percentile, as the specification hints: of an even number, the lower middle.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from sentinel.detect.correlate.hit import Kept, Value


class Sum:
    """`value_sum`."""

    def __init__(self) -> None:
        self._total: int | Fraction = 0
        self._count = 0

    def add(self, hit: Kept) -> None:
        """Add the numbers of the hit."""
        for value in hit.values:
            self._total += _exact(value)
            self._count += 1

    def remove(self, hit: Kept) -> None:
        """Take the numbers of the hit away."""
        for value in hit.values:
            self._total -= _exact(value)
            self._count -= 1

    def value(self) -> int | float | None:
        """Return the sum; None of no number."""
        return _plain(self._total) if self._count else None


class Average(Sum):
    """`value_avg`: the arithmetic mean."""

    def value(self) -> int | float | None:
        """Return the mean; None of no number."""
        return _plain(Fraction(self._total) / self._count) if self._count else None


class _Values:
    """Every value of the window with how often it occurs."""

    def __init__(self) -> None:
        self._seen: Counter[Value] = Counter()
        self._count = 0

    def add(self, hit: Kept) -> None:
        """Count the values of the hit."""
        for value in hit.values:
            self._seen[value] += 1
            self._count += 1

    def remove(self, hit: Kept) -> None:
        """Forget the values of the hit."""
        for value in hit.values:
            self._seen[value] -= 1
            self._count -= 1
            if not self._seen[value]:
                del self._seen[value]


class Percentile(_Values):
    """`value_percentile` and `value_median` over numbers, by nearest rank."""

    def __init__(self, percent: float) -> None:
        """Prepare. ``percent``: above 0, at most 100."""
        super().__init__()
        self._percent = percent

    def value(self) -> int | float | None:
        """Return the percentile; None of no number."""
        wanted = math.ceil(Fraction(self._percent) * self._count / 100)
        passed = 0
        numbers: Counter[int | Fraction] = Counter()
        for value, count in self._seen.items():
            numbers[_exact(value)] += count
        for number in sorted(numbers):
            passed += numbers[number]
            if passed >= wanted:
                return _plain(number)
        return None


class Share(_Values):
    """The share of one value among all, 0 to 100: of the rarest, or of the commonest."""

    def __init__(self, *, rarest: bool) -> None:
        """Prepare."""
        super().__init__()
        self._of = min if rarest else max

    def value(self) -> int | float | None:
        """Return the share in per cent; None of no value."""
        if not self._count:
            return None
        return _plain(Fraction(100 * self._of(self._seen.values()), self._count))


def _exact(value: Value) -> int | Fraction:
    if isinstance(value, int):
        return value
    assert isinstance(value, float)  # noqa: S101 - `hit` keeps numbers alone for these types
    return int(value) if value.is_integer() else Fraction(repr(value))


def _plain(value: int | Fraction) -> int | float:
    if isinstance(value, int):
        return value
    return int(value) if value.denominator == 1 else float(value)
