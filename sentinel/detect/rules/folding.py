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


def folded(text: str) -> str:
    """Return ``text`` for comparison without case; as long as before."""
    if text.isascii() or _IRREGULAR.search(text) is None:
        return text.lower()
    return "".join(map(_folded_character, text))


def _folded_character(char: str) -> str:
    for candidate in (char.casefold(), char.lower()):
        if len(candidate) == 1:
            return candidate
    return char
