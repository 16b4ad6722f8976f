"""Small rewrites that let pySigma 2 read what the specification 2.1 allows.

* `utf16le` is unknown to it; `wide` is the same modifier under its other name.
* `lt`, `lte`, `gt`, `gte` refuse a quoted number.
* `windash` permutes five dashes but looks for two of them, `-` and `/`, in the rule's value.
* A correlation's condition with two comparisons (`gt: 100`, `lte: 200`) is refused: one goes
  through pySigma, `ranges` keeps them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

COMPARISONS: Final = frozenset({"lt", "lte", "gt", "gte"})
LONG_DASH: Final = re.compile(r"\B[\u2013-\u2015]\b")
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
    modifiers = key.split("|")[1:] if isinstance(key, str) else []
    if not COMPARISONS.isdisjoint(modifiers):
        return _each(_number, value)
    return _each(_plain_dash, value) if "windash" in modifiers else value


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    return [change(item) for item in value] if isinstance(value, list) else change(value)


def _plain_dash(value: Any) -> Any:
    """Write a typographic dash that starts an option as `-`, which stands for all five."""
    return LONG_DASH.sub("-", value) if isinstance(value, str) else value


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
