"""Clocks of an incident. A deadline is a row; what is due is asked, never slept for.

Sources: GDPR art. 33(1); Regulation (EEC, Euratom) 1182/71 art. 3. The only clock that drives
alarms is ``due_strict``: 72 *elapsed* hours in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec


class Deadline(msgspec.Struct, kw_only=True):
    """A duty with an instant. All instants UTC.

    ``obligation``: ``CNIL-72``, ``CNIL-COMP``, ``ART34``, ``INV``, ``ACK``... ``alarms``: instants
    still to fire, ascending. ``repeat_seconds``: after the last alarm, again every so often until
    met; 0 = never. ``hard``: a legal limit, as against a target.
    """

    id: str
    incident_id: str
    obligation: str
    basis: str
    anchor_at: datetime
    due_at: datetime
    alarms: tuple[datetime, ...] = ()
    repeat_seconds: int = 0
    hard: bool = True
    met_at: datetime | None = None
    waived_at: datetime | None = None
    waived_reason: str = ""
    version: int = 1

    @property
    def open(self) -> bool:
        """Neither met nor waived."""
        return self.met_at is None and self.waived_at is None

    def remaining(self, now: datetime) -> timedelta:
        """Return the time left at ``now``; negative when late."""
        return self.due_at - now


def due_strict(anchor: datetime, hours: int) -> datetime:
    """Return ``anchor`` plus ``hours`` elapsed hours, UTC: the clock that drives alarms."""
    return anchor.astimezone(UTC) + timedelta(hours=hours)


def due_1182(anchor: datetime, hours: int, zone: str = "Europe/Paris") -> datetime:
    """Return the end of a period in hours as Regulation 1182/71 art. 3(1), 3(2)(a) counts it, UTC.

    The hour in which the event occurs is not counted; an instant exactly on the hour belongs to
    the hour that it opens. The hour is that of ``zone``. Shown as information only.
    """
    local = anchor.astimezone(ZoneInfo(zone))
    into_hour = timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    next_hour = anchor.astimezone(UTC) - into_hour + timedelta(hours=1)
    return next_hour + timedelta(hours=hours)
