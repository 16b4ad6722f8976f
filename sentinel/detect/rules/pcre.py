r"""Sigma's patterns are PCRE (specification 2.1, modifiers appendix, `re`); ours run on RE2.

Within what the specification allows, the two differ in one thing: without `m`, PCRE's `$` also
holds before a line break that ends the text, RE2's does not. An engine that took RE2's meaning
would miss `evil$` in a value that ends with a line break.
"""

from __future__ import annotations

import re
from typing import Final

# A literal run, an escape, a character class (a `]` right after its start belongs to it), or one
# other character.
_UNIT: Final = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|.", re.DOTALL
)
_MULTILINE: Final = re.compile(r"\(\?[a-z]*m")


def with_dollar_before_newline(pattern: str) -> str:
    r"""Return ``pattern`` for RE2, with `$` as PCRE means it. Not for patterns under `m`.

    Where `re|endswith` closed the pattern with `\z`, `$` can be nothing but the end.
    """
    if "$" not in pattern or pattern.endswith(r")\z") or _MULTILINE.search(pattern):
        return pattern
    return _UNIT.sub(lambda unit: r"(?:\n?\z)" if unit[0] == "$" else unit[0], pattern)
