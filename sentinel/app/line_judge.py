"""Rules over flat JSON lines of files: what matches, and what could not be judged, with its place.

Nothing is normalised, redacted or joined with other events; `app.offline` does that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from sentinel.collect.files import LONGEST_LINE, find_files, name_of, read_raw, worst_of
from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.rules.fields import Fields
from sentinel.detect.rules.model import Rule
from sentinel.errors import UnreadableFile

Raw = tuple[bytes, bool]  # a line, and whether it was cut
BATCH: Final = 4096  # lines that are judged together
SHOWN: Final = 3  # troubles of a kind whose place is kept; all are counted
BOM: Final = b"\xef\xbb\xbf"
WORDS: Final = {
    "unreadable": "not a JSON object that can be read, or its log source is no text",
    "too_long": f"longer than {LONGEST_LINE} bytes",
    "failed": "a rule failed on it",
    "over_budget": "judging it by one more rule would take too long",
}


class Match(NamedTuple):
    """Rule ``rule`` matches the event ``fields``, which stands at ``place`` (path:line)."""

    place: str
    rule: Rule
    fields: Fields


class LineJudge:
    """Judges files line by line.

    After (and during) the reading: ``lines``, ``blank``; ``troubles``, by kind (see `WORDS`), and
    ``first``, the places of the first ones. ``matcher.unrouted``: lines without a log source.
    """

    def __init__(self, matcher: LineMatcher) -> None:
        self.matcher = matcher
        self.lines = 0
        self.blank = 0
        self.troubles: Counter[str] = Counter()
        self.first: dict[str, list[str]] = {}

    @property
    def judged(self) -> int:
        """Lines that rules were asked about."""
        return self.lines - self.blank - self.troubles["unreadable"] - self.troubles["too_long"]

    def judge(self, paths: Sequence[Path], stdin: BinaryIO) -> Iterator[list[Match]]:
        """Yield the matches of each batch, file by file (folders walked, ``-``: standard input).

        Raises UnreadableFile at the end where a file could not be read, or not to its end.
        """
        problems: list[UnreadableFile] = []
        for path in self._files(paths, problems):
            try:
                yield from self._file(name_of(path), read_raw(path, stdin))
            except UnreadableFile as problem:
                problems.append(problem)
        if problems:
            raise worst_of(problems)

    def _files(self, paths: Sequence[Path], problems: list[UnreadableFile]) -> Iterator[Path]:
        for path in paths:
            try:
                yield from find_files([path])
            except UnreadableFile as problem:
                problems.append(problem)

    def _file(self, name: str, lines: Iterator[Raw]) -> Iterator[list[Match]]:
        number = 1
        for batch in _batches(lines):
            if number == 1:
                batch[0] = (batch[0][0].removeprefix(BOM), batch[0][1])
            found = self.matcher.match_lines([b"" if cut else text for text, cut in batch])
            self._count(name, number, batch)
            yield [Match(f"{name}:{number + m.row}", m.rule, m.fields) for m in found]
            number += len(batch)

    def _count(self, name: str, number: int, batch: Sequence[Raw]) -> None:
        self.lines += len(batch)
        for row, kind, rule in self.matcher.troubles:
            text, cut = batch[row]
            if not text.strip():
                self.blank += 1
                continue
            told = "too_long" if cut else kind
            self.troubles[told] += 1
            places = self.first.setdefault(told, [])
            if len(places) < SHOWN:
                judge = f" ({rule.info.slug})" if rule else ""
                places.append(f"{name}:{number + row}: {WORDS[told]}{judge}")


def _batches(lines: Iterator[Raw]) -> Iterator[list[Raw]]:
    """Yield lines in batches; where the reading fails, first what was read."""
    batch: list[Raw] = []
    try:
        for line in lines:
            batch.append(line)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except UnreadableFile:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
