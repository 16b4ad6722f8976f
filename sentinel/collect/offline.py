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

from sentinel.clock import Clock, SystemClock
from sentinel.collect.choose import SAMPLE_LINES, choose, profile_named
from sentinel.collect.envelope import unwrapped
from sentinel.collect.files import Line, find_files, read_file, worst_of
from sentinel.collect.formats.base import Parsed, Unparsed
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

    After (and during) the reading: ``lines``, ``blank``, ``bad_utf8``, ``unparsed``,
    ``dropped_fields``, ``chosen`` (format and profile by file), ``byte_offset`` of the current
    file. An event's ``source`` is the id of its profile.
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
        self.unparsed = 0
        self.dropped_fields: Counter[str] = Counter()
        self.chosen: dict[str, tuple[str, str]] = {}
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
        lines = unwrapped(whole)
        head = list(islice(lines, SAMPLE_LINES))
        if not head:
            return
        fmt, profile = choose(
            self._profiles,
            format_name=self._format_name,
            profile_name=self._profile_name,
            sample=[line.text for line in head],
        )
        self.chosen[head[0].path] = (fmt.name, profile.id)
        parser, normaliser = fmt.fresh(), Normaliser(profile, redactor=self._redactor)
        for line in chain(head, lines):
            parsed = _TOO_LONG if line.cut else parser.parse(line.text)
            if isinstance(parsed, Unparsed):
                self.unparsed += 1
                yield UnparsedLine(line.number, parsed.reason, line.path)
            elif parsed is not None:
                yield self._event(normaliser, parsed, line)

    def _event(self, normaliser: Normaliser, parsed: Parsed, line: Line) -> Event:
        def identify(_own_id: str) -> tuple[str, str]:
            return (
                digest_id("event", line.path, str(line.number), line.text),
                f"{line.path}:{line.number}",
            )

        event, dropped = normaliser.event(parsed, identify=identify, received=self._clock.now())
        self.dropped_fields.update(dropped)
        return event

    def _counted(self, lines: Iterator[Line]) -> Iterator[Line]:
        for line in lines:
            self.lines += 1
            self.bad_utf8 += line.bad_utf8
            self.byte_offset = line.byte_offset
            if line.text.strip():
                yield line
            else:
                self.blank += 1


_TOO_LONG = Unparsed("the line is too long")


def _whole(lines: Iterator[Line], report: Callable[[UnreadableFile], None]) -> Iterator[Line]:
    """Yield lines as far as they go; report why they end too early."""
    try:
        yield from lines
    except UnreadableFile as problem:
        report(problem)
