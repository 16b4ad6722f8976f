"""Comparing without case, one character for one.

`str.lower` is not enough: it turns İ into two characters, so that `?` no longer stands for one,
and a final Σ into ς, so that a text is no longer found inside a longer one. Unicode's simple case
folding (Unicode Standard 3.13, `CaseFolding.txt` status C and S) keeps lengths and knows no
context; RE2 folds the same way under `i`.
"""

from __future__ import annotations

import re
from typing import Final

# The characters whose simple folding is not what `str.lower` makes of a text that holds them.
_IRREGULAR: Final = re.compile(
    "[\u00b5\u0130\u017f\u0345\u03a3\u03c2\u03d0\u03d1\u03d5\u03d6\u03f0\u03f1\u03f5"
    "\u13a0-\u13f5\u13f8-\u13fd\u1c80-\u1c88\u1e9b\u1fbe\uab70-\uabbf]"
)


LONG: Final = 4_096  # characters from which on a text is worth remembering
MOST_LONG: Final = 8
MOST_CHARACTERS: Final = 4_096


def folded(text: str) -> str:
    """Return ``text`` for comparison without case; as long as before."""
    if len(text) < LONG:
        return _folded(text)
    known = _LONG.get(id(text))
    if known is not None and known[0] is text:
        return known[1]
    if len(_LONG) >= MOST_LONG:
        _LONG.clear()
    found = _folded(text)
    _LONG[id(text)] = text, found  # the text is held, so that its id stays its own
    return found


# Many rules ask for the same field of one event: a long one is folded once, not for each.
_LONG: dict[int, tuple[str, str]] = {}


def _folded(text: str) -> str:
    if text.isascii() or _IRREGULAR.search(text) is None:
        return text.lower()
    return text.translate(_CHARACTERS)


class _Characters(dict[int, str]):
    """Simple foldings by code point, found when they are asked for."""

    def __missing__(self, code: int) -> str:
        if len(self) >= MOST_CHARACTERS:
            self.clear()
        found = self[code] = _folded_character(chr(code))
        return found


_CHARACTERS: Final = _Characters()


def _folded_character(char: str) -> str:
    for candidate in (char.casefold(), char.lower()):
        if len(candidate) == 1:
            return candidate
    return char
