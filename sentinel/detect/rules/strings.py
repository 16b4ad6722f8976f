r"""Sigma strings (specification 2.1, "String Wildcard", "Escape Character") as tests on text.

`*` is any number of characters, `?` exactly one, line breaks included. The shape of the pattern
chooses the cheapest test; only `?` needs a regular expression, and RE2 runs it in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import re2
from sigma.types import SigmaString, SpecialChars

from sentinel.detect.rules.fault import RuleFault

TextTest = Callable[[str], bool]
ANY = SpecialChars.WILDCARD_MULTI
ONE = SpecialChars.WILDCARD_SINGLE
Part = str | SpecialChars


def text_test(value: SigmaString, *, cased: bool, anywhere: bool = False) -> TextTest:
    """Compile a Sigma string. ``anywhere``: the pattern may lie inside the text (keywords).

    Both sides are lower-cased unless ``cased``.
    """
    parts = _parts(value, cased=cased)
    if anywhere:
        parts = _collapse([ANY, *parts, ANY])
    test = _shape(parts)
    return test if cased else lambda text: test(text.lower())


def _parts(value: SigmaString, *, cased: bool) -> list[Part]:
    parts: list[Part] = []
    for part in value.s:
        if isinstance(part, str):
            parts.append(part if cased else part.lower())
        elif isinstance(part, SpecialChars):
            parts.append(part)
        else:
            raise RuleFault(f"the placeholder %{part.name}% has no list")
    return _collapse(parts)


def _collapse(parts: Sequence[Part]) -> list[Part]:
    """Merge neighbouring text and neighbouring ``*``."""
    merged: list[Part] = []
    for part in parts:
        previous = merged[-1] if merged else None
        if isinstance(part, str) and isinstance(previous, str):
            merged[-1] = previous + part
        elif not (part is ANY and previous is ANY):
            merged.append(part)
    return merged


def _shape(parts: list[Part]) -> TextTest:
    match parts or [""]:
        case [str(whole)]:
            return lambda text: text == whole
        case [SpecialChars.WILDCARD_MULTI]:
            return lambda _text: True
        case [str(head), SpecialChars.WILDCARD_MULTI]:
            return lambda text: text.startswith(head)
        case [SpecialChars.WILDCARD_MULTI, str(tail)]:
            return lambda text: text.endswith(tail)
        case [SpecialChars.WILDCARD_MULTI, str(inner), SpecialChars.WILDCARD_MULTI]:
            return lambda text: inner in text
    return regex_test(_regex(parts), whole=True)


def _regex(parts: list[Part]) -> str:
    pieces = {ANY: ".*", ONE: "."}
    body = "".join(re.escape(p) if isinstance(p, str) else pieces[p] for p in parts)
    return f"(?s){body}"


def regex_test(pattern: str, *, whole: bool = False) -> TextTest:
    """Compile an RE2 pattern; it may match anywhere unless ``whole``. Raises RuleFault."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise RuleFault(f"RE2 refuses the pattern: {_reason(error)}") from error
    run = compiled.fullmatch if whole else compiled.search

    def test(text: str) -> bool:
        try:
            return run(text) is not None
        except UnicodeEncodeError:  # a lone surrogate: RE2 works on UTF-8
            return run(text.encode("utf-8", "replace").decode()) is not None

    return test


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
