"""Instants in local time with their offset, durations without a sign, figures by language."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.domain.deadline import Deadline
from sentinel.web.console.formats import Formats
from sentinel.web.console.i18n import preferred
from sentinel.web.console.views.clocks import clock_row

FR, EN = Formats("fr", "Europe/Paris"), Formats("en", "Europe/Paris")
ANCHOR = datetime(2026, 3, 5, 13, 20, tzinfo=UTC)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("instant", "french", "english"),
    [
        (datetime(2026, 3, 5, 13, 5, tzinfo=UTC), "5 mars 2026 à 14 h 05 (UTC+1)",
         "5 March 2026 at 14:05 (UTC+1)"),
        (datetime(2026, 8, 1, 7, 0, tzinfo=UTC), "1er août 2026 à 9 h 00 (UTC+2)",
         "1 August 2026 at 09:00 (UTC+2)"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "25 octobre 2026 à 2 h 30 (UTC+2)",
         "25 October 2026 at 02:30 (UTC+2)"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "25 octobre 2026 à 2 h 30 (UTC+1)",
         "25 October 2026 at 02:30 (UTC+1)"),
    ],
)  # fmt: skip
def test_instants_in_full(instant: datetime, french: str, english: str) -> None:
    assert plain(FR.long(instant)) == french
    assert plain(EN.long(instant)) == english


def test_half_hour_offsets() -> None:
    assert Formats("en", "Asia/Kolkata").offset(ANCHOR) == "UTC+5:30"
    assert Formats("en", "America/St_Johns").offset(ANCHOR) == "UTC-3:30"


@pytest.mark.parametrize(
    ("length", "french"),
    [
        (timedelta(days=2, hours=23, minutes=50), "2 j 23 h 50 min"),
        (timedelta(hours=6), "6 h 00 min"),
        (timedelta(minutes=5, seconds=3), "5 min 03 s"),
        (timedelta(minutes=15), "15 min"),
        (timedelta(seconds=4), "0 min 04 s"),
        (timedelta(), "0 min 00 s"),
        (timedelta(hours=-1, minutes=-2), "1 h 02 min"),
    ],
)
def test_durations(length: timedelta, french: str) -> None:
    assert plain(FR.duration(length)) == french


@given(st.timedeltas(min_value=timedelta(hours=1), max_value=timedelta(days=400)))
def test_a_duration_reads_back_to_the_minute(length: timedelta) -> None:
    found = re.fullmatch(r"(?:(\d+) d )?(\d+) h (\d\d) min", plain(EN.duration(length)))
    assert found is not None
    days, hours, minutes = (int(part or 0) for part in found.groups())
    assert timedelta(days=days, hours=hours, minutes=minutes) <= length
    assert length - timedelta(days=days, hours=hours, minutes=minutes) < timedelta(minutes=1)


def test_numbers() -> None:
    assert plain(FR.number(12345)) == "12 345"
    assert EN.number(12345) == "12,345"


@given(st.text(max_size=60))
def test_any_accept_language_gives_one_of_ours(header: str) -> None:
    assert preferred(header, "fr") in {"fr", "en"}


def deadline(**changes: object) -> Deadline:
    base: dict[str, object] = {
        "id": "d",
        "incident_id": "i",
        "obligation": "CNIL-72",
        "basis": "",
        "anchor_at": ANCHOR,
        "due_at": ANCHOR + timedelta(hours=72),
    }
    return Deadline(**{**base, **changes})


@pytest.mark.parametrize(
    ("hours", "state", "gone"),
    [
        (0, "running", 0),
        (36, "running", 50),
        (48, "soon", 67),
        (72, "late", 100),
        (90, "late", 100),
    ],
)
def test_states_of_a_clock(hours: int, state: str, gone: int) -> None:
    row = clock_row(deadline(), now=ANCHOR + timedelta(hours=hours), href="", label="")
    assert (row.state, row.gone) == (state, gone)
    assert row.end_1182 == datetime(2026, 3, 8, 14, 0, tzinfo=UTC)


def test_a_clock_that_stopped_is_never_late() -> None:
    now = ANCHOR + timedelta(days=30)
    met = clock_row(deadline(met_at=ANCHOR), now=now, href="", label="")
    waived = clock_row(deadline(waived_at=ANCHOR), now=now, href="", label="")
    assert (met.state, waived.state) == ("met", "waived")


def test_the_end_by_regulation_1182_is_for_legal_limits_only() -> None:
    assert clock_row(deadline(hard=False), now=ANCHOR, href="", label="").end_1182 is None


def test_a_task_that_is_due_at_once_has_no_share() -> None:
    row = clock_row(deadline(due_at=ANCHOR), now=ANCHOR, href="", label="")
    assert row.gone == 100
