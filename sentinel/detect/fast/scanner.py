"""Searching many values for many needles in one pass.

Hyperscan where it is installed (the extra `speed`), else Aho-Corasick in Rust, else Python's own
search: the same hits, at falling speed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import AnyStr, Final

from sentinel.detect.fast.needles import SEPARATOR
from sentinel.detect.rules.folding import folded

# Hits in one value beyond which every needle counts as found: a hostile value floods the caller.
MAX_HITS: Final = 4096
Hit = tuple[int, int]  # index of the needle, and where in the text it ends
Search = Callable[[str, int], tuple[list[Hit], list[int]] | None]


class Scanner:
    """Finds needles. ``search``: a backend; the fastest one that is installed by default."""

    def __init__(
        self, needles: Sequence[str], build: Callable[[Sequence[str]], Search] | None = None
    ) -> None:
        self._everything = range(len(needles))
        self._closing = [needle.endswith(SEPARATOR) for needle in needles]
        self._search = (build or best_backend())(needles)

    def scan(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of the text, index of the needle); the same pair may come again."""
        joined = _framed(texts)
        found = None
        if joined.count(SEPARATOR) == len(texts) + 1 and _encodable(joined):
            found = self._search(joined, MAX_HITS + 16 * len(texts))
        if found is None:  # a value with a separator or a lone surrogate, or a flood of hits
            for row, text in enumerate(texts):
                yield from ((row, needle) for needle in self._alone(text))
            return
        hits, separators = found
        for needle, end in hits:
            yield bisect_left(separators, end) - 1 - self._closing[needle], needle

    def _alone(self, text: str) -> Iterable[int]:
        """Return the needles in one text, as it is and as regular expressions see it."""
        needles: set[int] = set()
        for seen in {text, text.encode("utf-8", "replace").decode()}:
            found = self._search(_framed((seen,)), MAX_HITS)
            if found is None:
                return self._everything
            needles.update(needle for needle, _end in found[0])
        return needles


def _framed(texts: Sequence[str]) -> str:
    joined = SEPARATOR.join(texts)
    folds = joined.lower() if joined.isascii() else SEPARATOR.join(map(folded, texts))
    return f"{SEPARATOR}{folds}{SEPARATOR}"


def _encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def best_backend() -> Callable[[Sequence[str]], Search]:
    """Return the fastest backend that is installed."""
    if find_spec("hyperscan") is not None:
        return hyperscan_search
    if find_spec("ahocorasick_rs") is not None:
        return aho_corasick_search
    return python_search


def hyperscan_search(needles: Sequence[str]) -> Search:
    """Search with Hyperscan's literal matcher, on UTF-8."""
    import hyperscan

    database = hyperscan.Database()
    database.compile(
        expressions=[_encoded(needle) for needle in needles],
        ids=list(range(len(needles))),
        flags=0,
        literal=True,
    )
    mark = SEPARATOR.encode()

    def search(text: str, limit: int) -> tuple[list[Hit], list[int]] | None:
        data = _encoded(text)
        hits: list[Hit] = []

        def found(needle: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            hits.append((needle, end))
            return len(hits) > limit

        try:
            database.scan(data, match_event_handler=found)
        except hyperscan.ScanTerminated:
            return None
        return hits, _places(data, mark) if hits else []

    return search


def aho_corasick_search(needles: Sequence[str]) -> Search:
    """Search with Aho-Corasick in Rust, on characters."""
    import ahocorasick_rs

    automaton = ahocorasick_rs.AhoCorasick(needles)

    def search(text: str, limit: int) -> tuple[list[Hit], list[int]] | None:
        if not text.isascii():
            text = text.encode("utf-8", "replace").decode()
        found = automaton.find_matches_as_indexes(text, overlapping=True)
        if len(found) > limit:
            return None
        return [(needle, end) for needle, _start, end in found], _places(text, SEPARATOR)

    return search


def python_search(needles: Sequence[str]) -> Search:
    """Search with `str.find`, needle by needle."""

    def search(text: str, limit: int) -> tuple[list[Hit], list[int]] | None:
        hits: list[Hit] = []
        for index, needle in enumerate(needles):
            at = text.find(needle)
            while at >= 0:
                hits.append((index, at + len(needle)))
                if len(hits) > limit:
                    return None
                at = text.find(needle, at + 1)
        return hits, _places(text, SEPARATOR)

    return search


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _places(text: AnyStr, mark: AnyStr) -> list[int]:
    """Return where the separators stand."""
    places, at = [], text.find(mark)
    while at >= 0:
        places.append(at)
        at = text.find(mark, at + 1)
    return places
