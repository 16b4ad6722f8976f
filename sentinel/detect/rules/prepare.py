"""Small rewrites that let pySigma 2 read what the specification 2.1 allows.

* `utf16le` is unknown to it; `wide` is the same modifier under its other name.
* `lt`, `lte`, `gt`, `gte` refuse a quoted number.
* A correlation's condition with two comparisons (`gt: 100`, `lte: 200`) is refused: one goes
  through pySigma, `ranges` keeps them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

COMPARISONS: Final = frozenset({"lt", "lte", "gt", "gte"})
CONDITIONS: Final = ("gt", "gte", "lt", "lte", "eq", "neq")


def prepare_detection(definition: Any) -> Any:
    """Return a detection with the modifiers and numbers that pySigma reads."""
    if isinstance(definition, Mapping):
        return {_key(key): _value(key, prepare_detection(v)) for key, v in definition.items()}
    if isinstance(definition, list):
        return [prepare_detection(item) for item in definition]
    return definition


def _key(key: Any) -> Any:
    if not isinstance(key, str) or "|" not in key:
        return key
    field, *modifiers = key.split("|")
    return "|".join([field, *("wide" if m == "utf16le" else m for m in modifiers)])


def _value(key: Any, value: Any) -> Any:
    if not isinstance(key, str) or COMPARISONS.isdisjoint(key.split("|")[1:]):
        return value
    return [_number(item) for item in value] if isinstance(value, list) else _number(value)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def prepare_correlation(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `correlation` block with at most one comparison in its condition."""
    condition = block.get("condition")
    found = [op for op in CONDITIONS if isinstance(condition, Mapping) and op in condition]
    if len(found) < 2:  # noqa: PLR2004 - a range is two comparisons
        return dict(block)
    assert isinstance(condition, Mapping)  # noqa: S101 - found is empty otherwise
    kept = {key: value for key, value in condition.items() if key not in found[1:]}
    return {**block, "condition": kept}
