"""What reads a source: decided from its first lines, again when they stop being read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sentinel.collect.choose import choose
from sentinel.collect.formats.base import Format, Unparsed
from sentinel.collect.formats.registry import AUTO
from sentinel.collect.profile import Profile

Choice = tuple[Format, Profile]
Report = Callable[[str, str], None]
"""Told the names of format and profile when they change."""

_PROBE = 3  # lines: a header, a directive, then a line
_GENERAL = frozenset({"auth", "csv", "ecs", "json", "unknown"})
"""Formats so general that a more specific one may fit the next lines: decided each time."""


class Sniffer:
    """Chooses for one source. ``choices``: how often each format and profile was begun with."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        *,
        format_name: str = AUTO,
        profile_name: str = "",
        report: Report | None = None,
    ) -> None:
        self._profiles = profiles
        self._format_name = format_name
        self._profile_name = profile_name
        self._report = report
        self._last: Choice | None = None
        self.choices: Counter[tuple[str, str]] = Counter()

    def choose(self, sample: Sequence[str]) -> Choice:
        """Return what reads ``sample``, the first lines of a batch or file.

        Raises as `sentinel.collect.choose.choose` does.
        """
        if self._last is not None and self._still_reads(self._last, sample):
            return self._last
        found = choose(
            self._profiles,
            format_name=self._format_name,
            profile_name=self._profile_name,
            sample=sample,
        )
        names = (found[0].name, found[1].id)
        if self._last is None or names != (self._last[0].name, self._last[1].id):
            self.choices[names] += 1
            if self._report is not None:
                self._report(*names)
        self._last = found
        return found

    def _still_reads(self, last: Choice, sample: Sequence[str]) -> bool:
        fmt = last[0]
        if fmt.name in _GENERAL:
            return False
        parser = fmt.fresh()
        return bool(sample) and not any(
            isinstance(parser.parse(line), Unparsed) for line in sample[:_PROBE]
        )
