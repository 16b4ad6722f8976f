r"""Sigma strings (specification 2.1, "String Wildcard", "Escape Character") as tests on text.

`*` is any number of characters, `?` exactly one, line breaks included. The shape of the pattern
chooses the cheapest test; only `?` needs a regular expression, and RE2 runs it in linear time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.wanted import Text, Wild, glob_regex

TextTest = Callable[[str], bool]
Parts = tuple[str | Wild, ...]


def text_test(wanted: Text) -> TextTest:
    """Compile a Sigma string. Both sides are case-folded unless it is ``cased``."""
    test = _shape(wanted.parts)
    return test if wanted.cased else lambda text: test(folded(text))


def alternatives(patterns: Sequence[Parts]) -> tuple[TextTest | None, list[Parts]]:
    """Compile the plain ones of several folded patterns into one test; return it and the rest."""
    equal: set[str] = set()
    heads: list[str] = []
    tails: list[str] = []
    inner: list[str] = []
    rest: list[Parts] = []
    for parts in patterns:
        match parts:
            case ():
                equal.add("")
            case (str(whole),):
                equal.add(whole)
            case (str(head), Wild.MANY):
                heads.append(head)
            case (Wild.MANY, str(tail)):
                tails.append(tail)
            case (Wild.MANY, str(part), Wild.MANY):
                inner.append(part)
            case _:
                rest.append(parts)
    if len(patterns) - len(rest) < 2:  # noqa: PLR2004 - one alone has a test of its own
        return None, list(patterns)
    starts, ends = tuple(heads), tuple(tails)

    def test(text: str) -> bool:
        text = folded(text)
        if text in equal or text.startswith(starts) or text.endswith(ends):
            return True
        return holds_one(text, inner)

    return test, rest


def holds_one(text: str, parts: Sequence[str]) -> bool:
    """Tell whether one of the parts stands in the text."""
    for part in parts:  # noqa: SIM110 - a loop costs half of any() on a generator
        if part in text:
            return True
    return False


def _shape(parts: Sequence[str | Wild]) -> TextTest:
    match parts or ("",):
        case [str(whole)]:
            return lambda text: text == whole
        case [Wild.MANY]:
            return lambda _text: True
        case [str(head), Wild.MANY]:
            return lambda text: text.startswith(head)
        case [Wild.MANY, str(tail)]:
            return lambda text: text.endswith(tail)
        case [Wild.MANY, str(inner), Wild.MANY]:
            return lambda text: inner in text
    return regex_test(glob_regex(parts), whole=True)


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
