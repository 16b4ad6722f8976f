"""72 hours, against an independent computation in whole seconds since 1970.

The reference below knows no `datetime` arithmetic and no time-zone library: only the offset of
Paris, as the two changes of 2026 define it (European directive 2000/84: 01:00 UTC).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.domain.deadline import due_1182, due_strict, resolve_local
from sentinel.errors import InvalidInstant

HOUR = 3_600
SPRING = 1_774_746_000  # 2026-03-29T01:00Z: Paris goes from +01:00 to +02:00
AUTUMN = 1_792_890_000  # 2026-10-25T01:00Z: Paris goes back to +01:00
PARIS = ZoneInfo("Europe/Paris")


def offset(second: int) -> int:
    return 2 * HOUR if SPRING <= second < AUTUMN else HOUR


def second_of(instant: datetime) -> float:
    return instant.timestamp()


def at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def end_1182(second: int) -> int:
    """End of the 72nd hour after the one in which the event occurs, in seconds since 1970."""
    into_hour = (second + offset(second)) % HOUR
    return second - into_hour + HOUR + 72 * HOUR


YEAR_2026 = st.integers(1_767_225_600, 1_798_761_599)


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("into_hour", [0, 1, 1799, 3599])
def test_every_hour_around_both_changes(change: int, into_hour: int) -> None:
    for hour in range(-120, 121):
        second = change + hour * HOUR + into_hour
        assert second_of(due_strict(at(second), 72)) == second + 72 * HOUR
        assert second_of(due_1182(at(second), 72)) == end_1182(second)


@given(YEAR_2026)
def test_any_second_of_the_year(second: int) -> None:
    assert second_of(due_strict(at(second), 72)) == second + 72 * HOUR
    assert second_of(due_1182(at(second), 72)) == end_1182(second)


@given(YEAR_2026, st.integers(0, 999_999), st.sampled_from(["Europe/Paris", "Asia/Kolkata", "UTC"]))
def test_the_displayed_end_is_never_before_the_strict_one_nor_an_hour_after(
    second: int, microsecond: int, zone: str
) -> None:
    instant = at(second) + timedelta(microseconds=microsecond)
    lead = due_1182(instant, 72, zone) - due_strict(instant, 72)
    assert timedelta(0) < lead <= timedelta(hours=1)


@given(YEAR_2026, st.integers(-840, 840))
def test_the_zone_in_which_an_instant_is_written_changes_nothing(second: int, minutes: int) -> None:
    shifted = datetime.fromisoformat(at(second).isoformat()).astimezone(
        ZoneInfo("Pacific/Kiritimati") if minutes > 0 else PARIS
    )
    assert due_strict(shifted, 72) == due_strict(at(second), 72)
    assert due_1182(shifted, 72) == due_1182(at(second), 72)


@given(YEAR_2026)
def test_a_local_time_comes_back_or_is_one_of_two(second: int) -> None:
    """Every instant has a local time; it is refused only where a second instant has it too."""
    wall = at(second + offset(second)).replace(tzinfo=None)
    twice = AUTUMN - HOUR <= second < AUTUMN + HOUR
    if twice:
        with pytest.raises(InvalidInstant, match="twice"):
            resolve_local(wall.isoformat(), "Europe/Paris")
        sign = f"+0{offset(second) // HOUR}:00"
        assert second_of(resolve_local(wall.isoformat() + sign, "Europe/Paris")) == second
    else:
        assert second_of(resolve_local(wall.isoformat(), "Europe/Paris")) == second


@given(st.integers(0, HOUR - 1))
def test_no_instant_has_the_skipped_hour(into_hour: int) -> None:
    wall = at(SPRING + HOUR + into_hour).replace(tzinfo=None)
    with pytest.raises(InvalidInstant, match="does not exist"):
        resolve_local(wall.isoformat(), "Europe/Paris")


@given(st.text(max_size=40), st.sampled_from(["Europe/Paris", "UTC", ""]))
def test_any_text_is_an_instant_or_one_clear_refusal(text: str, zone: str) -> None:
    try:
        assert resolve_local(text, zone).tzinfo is UTC
    except InvalidInstant as refused:
        assert str(refused)  # noqa: PT017 - both outcomes are right, a third is not
