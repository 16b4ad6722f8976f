"""Literals that must stand in a value for a rule's test on it to hold.

A needle is case-folded text, with `SEPARATOR` where the value must begin or end. Values are
searched folded and framed (`SEPARATOR` before and after), so one search over a whole column finds
equality, prefix, suffix and substring alike.
"""

from __future__ import annotations

import contextlib
import re
from typing import Final

from sentinel.detect.fast.regex_literals import all_literals
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.wanted import Boolean, Number, Pattern, Text, Wanted

SEPARATOR: Final = "\x1e"  # a control character: it has no case
Needles = frozenset[str]
# Characters that JSON never has to escape, so that a run of them stands in the raw line as it is.
_PLAIN: Final = re.compile(r"""[ !#-.0-\[\]-~]+""")
# What a number's text may consist of; the raw line may spell the same number differently.
_NUMERIC: Final = frozenset("0123456789.+-einfa")


def needles_of(wanted: Wanted) -> tuple[Needles, ...]:
    """Return sets of needles: any matching value holds one of each."""
    match wanted:
        case Text(parts):
            return _of_parts(parts)
        case Number(_, spelling):
            return (frozenset({_framed(folded(spelling))}),)
        case Boolean(value):
            return (frozenset({_framed("true" if value else "false")}),)
        case Pattern(source):
            found = [
                frozenset(_searchable(folded(text)) for text in texts)
                for texts in all_literals(source)
            ]
            return tuple(dict.fromkeys(needles for needles in found if "" not in needles))
    return ()


def keyword_needles(wanted: Wanted) -> tuple[Needles, ...]:
    r"""Return sets of needles: the raw JSON line of any event with the keyword holds one of each.

    Lines with a `\u` escape or a nested object are no raw text of their values: the caller
    treats them as if every needle stood in them.
    """
    match wanted:
        case Text(parts):
            texts = [_plain_run(folded(part)) for part in parts if isinstance(part, str)]
            return tuple(frozenset({text}) for text in dict.fromkeys(texts) if text)
        case Pattern(source):
            found = [
                frozenset(_plain_run(folded(text)) for text in ts) for ts in all_literals(source)
            ]
            return tuple(dict.fromkeys(runs for runs in found if "" not in runs))
    return ()


def spellings(value: float) -> set[str]:
    """Return the texts of every scalar that equals ``value``: 1, 1.0 and True are one key."""
    same: list[int | float] = [value]
    with contextlib.suppress(OverflowError, ValueError):  # infinite, or beyond the floats
        same += [int(value), float(value)]
    if value == 0:
        same.append(-0.0)
    texts = {str(other) for other in same if other == value or other is value}
    if value in (0, 1):
        texts.add("true" if value else "false")
    return {text.lower() for text in texts}


def _framed(text: str) -> str:
    return f"{SEPARATOR}{text}{SEPARATOR}"


def _of_parts(parts: tuple[object, ...]) -> tuple[Needles, ...]:
    if not parts:
        return (frozenset({_framed("")}),)
    last = len(parts) - 1
    texts = [
        _searchable(
            (SEPARATOR if at == 0 else "") + folded(part) + (SEPARATOR if at == last else "")
        )
        for at, part in enumerate(parts)
        if isinstance(part, str)
    ]
    return tuple(frozenset({text}) for text in dict.fromkeys(texts) if text)


def _searchable(text: str) -> str:
    """Return ``text``, or its longest piece without NUL, where Hyperscan's literals would end."""
    return max(text.split("\0"), key=len) if "\0" in text else text


def _plain_run(text: str) -> str:
    runs = [run for run in _PLAIN.findall(text) if not _NUMERIC.issuperset(run)]
    return max(runs, key=len, default="")
