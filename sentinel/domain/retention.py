"""When a record must go: the day it may not outlive, by class. No clock, no store, no zone but one.

Sources: promises R-51 (12 months, 36 for detected incidents), R-52 (navigation 13 months), R-54
(backups), R-55 (never prolonged arbitrarily); CNIL, délibération 2021-122. Months end where the
month ends (Regulation 1182/71 art. 3(2)(c)). Days are those of Europe/Paris.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from sentinel.domain.calendar import A_DAY, add_months
from sentinel.domain.deadline import resolve_local, zone_of
from sentinel.domain.question import fields, shown, text
from sentinel.errors import InvalidInstant, InvalidValue


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """How long, and from when, in words. Months or days, never both."""

    since: str
    months: int = 0
    days: int = 0

    def after(self, start: date) -> date:
        """Return the first day on which the record must go. Raises InvalidValue past 9999."""
        try:
            return add_months(start, self.months) + timedelta(days=self.days)
        except OverflowError as error:
            raise InvalidValue(f"{start} is too near the end of the calendar") from error

    def cutoff(self, today: date) -> date:
        """Return the first day whose records stay on ``today``: all before it must go."""
        try:
            day = add_months(today, -self.months) - timedelta(days=self.days)
        except (OverflowError, ValueError):
            return date.min
        while self.after(day) <= today:  # months are clamped: 28 February may end two days
            day += A_DAY
        return day

    def __str__(self) -> str:
        length = f"{self.months} months" if self.months else f"{self.days} days"
        return f"{length} after {self.since}"


NORMAL = "security_normal"
NAVIGATION = "navigation"
INCIDENT = "security_incident"
PERIODS = {
    NORMAL: Period(months=12, since="the event"),
    INCIDENT: Period(months=36, since="the detection of the incident"),
    NAVIGATION: Period(months=13, since="the session"),
    "backup_daily": Period(days=7, since="the backup"),
    "backup_weekly": Period(days=28, since="the backup"),
    "backup_monthly": Period(months=6, since="the backup"),
}
OPEN, CONFIRMED, FALSE_POSITIVE = "open", "closed_confirmed", "closed_false_positive"
STATES = (OPEN, CONFIRMED, FALSE_POSITIVE)
OF_INCIDENTS = ("incident_detected_at", "incident_state", "closed_at")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked about. ``day``: of the event, session or backup. `read_record` checks it."""

    kind: str
    day: date
    detected: date | None = None
    state: str = ""
    closed: date | None = None
    evaluated: date | None = None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When the record goes. ``purge_not_before``: the first day on which it must go.

    ``purge_not_after``: the day after it, because the purge runs every 24 hours. ``held``: a case
    is open on it, so that no run may take it yet; the two days do not move for that. ``rule``: why.
    """

    purge_not_before: date
    purge_not_after: date
    rule: str
    held: bool = False


def read_record(question: object) -> Record:
    """Return what a decoded JSON object asks. Raises InvalidValue, which names the field.

    A field with null counts as absent. An instant has an offset; a day alone is accepted.
    """
    given = fields(question, ("class", "at"), (*OF_INCIDENTS, "evaluated_at"))
    kind = text(given["class"], "class", PERIODS)
    record = Record(
        kind=kind,
        day=_day(given["at"], "at"),
        detected=_optional_day(given, "incident_detected_at"),
        state=_state(given.get("incident_state")),
        closed=_optional_day(given, "closed_at"),
        evaluated=_optional_day(given, "evaluated_at"),
    )
    if kind == INCIDENT:
        _check_incident(record)
        return record
    for name in OF_INCIDENTS:
        if given.get(name) is not None:
            raise InvalidValue(f"{name} stands beside the class {kind}", hint=f"use {INCIDENT}")
    return record


def due(record: Record) -> Due:
    """Return when a record must go. Raises InvalidValue past the end of the calendar."""
    if record.state == FALSE_POSITIVE:
        return _fallen_back(record)
    period = PERIODS[record.kind]
    first = period.after(record.detected or record.day)
    if first < record.day:
        raise InvalidValue(f"at is more than {period}", hint="open a case of its own for it")
    held = record.state == OPEN
    rule = f"{period}; held while the incident is open" if held else str(period)
    return _from(first, rule, held=held)


def _fallen_back(record: Record) -> Due:
    """Treat a false positive as a normal access; where that is over, the next purge takes it."""
    period = PERIODS[NORMAL]
    first = period.after(record.day)
    asked = record.evaluated or record.closed
    if asked is not None and first < asked:
        return _from(asked, f"false positive: {period}, which is past: at the next purge")
    return _from(first, f"false positive: {period}")


def _from(first: date, rule: str, *, held: bool = False) -> Due:
    if first == date.max:
        raise InvalidValue(f"{first} is too near the end of the calendar")
    return Due(purge_not_before=first, purge_not_after=first + A_DAY, rule=rule, held=held)


def _check_incident(record: Record) -> None:
    detected, closed, evaluated = record.detected, record.closed, record.evaluated
    if detected is None:
        raise InvalidValue("incident_detected_at is missing")
    if not record.state:
        raise InvalidValue("incident_state is missing", hint=f"one of {', '.join(STATES)}")
    if closed is not None and record.state == OPEN:
        raise InvalidValue("closed_at stands beside an incident_state of open")
    if closed is not None and closed < detected:
        raise InvalidValue("closed_at is before incident_detected_at")
    if closed is not None and evaluated is not None and evaluated < closed:
        raise InvalidValue("evaluated_at is before closed_at", hint="the case was open then")
    if record.state == FALSE_POSITIVE and closed is None and evaluated is None:
        raise InvalidValue("closed_at and evaluated_at are missing", hint="one of them is needed")


def _state(value: object) -> str:
    return "" if value is None else text(value, "incident_state", STATES)


def _optional_day(given: Mapping[str, object], field: str) -> date | None:
    value = given.get(field)
    return None if value is None else _day(value, field)


def _day(value: object, field: str) -> date:
    if not isinstance(value, str):
        raise InvalidValue(f"{field} is {shown(value)}", hint="2026-03-02T10:30:00Z")
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return _day_of_instant(value, field)


def _day_of_instant(value: str, field: str) -> date:
    try:
        return resolve_local(value, "").astimezone(zone_of("Europe/Paris")).date()
    except InvalidInstant as error:
        raise InvalidValue(f"{field}: {error.detail}", hint=error.hint) from error
    except OverflowError as error:
        raise InvalidValue(f"{field}: {shown(value)} is outside the calendar") from error
