r"""Setting lines aside unread: those in which no rule of the log source has a literal at all.

A clause stands in the raw line as it does in the decoded value, save for JSON's escapes: a
backslash is doubled, and where a line spells a character otherwise (`\u0041`, `\/`) it is odd and
passes. So do lines with a literal; the columns then say more. Every branch of every rule must have
a clause that can be searched for so, or there is no sieve: a number may be spelt in many ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Final

from sentinel.detect.fast.needles import SEPARATOR
from sentinel.detect.fast.raw import ODD, HyperscanLines
from sentinel.detect.fast.witness import WHOLE_EVENT, Branch, Clause, Sign

SAMPLE: Final = 1_024  # lines by which it is chosen
LEAST: Final = 64
MOST_PASSING: Final = 0.5  # share of lines from which on it does not pay
MOST_HITS: Final = 3.0  # per line
SHORTEST: Final = 3
# Characters that stand in a JSON text as they are, or, the backslash, doubled.
_PLAIN: Final = re.compile(r"[ !#-~]+")
# Texts of these may be numbers, which may be spelt in many ways.
_NUMERIC: Final = frozenset("0123456789.+-e")


def raw_literal(sign: Sign) -> bytes | None:
    """Return what stands in the raw line (in any case) of an event that holds the sign, or None."""
    if sign.field == WHOLE_EVENT:
        return sign.needle.encode()
    runs = _PLAIN.findall(sign.needle)  # neither SEPARATOR nor a quote of the value's own
    best = max(runs, key=len, default="")
    if len(best) < SHORTEST or _NUMERIC.issuperset(best) or best in ("inf", "nan"):
        return None
    quoted = best not in "true" and best not in "false"  # truth values stand without quotes
    start = '"' if quoted and sign.needle.startswith(SEPARATOR + best) else ""
    end = '"' if quoted and sign.needle.endswith(best + SEPARATOR) else ""
    return (start + best.replace("\\", r"\\") + end).encode()


class Sieve:
    """Tells which lines have to be read."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._search = HyperscanLines(tuple(literals), (*ODD, rb"\\/"))
        self.seen = self.passed = 0

    def passing(self, lines: Sequence[bytes]) -> list[int]:
        """Return the rows that may match, in order."""
        hits, odd = self._search(lines)
        rows = sorted({row for row, _literal in hits}.union(odd))
        self.seen += len(lines)
        self.passed += len(rows)
        return rows

    @property
    def worth_while(self) -> bool:
        """Whether enough lines are set aside."""
        return self.seen < SAMPLE or self.passed <= MOST_PASSING * self.seen


def make_sieve(branches: Iterable[Branch], lines: Sequence[bytes]) -> Sieve | None:
    """Return the sieve that lets the fewest of ``lines`` pass, or None where it does not pay."""
    usable = [[c for c in branch if _literals(c) is not None] for branch in branches]
    if not usable or not all(usable) or find_spec("hyperscan") is None:
        return None
    names = sorted({text for branch in usable for c in branch for text in _literals(c) or ()})
    if not names:
        return Sieve(())
    sample = lines[:SAMPLE]
    rows: dict[bytes, set[int]] = {}
    hits, odd = HyperscanLines(names, (), limit=200 * len(sample))(sample)
    for row, literal in hits:
        rows.setdefault(names[literal], set()).add(row)
    if odd:  # a flood of hits
        return None

    def weight(clause: Clause) -> tuple[int, float]:
        texts = _literals(clause) or ()
        found = sum(len(rows.get(text, ())) for text in texts)
        return found, sum(0.8 ** len(text) for text in texts)

    chosen = {text for branch in usable for text in _literals(min(branch, key=weight)) or ()}
    passing = set().union(*(rows.get(text, set()) for text in chosen))
    hit = sum(len(rows.get(text, ())) for text in chosen)
    if len(passing) > MOST_PASSING * len(sample) or hit > MOST_HITS * len(sample):
        return None
    return Sieve(sorted(chosen))


def _literals(clause: Clause) -> frozenset[bytes] | None:
    found = {raw_literal(sign) for sign in clause}
    return None if None in found else frozenset(text for text in found if text is not None)
