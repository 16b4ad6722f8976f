"""Searching many values for many needles in one pass.

Hyperscan where it is installed (the extra `speed`), else Aho-Corasick in Rust, else Python's own
search: the same hits, at falling speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from operator import itemgetter
from typing import AnyStr, Final, Protocol

from sentinel.detect.fast.needles import SEPARATOR
from sentinel.detect.rules.folding import folded

# Hits in one value beyond which every needle counts as found: a hostile value floods the caller.
MAX_HITS: Final = 4096
TO_ASCII: Final = ("\u017f", "\u212a")  # the only other characters that fold to ASCII: s and k
Hit = tuple[int, int]  # index of the needle, and how many separators stand before its end


class Search(Protocol):
    """Finds needles in a framed text; None where there are more than ``limit`` hits.

    ``caseless``: it finds needles in ASCII whatever their case, so that nothing need be folded.
    """

    caseless: bool

    def __init__(self, needles: Sequence[str]) -> None: ...

    def __call__(self, text: str, limit: int) -> list[Hit] | None:
        """Return the hits in any order."""
        ...


class Scanner:
    """Finds needles. ``build``: a backend; the fastest one that is installed by default."""

    def __init__(self, needles: Sequence[str], build: type[Search] | None = None) -> None:
        self._everything = range(len(needles))
        self._closing = [needle.endswith(SEPARATOR) for needle in needles]
        self._plain = all(map(str.isascii, needles))
        self._search = (build or best_backend())(needles)

    def scan(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of the text, index of the needle); the same pair may come again."""
        joined = self._framed(texts)
        found = None
        if joined.count(SEPARATOR) == len(texts) + 1 and _encodable(joined):
            found = self._search(joined, MAX_HITS + 16 * len(texts))
        if found is None:  # a value with a separator or a lone surrogate, or a flood of hits
            for row, text in enumerate(texts):
                yield from ((row, needle) for needle in self._alone(text))
            return
        for needle, before in found:
            yield before - 1 - self._closing[needle], needle

    def _framed(self, texts: Sequence[str]) -> str:
        joined = SEPARATOR.join(texts)
        if joined.isascii():
            folds = joined if self._search.caseless else joined.lower()
        elif self._search.caseless and self._plain and not any(c in joined for c in TO_ASCII):
            folds = joined
        else:
            folds = SEPARATOR.join(map(folded, texts))
        return f"{SEPARATOR}{folds}{SEPARATOR}"

    def _alone(self, text: str) -> Iterable[int]:
        """Return the needles in one text, as it is and as regular expressions see it."""
        needles: set[int] = set()
        for seen in {text, text.encode("utf-8", "replace").decode()}:
            found = self._search(self._framed((seen,)), MAX_HITS)
            if found is None:
                return self._everything
            needles.update(needle for needle, _before in found)
        return needles


def _encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def best_backend() -> type[Search]:
    """Return the fastest backend that is installed."""
    if find_spec("hyperscan") is not None:
        return HyperscanSearch
    if find_spec("ahocorasick_rs") is not None:
        return AhoCorasickSearch
    return PythonSearch


class HyperscanSearch:
    """Hyperscan's literal matcher, on UTF-8."""

    caseless = True

    def __init__(self, needles: Sequence[str]) -> None:
        import hyperscan

        self._database = hyperscan.Database()
        self._flooded = hyperscan.ScanTerminated
        self._database.compile(
            expressions=[needle.encode("utf-8", "surrogatepass") for needle in needles],
            ids=list(range(len(needles))),
            flags=hyperscan.HS_FLAG_CASELESS,
            literal=True,
        )

    def __call__(self, text: str, limit: int) -> list[Hit] | None:
        """Search with one scan."""
        data = text.encode("utf-8", "surrogatepass")
        hits: list[Hit] = []

        def found(needle: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            hits.append((needle, end))
            return len(hits) > limit

        try:
            self._database.scan(data, match_event_handler=found)
        except self._flooded:
            return None
        return counted(hits, data, SEPARATOR.encode())


class AhoCorasickSearch:
    """Aho-Corasick in Rust, on characters."""

    caseless = False

    def __init__(self, needles: Sequence[str]) -> None:
        import ahocorasick_rs

        self._automaton = ahocorasick_rs.AhoCorasick(needles)

    def __call__(self, text: str, limit: int) -> list[Hit] | None:
        """Search with one pass."""
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode()
        found = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if len(found) > limit:
            return None
        return counted([(needle, end) for needle, _start, end in found], text, SEPARATOR)


class PythonSearch:
    """`str.find`, needle by needle."""

    caseless = False

    def __init__(self, needles: Sequence[str]) -> None:
        self._needles = tuple(needles)

    def __call__(self, text: str, limit: int) -> list[Hit] | None:
        """Search with one pass for each needle."""
        hits: list[Hit] = []
        for index, needle in enumerate(self._needles):
            at = text.find(needle)
            while at >= 0:
                hits.append((index, at + len(needle)))
                if len(hits) > limit:
                    return None
                at = text.find(needle, at + 1)
        return counted(hits, text, SEPARATOR)


def counted(hits: Sequence[Hit], data: AnyStr, mark: AnyStr) -> list[Hit]:
    """Return (needle, number of marks before the end) for hits of (needle, end)."""
    numbered: list[Hit] = []
    marks = at = 0
    for needle, end in sorted(hits, key=itemgetter(1)):
        marks += data.count(mark, at, end)
        at = end
        numbered.append((needle, marks))
    return numbered
