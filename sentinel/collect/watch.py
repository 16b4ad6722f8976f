"""What the collector sees of its sources: when each was heard, and what makes it blind.

The spool tells of every batch, stored or refused; from time to time the ledger takes what was
gathered. Nothing here is durable: what a death takes with it lies after the last heartbeat, and
that time is told as such.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from sentinel.clock import Clock
from sentinel.collect.normalise import UNPARSED
from sentinel.config.blind import BlindSettings
from sentinel.domain.blind import Cause, Sighting
from sentinel.domain.event import Event
from sentinel.errors import SentinelError

FEW = 10  # lines not understood that tell nothing yet, where others were
BUCKET: Final = timedelta(minutes=5)  # over which the share of such lines is taken
BEHIND_FOR: Final = timedelta(minutes=10)  # a backlog is read faster than this
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Seen(msgspec.Struct):
    """What was gathered. ``heard``: source to when it last sent something that was stored."""

    heard: dict[str, datetime] = {}
    sightings: list[Sighting] = []


class _Lines(msgspec.Struct):
    """Lines of a source since ``since``; ``first``, ``last``: of those not understood."""

    since: datetime
    first: datetime | None = None
    last: datetime | None = None
    lines: int = 0
    unparsed: int = 0


class _Spell(msgspec.Struct):
    """A trouble that goes on. ``count``: since it was last told of."""

    begin: datetime
    last: datetime
    count: int = 0
    detail: str = ""


class SourceWatch:
    """Watches what goes into the spool. For one event loop."""

    def __init__(self, settings: BlindSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._heard: dict[str, datetime] = {}
        self._ended: list[Sighting] = []
        self._refusing: dict[tuple[Cause, str], _Spell] = {}
        self._lines: dict[str, _Lines] = {}
        self._ahead: dict[str, _Spell] = {}
        self._behind: dict[str, _Spell] = {}

    def stored(self, events: Sequence[Event]) -> None:
        """Note a batch that is durable."""
        now = self._clock.now()
        for source, batch in _by_source(events):
            self._heard[source] = now
            self._end_refusal(Cause.OVERLOAD, source, now)
            self._note_lines(source, batch, now)
        for cause in (Cause.DISK_FULL, Cause.STORAGE):
            self._end_refusal(cause, "", now)

    def refused(self, events: Sequence[Event], error: SentinelError, *, full: bool) -> None:
        """Note a batch that its sender keeps. ``full``: for want of room in the spool."""
        if full:
            for source, batch in _by_source(events):
                self._refuse(Cause.OVERLOAD, source, len(batch), "spool full")
            return
        number = getattr(error.__cause__, "errno", None)
        cause = Cause.DISK_FULL if number in _NO_ROOM else Cause.STORAGE
        self._refuse(cause, "", len(events), errno.errorcode.get(number or 0, ""))

    def take(self) -> Seen:
        """Return what was gathered since the last call; what goes on is told again each time."""
        now = self._clock.now()
        sightings, self._ended = self._ended, []
        for (cause, source), spell in self._refusing.items():
            sightings.append(_sighting(cause, source, spell))
        for spells in (self._ahead, self._behind):
            sightings += [
                _sighting(Cause.SKEW, source, spell)
                for source, spell in spells.items()
                if spell.count and (spells is self._ahead or now - spell.begin >= BEHIND_FOR)
            ]
        self._ahead = {}
        sightings += self._unparsed(now)
        heard, self._heard = self._heard, {}
        return Seen(heard, sightings)

    def put_back(self, seen: Seen) -> None:
        """Take back what the ledger could not write."""
        self._heard = {**seen.heard, **self._heard}
        self._ended = seen.sightings + self._ended

    def _refuse(self, cause: Cause, source: str, count: int, detail: str) -> None:
        now = self._clock.now()
        spell = self._refusing.setdefault((cause, source), _Spell(now, now, detail=detail))
        spell.last = now
        spell.count += count

    def _end_refusal(self, cause: Cause, source: str, now: datetime) -> None:
        spell = self._refusing.pop((cause, source), None)
        if spell is not None:
            spell.last = now
            self._ended.append(_sighting(cause, source, spell, ends=True))

    def _note_lines(self, source: str, batch: Sequence[Event], now: datetime) -> None:
        lines = self._lines.setdefault(source, _Lines(now))
        bad = sum(event.fields.get("event.dataset") == UNPARSED for event in batch)
        lines.lines += len(batch)
        lines.unparsed += bad
        if bad:
            lines.first = lines.first or now
            lines.last = now
        if bad < len(batch):
            newest = max(
                event.time for event in batch if event.fields.get("event.dataset") != UNPARSED
            )
            self._note_time(source, newest, now)

    def _note_time(self, source: str, newest: datetime, now: datetime) -> None:
        tolerance = timedelta(minutes=self._settings.skew_minutes)
        if newest - now > tolerance:
            spell = self._ahead.setdefault(source, _Spell(now, now, detail="ahead"))
        elif now - newest > tolerance:
            spell = self._behind.setdefault(source, _Spell(now, now, detail="behind"))
        else:
            self._behind.pop(source, None)
            return
        spell.last = now
        spell.count += 1

    def _unparsed(self, now: datetime) -> list[Sighting]:
        told: list[Sighting] = []
        for source, lines in list(self._lines.items()):
            share = 100 * lines.unparsed >= self._settings.unparsed_percent * lines.lines
            enough = lines.unparsed >= FEW or lines.unparsed == lines.lines
            if lines.first and lines.last and share and enough:
                spell = _Spell(lines.first, lines.last, lines.unparsed)
                told.append(_sighting(Cause.UNPARSED, source, spell))
                del self._lines[source]
            elif now - lines.since >= BUCKET:
                del self._lines[source]
        return told


def _sighting(cause: Cause, source: str, spell: _Spell, *, ends: bool = False) -> Sighting:
    count, spell.count = spell.count, 0
    return Sighting(
        cause=cause,
        source=source,
        begin=spell.begin,
        seen=spell.last,
        count=count,
        detail=spell.detail,
        ends=ends,
    )


def _by_source(events: Sequence[Event]) -> Iterable[tuple[str, Sequence[Event]]]:
    """Return the batch by source; a batch is of one source as a rule."""
    if not events:
        return ()
    if events[0].source == events[-1].source:
        return ((events[0].source, events),)
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.source, []).append(event)
    return grouped.items()
