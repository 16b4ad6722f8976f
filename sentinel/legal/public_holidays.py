"""Public holidays of France: the eleven of Code du travail L3133-1, without regional ones.

Alsace-Moselle and overseas days are left out: whoever has them off has more time, not less.
"""

from __future__ import annotations

from datetime import date
from functools import cache

from sentinel.errors import MissingExtra


def is_french_holiday(day: date) -> bool:
    """Tell whether ``day`` is one of the eleven. Raises MissingExtra without `holidays`."""
    return day in _of_year(day.year)


@cache
def _of_year(year: int) -> frozenset[date]:
    try:
        import holidays
    except ImportError as error:
        raise MissingExtra("holidays", hint="install Sentinel again: make install") from error
    return frozenset(holidays.country_holidays("FR", years=year))
