"""Ask a mail server's own log whether it has a letter whose answer was lost: Postfix's form.

``cleanup`` names the Message-ID of what comes in, ``qmgr`` says that it was queued: with both the
letter was taken. That it was *not* taken follows only where the log covers the whole time, from
before the letter was begun until long enough after, and names it nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

_ID = re.compile(rb"postfix[\w/-]*/cleanup\[\d+\]: (\w+): (?:resent-)?message-id=<([0-9a-f]{0,32})")
_QUEUED = re.compile(rb"postfix[\w/-]*/qmgr\[\d+\]: (\w+): from=<.*\(queue active\)")
_TIME = re.compile(
    rb"^(?:<\d+>)?(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|[A-Z][a-z]{2} [ \d]\d [\d:]{8})"
)
_SKEW = timedelta(minutes=5)
_HALF_YEAR = timedelta(days=183)


class Found(StrEnum):
    """What a log says of a letter."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    CANNOT_TELL = "cannot_tell"


class Seen(msgspec.Struct, frozen=True):
    """An answer. ``queue_id``: where it was taken."""

    found: Found
    queue_id: str = ""


class RelayLog:
    """A log as it stands now, with the file that it was rotated from. Read once, when made.

    Times without an offset are in this machine's zone. Raises OSError where it cannot be read.
    """

    def __init__(self, path: Path, now: datetime) -> None:
        self._coming: dict[bytes, str] = {}
        self._taken: dict[str, str] = {}
        self._times: list[datetime] = []
        self._now = now
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        for line in _lines(path):
            self._take(line)
        # Times that we do not understand (another zone, another clock) prove no absence.
        self._timed = bool(self._times) and abs(written - self._times[-1]) <= _SKEW

    def look(self, token: str, begun: datetime, settle: timedelta) -> Seen:
        """Return what the log says of the letter ``token``, begun at ``begun``."""
        if queued := self._taken.get(token):
            return Seen(Found.TAKEN, queued)
        covered = self._timed and self._times[0] <= begun and self._times[-1] >= begun + settle
        return Seen(Found.NOT_TAKEN if covered else Found.CANNOT_TELL)

    def _take(self, line: bytes) -> None:
        if at := self._time(line):
            self._times = [*self._times[:1], at]
        if found := _ID.search(line):
            # Short queue ids come back: what counts is the letter that came in under it last.
            self._coming[found[1]] = found[2].decode()
        elif (found := _QUEUED.search(line)) and (token := self._coming.pop(found[1], "")):
            self._taken[token] = found[1].decode()

    def _time(self, line: bytes) -> datetime | None:
        found = _TIME.match(line)
        if found is None:
            return None
        text = found[1].decode()
        try:
            if text[0].isdigit():
                return datetime.fromisoformat(text).astimezone(UTC)
            return self._without_year(text)
        except ValueError:
            return None

    def _without_year(self, text: str) -> datetime:
        """Read ``Nov  3 04:05:06``: the year is the one that brings it closest to now."""
        for year in (self._now.year, self._now.year - 1, self._now.year + 1):
            try:
                naive = datetime.strptime(f"{year} {text}", "%Y %b %d %H:%M:%S")  # noqa: DTZ007
            except ValueError:
                continue  # the 29th of February of another year
            at = naive.astimezone(UTC)
            if abs(at - self._now) < _HALF_YEAR:
                return at
        raise ValueError(text)


def _lines(path: Path) -> Iterator[bytes]:
    for one in (path.with_name(f"{path.name}.1"), path):
        if one.exists():
            with one.open("rb") as file:
                yield from file
