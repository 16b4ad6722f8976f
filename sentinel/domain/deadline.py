"""Clocks of an incident. A deadline is a row; what is due is asked, never slept for.

Sources: GDPR art. 33(1); Regulation (EEC, Euratom) 1182/71 art. 3. The only clock that drives
alarms is ``due_strict``: 72 *elapsed* hours in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from sentinel.domain.duration import parse_duration
from sentinel.errors import InvalidInstant


class Obligation:
    """Names of the clocks (`Deadline.obligation`)."""

    ACK = "ACK"
    INV = "INV"
    CNIL_72 = "CNIL-72"
    CNIL_COMP = "CNIL-COMP"
    ART34 = "ART34"
    LATE_REASONS = "LATE-REASONS"
    FILING_APPROVAL = "FILING-APPROVAL"
    PROC = "PROC"
    RUNBOOK = "RUNBOOK"


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


class ClockRule(msgspec.Struct, frozen=True, kw_only=True):
    """How long a duty takes, as dated data. Durations are ISO 8601 and elapsed.

    ``alarms``: after the anchor, ascending. ``repeat``: after the last alarm, again every so often;
    empty = never. ``hard``: a legal limit. ``basis``: the article.
    """

    obligation: str
    due: str
    basis: str
    alarms: tuple[str, ...] = ()
    repeat: str = ""
    hard: bool = True

    def start(self, *, deadline_id: str, incident_id: str, anchor: datetime) -> Deadline:
        """Return the clock that starts at ``anchor``."""
        start = anchor.astimezone(UTC)
        return Deadline(
            id=deadline_id,
            incident_id=incident_id,
            obligation=self.obligation,
            basis=self.basis,
            anchor_at=start,
            due_at=start + parse_duration(self.due),
            alarms=tuple(start + parse_duration(alarm) for alarm in self.alarms),
            repeat_seconds=int(parse_duration(self.repeat).total_seconds()) if self.repeat else 0,
            hard=self.hard,
        )


def due_strict(anchor: datetime, hours: int) -> datetime:
    """Return ``anchor`` plus ``hours`` elapsed hours, UTC: the clock that drives alarms."""
    return anchor.astimezone(UTC) + timedelta(hours=hours)


def due_1182(anchor: datetime, hours: int, zone: str = "Europe/Paris") -> datetime:
    """Return the end of a period in hours as Regulation 1182/71 art. 3(1), 3(2)(a) counts it, UTC.

    The hour in which the event occurs is not counted; an instant exactly on the hour belongs to
    the hour that it opens. The hour is that of ``zone``. Shown as information only.
    """
    local = anchor.astimezone(zone_of(zone))
    into_hour = timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    next_hour = anchor.astimezone(UTC) - into_hour + timedelta(hours=1)
    return next_hour + timedelta(hours=hours)


def resolve_local(text: str, zone: str = "Europe/Paris") -> datetime:
    """Return the instant, UTC, that ``text`` (ISO 8601, date and time) names in ``zone``.

    An offset in the text wins over the zone. Raises InvalidInstant for a local time that the zone
    skips in spring, for one that it has twice in autumn and that carries no offset, for a date
    without a time, and for a text without offset where ``zone`` is empty.
    """
    try:
        given = datetime.fromisoformat(text.strip().upper())  # RFC 3339 allows t and z
    except ValueError as error:
        raise InvalidInstant(f"{text!r} is no instant", hint="2026-03-02T10:30") from error
    if "T" not in text.strip().upper() and " " not in text.strip():
        raise InvalidInstant(f"{text!r} has no time of day", hint="2026-03-02T10:30")
    try:
        if given.tzinfo is not None:
            return given.astimezone(UTC)
        if not zone:
            raise InvalidInstant(f"{text!r} has neither offset nor zone", hint="add +01:00 or Z")
        return _in_zone(given, text, zone)
    except OverflowError as error:
        raise InvalidInstant(f"{text!r} is outside the calendar") from error


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone that the IANA calls ``name``. Raises InvalidInstant."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInstant(f"no time zone is called {name!r}", hint="Europe/Paris") from error


def _in_zone(given: datetime, text: str, zone: str) -> datetime:
    tz = zone_of(zone)
    first = given.replace(tzinfo=tz, fold=0)
    second = given.replace(tzinfo=tz, fold=1)
    # Python reads a skipped time with the old offset (fold 0) or the new one (fold 1): neither
    # comes back from UTC as it was written. A time that occurs twice does, both ways.
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(tz).replace(tzinfo=None) != given:
        raise InvalidInstant(f"{text!r} does not exist in {zone}: clocks go forward over it")
    choices = " or ".join(f"{one.isoformat()}" for one in (first, second))
    raise InvalidInstant(f"{text!r} occurs twice in {zone}", hint=f"write {choices}")
