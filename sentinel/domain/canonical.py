"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a hash can be bound to it.

Keys sorted by UTF-16 code units, no spaces, only what must be escaped is, numbers as ECMAScript
writes them. Anybody with another implementation of the RFC gets the same bytes.
"""

from __future__ import annotations

import json
import math

_MOST_DIGITS, _MOST_ZEROS = 21, 6  # ECMA-262: beyond, a number has an exponent


def canonical(value: object) -> bytes:
    """Return ``value`` (None, bool, int, float, str, list, tuple, dict) as canonical JSON, UTF-8.

    Raises ValueError for what JSON cannot hold exactly: NaN, an integer that no double holds, a
    key that is no text, a lone surrogate.
    """
    return _text(value).encode("utf-8")


def _text(value: object) -> str:
    if value is None or isinstance(value, bool | str | int | float):
        return _scalar(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(one) for one in value)}]"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key of an object is a text")
        ordered = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return f"{{{','.join(f'{_quoted(key)}:{_text(one)}' for key, one in ordered)}}}"
    raise ValueError(f"JSON holds no {type(value).__name__}")


def _scalar(value: bool | str | float | None) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _number(_double(value))


def _double(value: float) -> float:
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError("no double holds this integer: write it as a text") from error
    if found != value and not math.isnan(found):
        raise ValueError("no double holds this integer: write it as a text")
    return found


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """Return a double as ECMA-262, Number::toString, does."""
    if not math.isfinite(value):
        raise ValueError("JSON holds no NaN and no infinity")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)  # where the point stands, counted from the first digit
    point -= len(whole + fraction) - len(digits) if whole.strip("0") == "" else 0
    digits = digits.rstrip("0") or "0"
    count = len(digits)
    if count <= point <= _MOST_DIGITS:
        return sign + digits + "0" * (point - count)
    if 0 < point <= _MOST_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -_MOST_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    shown = point - 1
    power = f"e{'+' if shown >= 0 else '-'}{abs(shown)}"
    return sign + (digits if count == 1 else f"{digits[0]}.{digits[1:]}") + power
