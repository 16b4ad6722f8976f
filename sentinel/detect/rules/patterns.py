"""A look at the patterns of a document before pySigma reads it.

It takes a number under `re` for its own bug, and lets RE2 write to stderr what is wrong with a
pattern; here each is one error with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sentinel.detect.rules.fault import Path, RuleFault
from sentinel.detect.rules.strings import regex_test

HINT: Final = "patterns are RE2: no look-around, no back-references"


def check_patterns(definition: Any, path: Path) -> None:
    """Look at what stands under one search identifier, at ``path``. Raises RuleFault."""
    if isinstance(definition, list):
        for item in definition:
            check_patterns(item, path)
    elif isinstance(definition, Mapping):
        for key, value in definition.items():
            modifiers = key.split("|")[1:] if isinstance(key, str) else []
            if "re" in modifiers:
                for pattern in value if isinstance(value, list) else [value]:
                    _check(pattern, (*path, key), is_whole="expand" not in modifiers)


def _check(pattern: Any, path: Path, *, is_whole: bool) -> None:
    if not isinstance(pattern, str):
        raise RuleFault("a pattern is text", path=path, hint="quote the value")
    if not is_whole:  # a list has yet to fill its placeholders
        return
    try:
        regex_test(pattern)
    except RuleFault as fault:
        raise RuleFault(fault.reason, path=path, hint=HINT) from None
