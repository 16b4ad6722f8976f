"""What a rule asks of one scalar, as plain data.

pySigma's types say what the author wrote; these say what has to be tested. They compare equal when
they test the same, and can be written to disk, so that rules are shared and cached without code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import msgspec
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.pcre import with_dollar_before_newline


class Wild(IntEnum):
    """A wildcard: any number of characters (``*``), or exactly one (``?``)."""

    MANY = 0
    ONE = 1


class _Wanted(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """One alternative of a field or keyword."""


class Text(_Wanted, frozen=True, tag=True, array_like=True):
    """Literal parts and wildcards, merged; case-folded unless ``cased``."""

    parts: tuple[str | Wild, ...]
    cased: bool


class Pattern(_Wanted, frozen=True, tag=True, array_like=True):
    """A regular expression in RE2's syntax, flags inline; it may match anywhere."""

    source: str


class Number(_Wanted, frozen=True, tag=True, array_like=True):
    """A number by value, or a text by the number's spelling."""

    value: int | float
    spelling: str


class Boolean(_Wanted, frozen=True, tag=True, array_like=True):
    """A truth value, or its name as a text."""

    value: bool


class Null(_Wanted, frozen=True, tag=True, array_like=True):
    """Null, and nothing else."""


class Compare(_Wanted, frozen=True, tag=True, array_like=True):
    """A comparison with a number. ``op``: lt, lte, gt, gte, neq."""

    op: str
    limit: int | float


class InstantPart(_Wanted, frozen=True, tag=True, array_like=True):
    """A comparison with a part of an instant. ``part``: minute to year; ``op``: also eq."""

    part: str
    op: str
    number: int | float


class Network(_Wanted, frozen=True, tag=True, array_like=True):
    """An address inside a network (`cidr`)."""

    cidr: str


Wanted = Text | Pattern | Number | Boolean | Null | Compare | InstantPart | Network
WILDS: Final = {
    SpecialChars.WILDCARD_MULTI: Wild.MANY,
    SpecialChars.WILDCARD_SINGLE: Wild.ONE,
}


def wanted_value(value: SigmaType) -> Wanted:  # noqa: PLR0911 - one return per type
    """Return what the value of a field asks for. Raises RuleFault."""
    match value:
        case SigmaNull():
            return Null()
        case SigmaBool():
            return Boolean(value.boolean)
        case SigmaTimestampPart():  # before SigmaNumber, which it also is
            return InstantPart(value.timestamp_part.name.lower(), "eq", value.number)
        case SigmaNumber():
            return Number(value.number, str(value.number))
        case SigmaCompareExpression():
            return _comparison(value.op, value.number)
        case SigmaCIDRExpression():
            return Network(str(value.network))
        case SigmaRegularExpression():
            return Pattern(regex_source(value))
        case SigmaString():
            return wanted_text(value)
    raise RuleFault(f"{type(value).__name__} cannot be matched against an event")


def wanted_keyword(value: SigmaType) -> Wanted:
    """Return what a keyword asks for; it may lie anywhere inside a text. Raises RuleFault."""
    if isinstance(value, SigmaNumber | SigmaBool):
        value = SigmaString(str(value))
    if isinstance(value, SigmaString):
        return wanted_text(value, anywhere=True)
    return wanted_value(value)


def wanted_text(value: SigmaString, *, anywhere: bool = False) -> Text:
    """Return a Sigma string. ``anywhere``: it may lie inside the text. Raises RuleFault."""
    cased = isinstance(value, SigmaCasedString)
    parts: list[str | Wild] = [Wild.MANY] if anywhere else []
    for part in value.s:
        if isinstance(part, str):
            parts.append(part if cased else folded(part))
        elif isinstance(part, SpecialChars):
            parts.append(WILDS[part])
        else:
            raise RuleFault(f"the placeholder %{part.name}% has no list")
    if anywhere:
        parts.append(Wild.MANY)
    return Text(merged(parts), cased)


def merged(parts: Sequence[str | Wild]) -> tuple[str | Wild, ...]:
    """Merge neighbouring text and neighbouring ``*``."""
    found: list[str | Wild] = []
    for part in parts:
        previous = found[-1] if found else None
        if isinstance(part, str) and isinstance(previous, str):
            found[-1] = previous + part
        elif not (part is Wild.MANY and previous is Wild.MANY):
            found.append(part)
    return tuple(found)


def regex_source(value: SigmaRegularExpression) -> str:
    """Return the pattern with its `i`, `m`, `s` flags inline, as RE2 wants them."""
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    prefix = f"(?{flags})" if flags else ""
    pattern = value.regexp.to_plain(regex=True)
    return f"{prefix}{pattern if 'm' in flags else with_dollar_before_newline(pattern)}"


def glob_regex(parts: Sequence[str | Wild]) -> str:
    """Return the RE2 pattern of a whole text that has these parts, line breaks included."""
    pieces = {Wild.MANY: ".*", Wild.ONE: "."}
    return "(?s)" + "".join(re.escape(p) if isinstance(p, str) else pieces[p] for p in parts)


def _comparison(op: CompareOperators, number: SigmaNumber) -> Wanted:
    name = op.name.lower()
    if isinstance(number, SigmaTimestampPart):
        return InstantPart(number.timestamp_part.name.lower(), name, number.number)
    return Compare(name, number.number)
