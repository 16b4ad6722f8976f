"""Events out of log files, without a service: what `sentinel scan` and `parse` read.

Nothing is stored, so values stay as they are; secrets and bank details are redacted even here,
because what is read ends in a terminal or a ticket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from sentinel.clock import Clock, SystemClock
from sentinel.collect.choose import SAMPLE_LINES, choose, profile_named
from sentinel.collect.envelope import unwrapped
from sentinel.collect.files import Line, find_files, read_file, worst_of
from sentinel.collect.formats.base import Format, Parsed, Unparsed
from sentinel.collect.formats.registry import AUTO, format_named
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import Profile
from sentinel.collect.redact import Redactor
from sentinel.domain.event import Event
from sentinel.errors import UnreadableFile
from sentinel.ids import digest_id


class OfflineReader:
    """Reads files; counts what it saw.

    After (and during) the reading: ``lines``, ``blank``, ``bad_utf8``, ``records`` (lines, and what
    documents were taken apart into), ``directives`` (headers and the like), ``within`` (lines of a
    document after its first), ``unparsed``, ``dropped_fields``, ``chosen`` (format and profile by
    file), ``choices`` (how often each was decided on), ``byte_offset`` of the current file. An
    event's ``source`` is its profile's id.
    """

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        format_name: str = AUTO,
        profile_name: str = "",
        clock: Clock | None = None,
    ) -> None:
        """Raise UsageError for an unknown format or profile, listing those there are."""
        if format_name != AUTO:
            format_named(format_name)
        if profile_name:
            profile_named(profiles, profile_name)
        self._profiles = profiles
        self._format_name = format_name
        self._profile_name = profile_name
        self._clock = clock or SystemClock()
        self._redactor = Redactor()
        self.lines = 0
        self.blank = 0
        self.bad_utf8 = 0
        self.records = 0
        self.directives = 0
        self.within = 0
        self.unparsed = 0
        self.dropped_fields: Counter[str] = Counter()
        self.chosen: dict[str, tuple[str, str]] = {}
        self.choices: Counter[tuple[str, str]] = Counter()
        self.byte_offset = 0

    def read(
        self, paths: Sequence[Path], stdin: BinaryIO | None = None
    ) -> Iterator[Event | UnparsedLine]:
        """Yield events and unparsed lines, file by file (folders walked, ``-``: standard input).

        Raises UnreadableFile at the end where a file could not be read, or not to its end.
        """
        problems: list[UnreadableFile] = []
        for path in find_files(paths):
            lines = self._counted(_whole(read_file(path, stdin), problems.append))
            yield from self._read_one(lines)
        if problems:
            raise worst_of(problems)

    def _read_one(self, whole: Iterator[Line]) -> Iterator[Event | UnparsedLine]:
        """Read one file; where a whole sample in a row is not understood, decide again."""
        lines = self._records(unwrapped(whole))
        head = list(islice(lines, SAMPLE_LINES))
        if not head:
            return
        reading = self._begin(head)
        self.chosen[head[0].path] = (reading.format.name, reading.profile)
        held: list[Line] = []
        for line in chain(head, lines):
            if not isinstance(parsed := reading.parse(line), Unparsed):
                yield from self._named(reading, held)
                held = []
                if parsed is None:
                    self.directives += 1
                else:
                    yield self._event(reading.normaliser, parsed, line)
                continue
            held.append(line)
            if len(held) == SAMPLE_LINES:
                again = self._begin(held)
                reading = reading if again.format.name == "unknown" else again
                yield from self._named(reading, held)
                held = []
        yield from self._named(reading, held)

    def _begin(self, sample: Sequence[Line]) -> _Reading:
        fmt, profile = choose(
            self._profiles,
            format_name=self._format_name,
            profile_name=self._profile_name,
            sample=[line.text for line in sample],
        )
        self.choices[fmt.name, profile.id] += 1
        return _Reading(fmt, fmt.fresh(), profile.id, Normaliser(profile, redactor=self._redactor))

    def _named(self, reading: _Reading, held: list[Line]) -> Iterator[Event | UnparsedLine]:
        """Yield lines that were not understood at first, read once more."""
        for line in held:
            parsed = reading.parse(line)
            if isinstance(parsed, Unparsed):
                self.unparsed += 1
                yield UnparsedLine(line.number, parsed.reason, line.path)
            elif parsed is None:
                self.directives += 1
            else:
                yield self._event(reading.normaliser, parsed, line)

    def _event(self, normaliser: Normaliser, parsed: Parsed, line: Line) -> Event:
        def identify(_own_id: str) -> tuple[str, str]:
            return (
                digest_id("event", line.path, str(line.number), line.text),
                f"{line.path}:{line.number}",
            )

        event, dropped = normaliser.event(parsed, identify=identify, received=self._clock.now())
        self.dropped_fields.update(dropped)
        return event

    def _records(self, lines: Iterator[Line]) -> Iterator[Line]:
        """Count records, and the lines that only go on with one."""
        last = 0
        before = self.lines - self.blank - self.within
        begun = 0
        for line in lines:
            self.records += 1
            begun += line.number != last
            last = line.number
            yield line
        self.within += self.lines - self.blank - self.within - before - begun

    def _counted(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            self.lines += 1
            self.bad_utf8 += line.bad_utf8
            self.byte_offset = line.byte_offset
            if line.text.strip():
                yield line
            else:
                self.blank += 1


class _Reading(msgspec.Struct):
    """What reads a file just now. ``profile``: its id."""

    format: Format
    parser: Format
    profile: str
    normaliser: Normaliser

    def parse(self, line: Line) -> Parsed | Unparsed | None:
        return _TOO_LONG if line.cut else self.parser.parse(line.text)


_TOO_LONG = Unparsed("the line is too long")


def _whole(lines: Iterator[Line], report: Callable[[UnreadableFile], None]) -> Iterator[Line]:
    """Yield lines as far as they go; report why they end too early."""
    try:
        yield from lines
    except UnreadableFile as problem:
        report(problem)
