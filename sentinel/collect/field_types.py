"""The types that a profile gives to fields; what does not have its type is said to be invalid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentinel.clock import isoformat
from sentinel.collect.formats.times import read_time
from sentinel.collect.profile import FieldType
from sentinel.domain.event import Value

_INT64 = range(-(2**63), 2**63)


def typed(value: Any, wanted: FieldType) -> Value:
    """Return the value in the wanted type; None where it has no such value."""
    try:
        return _CONVERSIONS[wanted](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def bounded(value: Any) -> Value:
    """Return the value; an integer that no store can hold (beyond 64 bits) as text."""
    if isinstance(value, list):
        return _items(value)
    if isinstance(value, int) and value not in _INT64:
        return str(value)
    if isinstance(value, int | float | str):
        return value
    return str(value)


def _items(value: list[Any]) -> list[Any]:
    return [_inner(item) for item in value]


def _inner(value: Any) -> Any:
    """Return an item of a list, which may be an object: a field is none (`domain.event.flat`)."""
    if isinstance(value, dict):
        return {key: _inner(item) for key, item in value.items()}
    return bounded(value)


def _text(value: Any) -> Value:
    if isinstance(value, list | dict):
        raise ValueError("not a single value")
    return str(value)


def _int(value: Any) -> Value:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    number = int(value)
    if number not in _INT64 or (isinstance(value, float) and number != value):
        raise ValueError("no whole number of 64 bits")
    return number


def _float(value: Any) -> Value:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    return float(value)


def _bool(value: Any) -> Value:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        str(value).lower()
    )


def _list(value: Any) -> Value:
    return _items(value if isinstance(value, list) else [value])


def _time(value: Any) -> Value:
    instant = read_time(value)
    return None if instant is None else isoformat(instant)


_CONVERSIONS: dict[FieldType, Callable[[Any], Value]] = {
    "any": bounded,
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "list": _list,
    "time": _time,
}
