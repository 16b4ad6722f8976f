"""Clocks of the regimes: what a step counts from, months, week-ends, and data that is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.domain.deadline import resolve_local
from sentinel.domain.regime import Regime, StepDue, clocks
from sentinel.errors import ContentError, InvalidInstant, NotFound
from sentinel.legal.regimes import SHIPPED, load_regimes, names, regime_at

HOUR = timedelta(hours=1)
AWARE = resolve_local("2026-10-20T10:15")


def no_holiday(_: date) -> bool:
    return False


def rows(name: str, aware: datetime = AWARE, **done: str) -> dict[str, StepDue]:
    facts = {step: resolve_local(text) for step, text in done.items()}
    found = clocks(regime_at(name, aware), aware, no_holiday, done=facts)
    return {row.step.name: row for row in found}


def ends(name: str, aware: datetime = AWARE, **done: str) -> dict[str, str | None]:
    return {
        step: row.due_strict.astimezone(UTC).strftime("%m-%dT%H:%M") if row.due_strict else None
        for step, row in rows(name, aware, **done).items()
    }


def test_the_regimes_have_names() -> None:
    assert names() == [
        *("gdpr_art33", "ecs_611_2013", "nis2_art23", "dora", "cra_art14"),
        "insurance_l12_10_1",
    ]
    with pytest.raises(NotFound, match="no regime"):
        regime_at("gdpr", AWARE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gdpr_art33", {"notification": "10-23T08:15"}),
        ("ecs_611_2013", {"initial": "10-21T08:15", "second": "10-24T08:15"}),
        (
            "nis2_art23",
            {"early_warning": "10-21T08:15", "notification": "10-23T08:15", "final": "11-23T23:00"},
        ),
        (
            "dora",
            {"initial": "10-21T08:15", "intermediate": "10-24T08:15", "final": "11-24T23:00"},
        ),
        ("insurance_l12_10_1", {"complaint": "10-23T08:15"}),
        (
            "cra_art14",
            {
                "early_warning": "10-21T08:15",
                "notification": "10-23T08:15",
                "final_vulnerability": None,
                "final_incident": "11-23T23:00",
            },
        ),
    ],
)
def test_every_step_from_awareness_alone(name: str, expected: dict[str, str | None]) -> None:
    assert ends(name) == expected


def test_a_step_done_early_brings_the_next_one_forward() -> None:
    assumed, known = rows("nis2_art23"), rows("nis2_art23", notification="2026-10-21T09:00")
    assert assumed["final"].provisional
    assert assumed["final"].last_day == date(2026, 11, 23)
    assert not known["final"].provisional
    assert known["final"].last_day == date(2026, 11, 21)
    assert known["notification"] == assumed["notification"]


def test_the_earlier_of_two_limits_binds() -> None:
    early = rows("dora", classification="2026-10-20T11:00")["initial"]
    late = rows("dora", classification="2026-10-21T09:00")["initial"]
    assert (early.after, early.due_strict) == ("classification", resolve_local("2026-10-20T15:00"))
    assert (late.after, late.due_strict) == ("awareness", resolve_local("2026-10-21T10:15"))


def test_fourteen_days_elapse_in_hours_over_a_change_of_clocks() -> None:
    row = rows("cra_art14", fix="2026-10-20T10:00")["final_vulnerability"]
    assert row.due_strict == resolve_local("2026-11-03T09:00")
    assert row.due_strict == resolve_local("2026-10-20T10:00") + 14 * 24 * HOUR


@pytest.mark.parametrize(
    ("notified", "last_day", "end"),
    [
        ("2026-01-31T10:00", date(2026, 2, 28), "2026-03-01T00:00"),
        ("2028-01-31T10:00", date(2028, 2, 29), "2028-03-01T00:00"),
        ("2026-02-28T10:00", date(2026, 3, 28), "2026-03-29T00:00"),
        ("2026-09-25T10:00", date(2026, 10, 25), "2026-10-26T00:00"),
        ("2026-12-31T23:30", date(2027, 1, 31), "2027-02-01T00:00"),
        ("2026-12-31T23:30+00:00", date(2027, 2, 1), "2027-02-02T00:00"),
    ],
)
def test_a_month_ends_with_the_last_hour_of_the_same_day_number(
    notified: str, last_day: date, end: str
) -> None:
    row = rows("nis2_art23", notification=notified)["final"]
    assert (row.last_day, row.due_strict) == (last_day, resolve_local(end))
    assert (row.due_1182, row.due_3_5_touch, row.due_3_5_full) == (None, None, None)


def test_the_day_after_3_4_stands_beside_the_raw_one() -> None:
    row = rows("nis2_art23", notification="2026-01-28T10:00")["final"]
    assert row.last_day == date(2026, 2, 28)  # a Saturday
    assert row.last_day_3_4 == date(2026, 3, 2)


def test_a_dora_end_on_a_week_end_may_move_to_noon_of_the_next_working_day() -> None:
    friday = resolve_local("2026-04-03T10:00")
    regime = regime_at("dora", friday)
    row = clocks(regime, friday, lambda day: day == date(2026, 4, 6))[0]
    assert row.due_strict == resolve_local("2026-04-04T10:00")
    assert row.movable_to == resolve_local("2026-04-07T12:00")
    assert rows("dora")["initial"].movable_to is None
    assert rows("nis2_art23", friday)["early_warning"].movable_to is None


def test_3_5_reaches_no_period_below_two_days() -> None:
    row = rows("nis2_art23")["early_warning"]
    assert row.due_1182 == resolve_local("2026-10-21T11:00")
    assert (row.due_3_5_touch, row.due_3_5_full) == (None, None)


def test_only_the_clock_of_the_gdpr_has_alarms() -> None:
    row = rows("gdpr_art33")["notification"]
    assert [(alarm - AWARE) / HOUR for alarm in row.alarms] == [24, 36, 48, 60, 66, 70, 71]
    assert (row.step.repeat, row.provisional) == ("PT15M", False)
    assert all(not row.alarms for name in names()[1:] for row in rows(name).values())


def test_a_happening_that_the_regime_does_not_know_is_refused() -> None:
    with pytest.raises(NotFound, match=r"knows no fix.*early_warning, notification, final"):
        rows("nis2_art23", fix="2026-10-20T10:00")


def test_the_end_of_the_calendar_and_the_time_before_the_law_are_refused() -> None:
    with pytest.raises(InvalidInstant, match="end of the calendar"):
        rows("gdpr_art33", datetime(9999, 12, 30, tzinfo=UTC))
    with pytest.raises(InvalidInstant, match="end of the calendar"):
        rows("nis2_art23", datetime(9999, 12, 20, tzinfo=UTC))
    with pytest.raises(NotFound, match="no rule set is in force"):
        regime_at("gdpr_art33", datetime(2018, 5, 24, tzinfo=UTC))


def written(tmp_path: Path, limits: str, name: str = "b", more: str = "") -> Path:
    path = tmp_path / "regimes.toml"
    step = '[[regime.steps]]\nname = "{}"\nbasis = "law"\nlimits = [{}]\n'
    text = '[[regime]]\nid = "r"\nvalid_from = 2020-01-01\n'
    text += step.format("a", '{ due = "PT1H" }') + step.format(name, limits) + more
    path.write_text(text, encoding="utf-8")
    return path


def test_a_regime_is_data(tmp_path: Path) -> None:
    (regime,) = load_regimes(written(tmp_path, '{ after = "a", months = 2 }, { due = "P2D" }'))
    assert isinstance(regime, Regime)
    assert regime.happenings() == ["a", "b"]
    assert [limit.hours for limit in regime.steps[1].limits] == [0, 48]


@pytest.mark.parametrize(
    ("limits", "name", "reason"),
    [
        ("", "b", "no limit"),
        ("{}", "b", "either due or months"),
        ('{ due = "PT1H", months = 1 }', "b", "either due or months"),
        ("{ months = -1 }", "b", "either due or months"),
        ('{ due = "P1M" }', "b", "not a duration"),
        ('{ due = "PT90M" }', "b", "whole hours"),
        ('{ due = "PT1H" }', "a", "each once"),
        ('{ after = "b", due = "PT1H" }', "b", "comes later"),
        ('{ until = "b", due = "PT1H" }', "b", "until"),
        ("{", "b", "regimes.toml"),
    ],
)
def test_regimes_that_contradict_themselves_are_refused(
    tmp_path: Path, limits: str, name: str, reason: str
) -> None:
    with pytest.raises(ContentError, match=reason):
        load_regimes(written(tmp_path, limits, name))


def test_the_shipped_regimes_name_their_articles() -> None:
    steps = [step for regime in load_regimes(SHIPPED) for step in regime.steps]
    assert all("art. " in step.basis for step in steps)
