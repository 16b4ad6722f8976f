"""`retention due` against a second computation, written from the text of the promises alone."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.domain.retention import PERIODS, due, read_record

PARIS = ZoneInfo("Europe/Paris")
ZONES = (UTC, PARIS, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=45)))
MONTHS = {"security_normal": 12, "navigation": 13, "backup_monthly": 6}
DAYS = {"backup_daily": 7, "backup_weekly": 28}
SECONDS = 10 * 366 * 86_400
instants = st.builds(
    lambda seconds, zone: (datetime(2019, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    .astimezone(zone),
    st.integers(0, SECONDS) | st.integers(0, 400).map(lambda n: n * 86_400 * 7 - 3600),
    st.sampled_from(ZONES),
)  # fmt: skip
spans = st.integers(0, 500 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


def months(day: date, count: int) -> date:
    """Count one by one, from month to month; take the last day where the month is too short."""
    year, month = day.year, day.month
    for _ in range(count):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def paris(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()


def answer(question: dict[str, Any]) -> tuple[date, date]:
    found = due(read_record(question))
    return found.purge_not_before, found.purge_not_after


@given(st.sampled_from(sorted(MONTHS | DAYS)), instants)
def test_classes_that_count_from_their_own_instant(kind: str, at: datetime) -> None:
    first = months(paris(at), MONTHS[kind]) if kind in MONTHS else paris(at) + timedelta(DAYS[kind])
    assert answer({"class": kind, "at": at.isoformat()}) == (first, first + timedelta(1))


@given(instants, spans, spans, spans, st.booleans(), st.sampled_from(("open", "closed_confirmed")))
def test_incidents_count_from_their_detection(
    at: datetime, found: timedelta, closed: timedelta, asked: timedelta, told: bool, state: str
) -> None:
    detected = at + found
    question = {
        "class": "security_incident", "at": at.isoformat(), "incident_state": state,
        "incident_detected_at": detected.isoformat(),
    }  # fmt: skip
    if state != "open":
        question["closed_at"] = (detected + closed).isoformat()
    if told:
        question["evaluated_at"] = (detected + closed + asked).isoformat()
    first = months(paris(detected), 36)
    assert answer(question) == (first, first + timedelta(1))


@given(instants, spans, spans, spans, st.booleans())
def test_false_positives_fall_back_and_go_with_the_next_run_where_that_is_past(
    at: datetime, found: timedelta, closed: timedelta, asked: timedelta, told: bool
) -> None:
    detected = at + found
    now = detected + closed
    question = {
        "class": "security_incident", "at": at.isoformat(),
        "incident_state": "closed_false_positive", "incident_detected_at": detected.isoformat(),
        "closed_at": now.isoformat(),
    }  # fmt: skip
    if told:
        now += asked
        question["evaluated_at"] = now.isoformat()
    first = max(months(paris(at), 12), paris(now))
    assert answer(question) == (first, first + timedelta(1))


@given(st.sampled_from(sorted(PERIODS)), st.dates(date(2015, 1, 1), date(2035, 12, 31)))
@settings(max_examples=300)
def test_a_cutoff_is_the_first_day_that_stays(kind: str, today: date) -> None:
    period = PERIODS[kind]
    stays = period.cutoff(today)
    assert period.after(stays) > today
    assert period.after(stays - timedelta(1)) <= today
