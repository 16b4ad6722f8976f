"""Which categories of data every document of a case tells, so that none contradicts another."""

from __future__ import annotations

from collections.abc import Iterable


def told_categories(touched: Iterable[str]) -> set[str]:
    """Return the categories to tell: an address or a number in a file stands beside a name."""
    found = set(touched)
    return found | {"identity"} if "contact" in found else found
