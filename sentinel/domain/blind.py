"""The blind-window ledger: when we did not see, why, and for how long.

A log that was not read proves nothing, so each such interval is a record: it limits what a case
may conclude (promise R-15), and a dossier prints those that touch the case. Instants are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

ADJACENT = timedelta(seconds=60)
"""Two windows of one cause and source that lie no further apart are one."""


_LONGEST_DETAIL = 200


class Cause(StrEnum):
    """Why we did not see."""

    SILENCE = "silence"
    GAP = "sequence_gap"
    UNPARSED = "parse_failures"
    SKEW = "clock_skew"
    OVERLOAD = "overload"
    LATE = "late_events"
    FAULT = "rule_error"
    STOPPED = "service_stopped"
    DISK_FULL = "disk_full"
    STORAGE = "storage_failure"
    EVENTS = "event_store"
    EXPIRED = "dead_letters_expired"


ALERT_AFTER = {Cause.STOPPED: timedelta(seconds=60), Cause.EVENTS: timedelta(seconds=60)}
"""Shorter windows are written down and alert nobody: a restart is no incident."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What a watcher tells the ledger: of ``source`` ("" = all) nothing certain in the interval.

    ``ends``: it is over; else it may go on. ``count``: lines, batches or faults since the last
    sighting. ``detail``: codes, never data of a person.
    """

    cause: Cause
    source: str
    begin: datetime
    seen: datetime
    count: int = 0
    detail: str = ""
    ends: bool = False


class BlindWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One interval. ``end`` None: it goes on; ``seen``: until when it is certain."""

    id: str
    cause: Cause
    source: str
    begin: datetime
    seen: datetime
    end: datetime | None = None
    count: int = 0
    detail: str = ""

    def until(self, now: datetime) -> datetime:
        """Return where it ends, or ``now`` where it goes on."""
        return now if self.end is None else self.end

    def touches(self, since: datetime | None, until: datetime | None) -> bool:
        """Tell whether it reaches into ``[since, until]``."""
        return (until is None or self.begin <= until) and (
            since is None or self.end is None or self.end >= since
        )

    def grown(self, sighting: Sighting) -> BlindWindow:
        """Return the window with one more sighting; it may reach back as well as on."""
        seen = max(self.seen, sighting.seen)
        return msgspec.structs.replace(
            self,
            begin=min(self.begin, sighting.begin),
            seen=seen,
            end=seen if sighting.ends else None,
            count=self.count + sighting.count,
            detail=_joined(self.detail, sighting.detail),
        )


def _joined(known: str, told: str) -> str:
    """Return both details, each once, as far as there is room."""
    parts = [part for part in known.split(", ") if part]
    parts += [part for part in told.split(", ") if part and part not in parts]
    return ", ".join(parts)[:_LONGEST_DETAIL]


def adjoins(window: BlindWindow, sighting: Sighting) -> bool:
    """Tell whether a sighting belongs to ``window``: same cause and source, no time between."""
    if (window.cause, window.source) != (sighting.cause, sighting.source):
        return False
    if window.end is None:
        return True
    if window.cause is Cause.SILENCE:  # the source spoke in between, be it one word
        return False
    near = window.begin - ADJACENT <= sighting.seen
    return near and sighting.begin <= window.end + ADJACENT


def spans(windows: Iterable[BlindWindow], now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the union of the windows as intervals in order, none touching the next."""
    out: list[tuple[datetime, datetime]] = []
    for begin, end in sorted((window.begin, window.until(now)) for window in windows):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def uncovered(
    blind: Iterable[tuple[datetime, datetime]], ledger: Sequence[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """Return the parts of the intervals ``blind`` that ``ledger`` (as of `spans`) does not name."""
    rest: list[tuple[datetime, datetime]] = []
    for begin, end in blind:
        at = begin
        for known_from, known_to in ledger:
            if known_to <= at or known_from >= end:
                continue
            if known_from > at:
                rest.append((at, known_from))
            at = max(at, known_to)
        if at < end:
            rest.append((at, end))
    return rest
