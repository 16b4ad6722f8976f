"""Finds the numbers that are missing from a source that numbers its lines.

What it knows is committed with the offset of detection, so each event is looked at exactly once.
A missing number has a minute to arrive: senders with several connections overtake themselves. A
line that was not understood has lost its number, and stands for one of the missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from sentinel.domain.blind import Cause, Sighting
from sentinel.domain.event import Event
from sentinel.store.ports import CaseTx

STATE: Final = "blind:sequence"
GRACE: Final = timedelta(seconds=60)
MOST_GAPS: Final = 1000
UNPARSED = "sentinel.unparsed"
REPLAYED = "sentinel.dead_letter"
_DIGITS = re.compile(r"(\d+)\D*$")


class Gap(msgspec.Struct, array_like=True):
    """Numbers ``first`` to ``last`` missing between two event times; ``noticed``: our clock."""

    first: int
    last: int
    begin: datetime
    end: datetime
    noticed: datetime


class Row(msgspec.Struct):
    """What is known of a source. ``unread``: lines that lost their number since ``last``."""

    last: int = -1
    at: datetime | None = None
    unread: int = 0
    gaps: list[Gap] = []


class Numbered(msgspec.Struct):
    """Every numbered source."""

    sources: dict[str, Row] = {}


class SequenceWatch:
    """Watches the ``sources`` that number their lines."""

    def __init__(self, sources: Collection[str]) -> None:
        self._sources = frozenset(sources)

    def observe(self, tx: CaseTx, events: Sequence[Event], now: datetime) -> None:
        """Take a slice, in order, in the transaction of its offset."""
        mine = [event for event in events if event.source in self._sources]
        if not mine:
            return
        state = _read(tx)
        for event in mine:
            _take(state.sources.setdefault(event.source, Row()), event, now)
        _write(tx, state)

    def due(self, tx: CaseTx, now: datetime) -> list[Sighting]:
        """Return the gaps whose time to fill is over, and forget them."""
        if not self._sources:
            return []
        state = _read(tx)
        told: list[Sighting] = []
        for source, row in state.sources.items():
            over = [gap for gap in row.gaps if now - gap.noticed >= GRACE]
            row.gaps = [gap for gap in row.gaps if now - gap.noticed < GRACE]
            told += [
                Sighting(
                    cause=Cause.GAP,
                    source=source,
                    begin=min(gap.begin, gap.end),
                    seen=max(gap.begin, gap.end),
                    count=gap.last - gap.first + 1,
                    detail=f"{gap.first}-{gap.last}",
                    ends=True,
                )
                for gap in over
            ]
        if told:
            _write(tx, state)
        return told


def _take(row: Row, event: Event, now: datetime) -> None:
    if event.text("event.dataset") == UNPARSED:
        row.unread += 1
        return
    number = _number(event)
    if number is None:
        return
    if row.at is None or number <= 1 < row.last:  # the first of all, or of a new count
        row.last, row.at, row.unread = number, event.time, 0
    elif number <= row.last:
        _fill(row, number)
    else:
        first = row.last + 1 + min(row.unread, number - row.last - 1)
        if first < number and len(row.gaps) < MOST_GAPS:
            row.gaps.append(Gap(first, number - 1, row.at, event.time, now))
        row.last, row.at, row.unread = number, event.time, 0


def _fill(row: Row, number: int) -> None:
    """Take ``number`` out of the gap that it was missing in."""
    for index, gap in enumerate(row.gaps):
        if gap.first <= number <= gap.last:
            parts = [
                Gap(gap.first, number - 1, gap.begin, gap.end, gap.noticed),
                Gap(number + 1, gap.last, gap.begin, gap.end, gap.noticed),
            ]
            row.gaps[index : index + 1] = [part for part in parts if part.first <= part.last]
            return


def _number(event: Event) -> int | None:
    own = event.get("event.sequence")
    if isinstance(own, int):
        return own
    if event.get(REPLAYED):
        return None
    found = _DIGITS.search(event.ref.partition("#")[2])
    return int(found[1]) if found else None


def _read(tx: CaseTx) -> Numbered:
    stored = tx.state.get(STATE)
    return msgspec.json.decode(stored, type=Numbered) if stored else Numbered()


def _write(tx: CaseTx, state: Numbered) -> None:
    tx.state.put(STATE, msgspec.json.encode(state))
