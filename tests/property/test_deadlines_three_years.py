"""Every hour of three years in Paris, and 100,000 instants, against arithmetic in whole numbers.

The reference knows no `datetime`, no time-zone library and no list of holidays: days since 1970,
the two changes of European directive 2000/84 (last Sunday of March and of October, 01:00 UTC), the
eleven days of Code du travail L3133-1 with Easter by the Gregorian computus, and time in
microseconds. Three years with a leap day: 2026, 2027, 2028.
"""

import random
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sentinel.domain.calendar import due_3_5_full, due_3_5_touch
from sentinel.domain.deadline import due_1182, due_strict, resolve_local
from sentinel.legal.rulesets import in_force

MICRO = 1_000_000
HOUR = 3_600 * MICRO
DAY = 24 * HOUR
LENGTH = 72 * HOUR
YEARS = (2026, 2027, 2028)
PARIS = ZoneInfo("Europe/Paris")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, with the year begun in March."""
    year -= month <= 2
    since_march = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + since_march - 719_468


def weekday(day: int) -> int:
    """Monday is 0; 1970-01-01 was a Thursday."""
    return (day + 3) % 7


def last_sunday(year: int, month: int) -> int:
    end = days(year, month, 31)
    return end - (weekday(end) + 1) % 7


def easter(year: int) -> int:
    century, golden = year // 100, year % 19
    moon = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - golden) // 11))
    past = moon - (year + year // 4 + moon + 2 - century + century // 4) % 7
    month = 3 + (past + 40) // 44
    return days(year, month, past + 28 - 31 * (month // 4))


def holidays(year: int) -> set[int]:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    sunday = easter(year)
    return {days(year, *one) for one in fixed} | {sunday + 1, sunday + 39, sunday + 50}


ALL_YEARS = range(2025, 2031)
CHANGES = sorted(
    (last_sunday(year, month) * DAY + HOUR, offset)
    for year in ALL_YEARS
    for month, offset in ((3, 2 * HOUR), (10, HOUR))
)
INSTANTS = [instant for instant, _ in CHANGES]
HOLIDAYS = frozenset[int]().union(*(holidays(year) for year in ALL_YEARS))


def offset_at(instant: int) -> int:
    position = bisect_right(INSTANTS, instant)
    return CHANGES[position - 1][1] if position else HOUR


def opening(day: int) -> int:
    """Midnight in Paris: no change happens within an hour of one."""
    return day * DAY - offset_at(day * DAY - HOUR)


WORKING = [
    (opening(day), opening(day + 1))
    for day in range(days(2025, 12, 1), days(2029, 3, 1))
    if weekday(day) < 5 and day not in HOLIDAYS
]
OPENINGS = [opens for opens, _ in WORKING]


def period_1182(instant: int) -> tuple[int, int]:
    start = instant - (instant + offset_at(instant)) % HOUR + HOUR
    return start, start + LENGTH


def at_least_two(instant: int, *, full: bool) -> int:
    """The end of the 72 hours, moved until two working days stand in them."""
    start, end = period_1182(instant)
    near = WORKING[max(0, bisect_right(OPENINGS, start) - 1) :][:12]
    if full:
        ahead = [closes for opens, closes in near if opens >= start]
        return max(end, ahead[1])
    ahead = [(opens, closes) for opens, closes in near if closes > start]
    touched = sum(opens < end for opens, _ in ahead)
    return end if touched >= 2 else ahead[1][1]


def at(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


def micros(instant: datetime | None) -> int:
    assert instant is not None
    return (instant - EPOCH) // timedelta(microseconds=1)


def is_holiday(day: date) -> bool:
    return day.toordinal() - date(1970, 1, 1).toordinal() in HOLIDAYS


def differences(instant: int) -> list[str]:
    aware = at(instant)
    found = {
        "strict": (micros(due_strict(aware, 72)), instant + LENGTH),
        "1182": (micros(due_1182(aware, 72)), period_1182(instant)[1]),
        "touch": (micros(due_3_5_touch(aware, 72, is_holiday)), at_least_two(instant, full=False)),
        "full": (micros(due_3_5_full(aware, 72, is_holiday)), at_least_two(instant, full=True)),
    }
    return [f"{name} of {aware}: {a} {b}" for name, (a, b) in found.items() if a != b]


READINGS = 4
FIRST, LAST = days(YEARS[0], 1, 1) * DAY - HOUR, days(YEARS[-1] + 1, 1, 1) * DAY - HOUR


def test_every_hour_of_three_years() -> None:
    hours = range(FIRST, LAST, HOUR)
    assert len(hours) == (365 + 365 + 366) * 24
    assert at(FIRST).astimezone(PARIS).isoformat() == "2026-01-01T00:00:00+01:00"
    faults = [fault for instant in hours for fault in differences(instant)]
    print(f"\n{len(hours)} hours, {READINGS} readings each, {len(faults)} differences")
    assert faults == []


def test_a_hundred_thousand_instants_with_seconds_and_microseconds() -> None:
    chance = random.Random(72)
    instants = [chance.randrange(FIRST, LAST) for _ in range(100_000)]
    faults = [fault for instant in instants for fault in differences(instant)]
    print(f"\n{len(instants)} instants, {READINGS} readings each, {len(faults)} differences")
    assert faults == []


def test_the_alarms_of_every_hour_elapse_in_seconds() -> None:
    clock = in_force(at(FIRST)).clock("CNIL-72")
    expected = [hours * HOUR for hours in (24, 36, 48, 60, 66, 70, 71)]
    print(f"\n{len(range(FIRST, LAST, HOUR))} hours, {len(expected)} alarms each")
    for instant in range(FIRST, LAST, HOUR):
        started = clock.start(deadline_id="d", incident_id="i", anchor=at(instant))
        assert [micros(alarm) - instant for alarm in started.alarms] == expected
        assert micros(started.due_at) == instant + LENGTH


@pytest.mark.parametrize(
    ("aware", "strict", "end_1182", "touch", "full"),
    [
        pytest.param(
            "2026-03-27T15:20", "2026-03-30T16:20", "2026-03-30T17:00",
            "2026-03-30T17:00", "2026-04-01T00:00", id="clocks forward",
        ),
        pytest.param(
            "2026-10-23T15:20", "2026-10-26T14:20", "2026-10-26T15:00",
            "2026-10-26T15:00", "2026-10-28T00:00", id="clocks back",
        ),
        pytest.param(
            "2028-02-28T23:59:59.999999", "2028-03-02T23:59:59.999999", "2028-03-03T00:00",
            "2028-03-03T00:00", "2028-03-03T00:00", id="leap day",
        ),
        pytest.param(
            "2026-12-31T18:30", "2027-01-03T18:30", "2027-01-03T19:00",
            "2027-01-05T00:00", "2027-01-06T00:00", id="year end, New Year's Day, week-end",
        ),
        pytest.param(
            "2027-12-24T23:30", "2027-12-27T23:30", "2027-12-28T00:00",
            "2027-12-29T00:00", "2027-12-29T00:00", id="Christmas on a Saturday",
        ),
        pytest.param(
            "2026-04-03T10:00", "2026-04-06T10:00", "2026-04-06T11:00",
            "2026-04-08T00:00", "2026-04-09T00:00", id="Easter Monday",
        ),
        pytest.param(
            "2026-03-02T10:00", "2026-03-05T10:00", "2026-03-05T11:00",
            "2026-03-05T11:00", "2026-03-05T11:00", id="a week without anything",
        ),
    ],
)  # fmt: skip
def test_named_days(aware: str, strict: str, end_1182: str, touch: str, full: str) -> None:
    instant = resolve_local(aware)
    assert due_strict(instant, 72) == resolve_local(strict)
    assert due_1182(instant, 72) == resolve_local(end_1182)
    assert due_3_5_touch(instant, 72, is_holiday) == resolve_local(touch)
    assert due_3_5_full(instant, 72, is_holiday) == resolve_local(full)
    assert differences(micros(instant)) == []


def test_the_reference_knows_its_easters() -> None:
    """As published: 5 April 2026, 28 March 2027, 16 April 2028."""
    assert [easter(year) for year in YEARS] == [
        days(2026, 4, 5), days(2027, 3, 28), days(2028, 4, 16),
    ]  # fmt: skip
    assert days(2028, 2, 29) + 1 == days(2028, 3, 1)
    assert at(days(2027, 3, 28) * DAY).date() == date(2027, 3, 28)


def test_the_shipped_holidays_are_those_of_the_reference() -> None:
    pytest.importorskip("holidays", reason="the environment is older than pyproject: make install")
    from sentinel.legal.public_holidays import is_french_holiday

    for day in range(days(2025, 1, 1), days(2031, 1, 1)):
        calendar_day = at(day * DAY).date()
        assert is_french_holiday(calendar_day) is (day in HOLIDAYS), calendar_day
