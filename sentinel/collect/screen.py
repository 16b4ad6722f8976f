"""One look over many lines: which of them can hold what redaction takes out, or a subject.

Redaction and pseudonyms look at each text many times, and of most lines they change nothing. So
the texts of a slice of lines are laid end to end and searched once, by RE2, for what every finding
must contain. What this look passes over is certain to be clean; what it stops at may be clean too
and is looked at closely. `_SIGN` follows the patterns of `redact`, `key_shapes` and
`bank_numbers`, without their conditions: whoever adds a pattern there adds its sign here, and
``tests/unit/test_screen.py`` holds the two against each other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import re2

from sentinel.collect.bank_numbers import IBAN_COUNTRIES
from sentinel.collect.redact import SECRET_WORDS

_GAP = r"(?:[ +-]|%20|%2[Dd])?"
_INDEX = r"(?:\[\w{0,32}\]|%5B\w{0,32}%5D|\]|%5D)?"
_SIGN = (
    rf"(?i:(?:{SECRET_WORDS})(?:{_INDEX}(?:\\?[\"']|%22|%27)?(?:[ \t+]|%20){{0,4}}(?:=|%3D|:|%3A)"
    r"|[ \t]))",
    r"(?i:bearer(?:[ \t+]|%20))",
    r"eyJ[\w-]{8}",
    r"://[^/\s:@?#]{0,64}:[^/\s@?#]{1,128}@",
    r"sshpass[ \t]",
    r"curl[^\n|;]*[ \t](?:-u|--user)[ \t]",
    r"mysql[^\n|;]*[ \t]-p",
    r"PRIVATE KEY-----",
    r"AKIA[A-Z2-7]|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AIza|[sr]k_live_|SG\.[\w-]{16}",
    r"(?i:cookie(?:\\?[\"'])?[ ]{0,4}[:=])",
    rf"\d(?:{_GAP}\d){{12}}",
    rf"(?i:{'|'.join(sorted(IBAN_COUNTRIES))})\d\d(?:{_GAP}[0-9A-Za-z]){{11}}",
)
# Where a pattern asks for the edge of a text, texts laid end to end do not answer for each.
_EDGES = ("^", "$", r"\A", r"\z", r"\Z", r"\C", "(?m", "(?s")
_SEPARATOR = b"\n"


def signs() -> Any:
    """Return what every text that redaction changes contains, compiled for bytes."""
    return re2.compile("|".join(_SIGN).encode())


def laid_end_to_end(pattern: str) -> Any | None:
    """Return the pattern compiled for bytes; None where it must see each text by itself."""
    if not pattern or any(edge in pattern for edge in _EDGES):
        return None
    return re2.compile(pattern.encode())


def holding(pattern: Any, texts: Sequence[bytes]) -> set[int]:
    """Return the indexes of the texts in which a match begins, and of some more."""
    found: set[int] = set()
    whole = _SEPARATOR.join(texts)
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    position = 0
    while position < len(whole) and (match := pattern.search(whole, position)):
        index = bisect_right(starts, match.start()) - 1
        found.add(index)
        position = starts[index + 1]
    return found
