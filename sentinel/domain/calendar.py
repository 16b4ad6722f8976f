"""Days of the law: months that end where the month ends, working days, and what art. 3(5) may mean.

Source: Regulation (EEC, Euratom) 1182/71. Which days are public holidays comes from outside, as a
function, because it is national law (in France: Code du travail L3133-1).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sentinel.domain.deadline import due_1182, zone_of

IsHoliday = Callable[[date], bool]

SATURDAY = 5
A_DAY = timedelta(days=1)
TWO_DAYS_IN_HOURS = 48
MONTHS_A_YEAR = 12


def add_months(day: date, months: int) -> date:
    """Return the same day number ``months`` later, or the last day where the month is too short.

    Art. 3(2)(c): it never runs over into the month after. Raises OverflowError after the year 9999.
    """
    years, month = divmod(day.month - 1 + months, MONTHS_A_YEAR)
    year = day.year + years
    if year > date.max.year:
        raise OverflowError("the calendar ends with the year 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def midnight(day: date, zone: str) -> datetime:
    """Return the instant, UTC, at which ``day`` begins in ``zone``."""
    return _midnight(day, zone_of(zone))


def end_of_day(day: date, zone: str) -> datetime:
    """Return the expiry of the last hour of ``day`` in ``zone``, UTC: when the next day begins."""
    return midnight(day + A_DAY, zone)


def is_weekend(day: date) -> bool:
    """Tell whether ``day`` is a Saturday or a Sunday."""
    return day.weekday() >= SATURDAY


def is_working(day: date, is_holiday: IsHoliday) -> bool:
    """Tell whether ``day`` is a working day: no public holiday, Saturday or Sunday (art. 2(2))."""
    return not is_weekend(day) and not is_holiday(day)


def working_day_from(day: date, is_holiday: IsHoliday) -> date:
    """Return ``day``, or the first working day after it: where art. 3(4) lets a period end."""
    while not is_working(day, is_holiday):
        day += A_DAY
    return day


def due_3_5_touch(
    anchor: datetime, hours: int, is_holiday: IsHoliday, zone: str = "Europe/Paris"
) -> datetime | None:
    """Return the end of a period in hours if art. 3(5) reached it, the narrow reading, UTC.

    Contested: shown to a lawyer, drives nothing. The period is that of `due_1182`. A working day
    is included as soon as an hour of the period falls on it. Where fewer than two are touched, the
    period goes on to the end of the working day that is lacking: a day that is added is a whole
    day (art. 3(2)(b)). None: the period is shorter than two days, so that 3(5) cannot reach it.
    """
    return _two_working_days(anchor, hours, is_holiday, zone, whole=False)


def due_3_5_full(
    anchor: datetime, hours: int, is_holiday: IsHoliday, zone: str = "Europe/Paris"
) -> datetime | None:
    """Return the same for the wide reading: only a working day from 00:00 to 24:00 is included.

    Never before `due_3_5_touch`. A day on which the period begins after 00:00 does not count.
    """
    return _two_working_days(anchor, hours, is_holiday, zone, whole=True)


def _two_working_days(
    anchor: datetime, hours: int, is_holiday: IsHoliday, zone: str, *, whole: bool
) -> datetime | None:
    if hours < TWO_DAYS_IN_HOURS:
        return None
    tz = zone_of(zone)
    end = due_1182(anchor, hours, zone)
    start = end - timedelta(hours=hours)
    day = start.astimezone(tz).date()
    included = 0
    while True:
        opens, closes = _midnight(day, tz), _midnight(day + A_DAY, tz)
        included += is_working(day, is_holiday) and (not whole or opens >= start)
        if included == 2:  # noqa: PLR2004 - "at least two working days"
            cut_is_enough = not whole and opens < end
            return end if cut_is_enough else max(end, closes)
        day += A_DAY


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, tz).astimezone(UTC)
