"""Searching raw JSON lines for keywords, as long as they spell their values as they are.

Keywords stand in any value, so that no field need be decoded for them. A line in which a value may
be spelt otherwise (an escape, an object, a letter that folds to ASCII) is odd: its values have to
be looked at one by one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import Final, NamedTuple

from sentinel.detect.fast.scanner import MAX_HITS, TO_ASCII, Scanner

# What an object inside the line's object looks like; inside a text it is a false alarm.
NESTED: Final = (b":{", b",{", b"[{")
# The same, and the escapes and letters that spell an ASCII character otherwise, for Hyperscan.
# Bounded repetitions keep it at full speed.
ODD: Final = (
    rb":\{",
    rb",\{",
    rb"\[\{",
    rb"[:,\[][ \t\r\n]{1,20}\{",
    rb"[ \t\r\n]{20}\{",
    rb"\\u[0-9a-fA-F]{4}",
    *(character.encode() for character in TO_ASCII),
)


class RawHits(NamedTuple):
    """``hits``: (row, index of the needle). ``odd``: rows of which the hits say nothing."""

    hits: list[tuple[int, int]]
    odd: list[int]


def raw_scanner(needles: Sequence[str]) -> Callable[[Sequence[bytes]], RawHits]:
    """Return what finds needles of `keyword_needles` in lines."""
    if find_spec("hyperscan") is not None:
        return HyperscanLines([needle.encode() for needle in needles])
    return PlainLines(needles)


class PlainLines:
    """Searches with whatever `Scanner` has."""

    def __init__(self, needles: Sequence[str]) -> None:
        self._scanner = Scanner(needles)

    def __call__(self, lines: Sequence[bytes]) -> RawHits:
        """Search lines."""
        texts = [line.decode("utf-8", "replace") for line in lines]
        odd = [row for row, line in enumerate(lines) if is_odd(line)]
        return RawHits(list(self._scanner.scan(texts)), odd)


class HyperscanLines:
    """Searches with one database for the needles and for what makes a line odd."""

    def __init__(
        self, needles: Sequence[bytes], odd: Sequence[bytes] = ODD, limit: int | None = None
    ) -> None:
        """Prepare. ``odd``: patterns. ``limit``: hits in one call that are too many."""
        import hyperscan

        self._count = len(needles)
        self._limit = limit
        self._flooded = hyperscan.ScanTerminated
        self._database = hyperscan.Database()
        literals = [b"".join(b"\\x%02x" % byte for byte in text) for text in needles]
        self._database.compile(
            expressions=[*literals, *odd],
            ids=list(range(len(literals) + len(odd))),
            flags=[hyperscan.HS_FLAG_CASELESS] * len(literals) + [0] * len(odd),
        )

    def __call__(self, lines: Sequence[bytes]) -> RawHits:
        """Search lines; too many hits make all of them odd."""
        found = self._search(b"\n".join(lines), self._limit or MAX_HITS + 16 * len(lines))
        if found is None:
            return RawHits([], list(range(len(lines))))
        if not found:
            return RawHits([], [])
        ends = list(accumulate(len(line) + 1 for line in lines))
        placed = [(bisect_left(ends, end), needle) for needle, end in found]
        hits = [(row, needle) for row, needle in placed if needle < self._count]
        return RawHits(hits, sorted({row for row, needle in placed if needle >= self._count}))

    def _search(self, data: bytes, limit: int) -> list[tuple[int, int]] | None:
        hits: list[tuple[int, int]] = []

        def found(needle: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            hits.append((needle, end))
            return len(hits) > limit

        try:
            self._database.scan(data, match_event_handler=found)
        except self._flooded:
            return None
        return hits


def is_odd(line: bytes) -> bool:
    """Tell whether values may be spelt otherwise than they are: an escape, an object."""
    if b"\\u" in line and b"\\u" in line.replace(rb"\\", b""):  # not the backslash of a path
        return True
    if line.count(b"{") == 1:
        return False
    packed = line.translate(None, b" \t\r\n")
    return NESTED[0] in packed or NESTED[1] in packed or NESTED[2] in packed
