"""Clocks of the law: elapsed hours, the hour of Regulation 1182/71, and local times refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.domain.deadline import ClockRule, Deadline, due_1182, due_strict, resolve_local
from sentinel.domain.duration import parse_duration
from sentinel.errors import ContentError, InvalidInstant, NotFound
from sentinel.legal.rulesets import in_force, load_rulesets


def paris(text: str) -> datetime:
    return resolve_local(text, "Europe/Paris")


def test_the_published_example_ends_on_christmas_day() -> None:
    """Aware on 22/12/2020 at 12:17: the period of 72 hours ends on 25/12/2020 at 13:00."""
    aware = paris("2020-12-22T12:17")
    assert due_strict(aware, 72) == paris("2020-12-25T12:17")
    assert due_1182(aware, 72) == paris("2020-12-25T13:00")


def test_an_instant_on_the_hour_belongs_to_the_hour_that_it_opens() -> None:
    aware = paris("2026-03-02T10:00")
    assert due_1182(aware, 72) == due_strict(aware, 72) + timedelta(hours=1)
    just_before = aware - timedelta(microseconds=1)
    assert due_1182(just_before, 72) == due_strict(aware, 72)


@pytest.mark.parametrize(
    ("aware", "due"),
    [
        ("2026-10-23T15:00", "2026-10-26T14:00"),  # the night has 25 hours
        ("2026-03-27T15:00", "2026-03-30T16:00"),  # the night has 23 hours
        ("2026-04-30T18:00", "2026-05-03T18:00"),  # a holiday and a week-end count
    ],
)
def test_72_hours_elapse_whatever_the_wall_clock_does(aware: str, due: str) -> None:
    assert due_strict(paris(aware), 72) == paris(due)


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-03-02T10:30", "Europe/Paris", "2026-03-02T09:30:00+00:00"),
        ("2026-07-02 10:30:15.5", "Europe/Paris", "2026-07-02T08:30:15.500000+00:00"),
        ("2026-03-02T10:30Z", "Europe/Paris", "2026-03-02T10:30:00+00:00"),
        ("2026-03-02T10:30Z", "", "2026-03-02T10:30:00+00:00"),
        ("2026-10-25T02:30+02:00", "Europe/Paris", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T02:30+01:00", "Europe/Paris", "2026-10-25T01:30:00+00:00"),
        ("2026-03-29T02:30+01:00", "Europe/Paris", "2026-03-29T01:30:00+00:00"),
        ("2026-03-29T01:59:59.999999", "Europe/Paris", "2026-03-29T00:59:59.999999+00:00"),
        ("2026-03-29T03:00", "Europe/Paris", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T01:59:59", "Europe/Paris", "2026-10-24T23:59:59+00:00"),
        ("2026-10-25T03:00", "Europe/Paris", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_a_local_time_is_the_instant_that_it_names(text: str, zone: str, instant: str) -> None:
    resolved = resolve_local(text, zone)
    assert resolved == datetime.fromisoformat(instant)
    assert resolved.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "zone", "reason"),
    [
        ("2026-03-29T02:00", "Europe/Paris", "does not exist"),
        ("2026-03-29T02:59:59.999999", "Europe/Paris", "does not exist"),
        ("2026-10-25T02:00", "Europe/Paris", "occurs twice"),
        ("2026-10-25T02:59:59.999999", "Europe/Paris", "occurs twice"),
        ("2026-03-02T10:30", "", "neither offset nor zone"),
        ("2026-03-02T10:30", "Europe/Atlantis", "no time zone"),
        ("2026-03-02T10:30", "../etc/passwd", "no time zone"),
        ("2026-03-02", "Europe/Paris", "no time of day"),
        ("2026-02-30T10:30", "Europe/Paris", "no instant"),
        ("2026-03-02T24:30", "Europe/Paris", "no instant"),
        ("2026-03-02T10:30:60", "Europe/Paris", "no instant"),
        ("tomorrow", "Europe/Paris", "no instant"),
        ("", "Europe/Paris", "no instant"),
        ("0001-01-01T00:00+14:00", "Europe/Paris", "outside the calendar"),
        ("0001-01-01T00:00", "Europe/Paris", "outside the calendar"),
    ],
)
def test_a_time_that_is_none_or_two_is_refused(text: str, zone: str, reason: str) -> None:
    with pytest.raises(InvalidInstant, match=reason):
        resolve_local(text, zone)


def test_the_refusal_of_an_ambiguous_time_offers_both() -> None:
    with pytest.raises(InvalidInstant) as refused:
        paris("2026-10-25T02:30")
    assert "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT72H", timedelta(hours=72)),
        ("PT15M", timedelta(minutes=15)),
        ("P3D", timedelta(hours=72)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_duration_is_elapsed_time(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "PT0H", "P1M", "P1Y", "PT1.5H", "-PT1H", "72h", " PT1H", "PT1H\n"],
)
def test_what_is_no_fixed_time_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_clock_starts_in_utc_whatever_the_zone_of_its_anchor() -> None:
    rule = ClockRule(obligation="X", due="PT2H", basis="b", alarms=("PT1H",), repeat="PT15M")
    anchor = datetime.fromisoformat("2026-03-02T10:00:00+01:00")
    clock = rule.start(deadline_id="d", incident_id="i", anchor=anchor)
    assert clock.anchor_at.tzinfo is UTC
    assert clock.alarms == (datetime(2026, 3, 2, 10, 0, tzinfo=UTC),)
    assert (clock.repeat_seconds, clock.remaining(clock.due_at)) == (900, timedelta(0))


def test_a_deadline_is_open_until_met_or_waived() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    clock = Deadline(
        id="d", incident_id="i", obligation="X", basis="b", anchor_at=now, due_at=now, alarms=()
    )
    assert clock.open
    clock.met_at = now
    assert not clock.open


def test_the_rule_set_in_force_is_that_of_the_day() -> None:
    assert in_force(datetime(2026, 3, 2, tzinfo=UTC)).clock("CNIL-72").due == "PT72H"
    with pytest.raises(NotFound):
        in_force(datetime(2018, 5, 24, 23, 59, tzinfo=UTC))
    with pytest.raises(NotFound):
        in_force(datetime(2026, 3, 2, tzinfo=UTC)).clock("CNIL-96")


def written(tmp_path: Path, *tables: tuple[str, str, str], alarms: str = '["PT1H"]') -> Path:
    text = ""
    for name, since, until in tables:
        text += f'[[ruleset]]\nid = "{name}"\nvalid_from = "{since}"\n'
        text += f'valid_to = "{until}"\n' if until else ""
        text += 'threshold = "risk"\nchannel = "c"\nform = "f"\n[[ruleset.clocks]]\n'
        text += f'obligation = "X"\ndue = "PT96H"\nbasis = "b"\nalarms = {alarms}\n'
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_change_of_the_law_is_a_new_table(tmp_path: Path) -> None:
    path = written(tmp_path, ("new", "2027-01-01", ""), ("old", "2018-05-25", "2027-01-01"))
    old, new = load_rulesets(path)
    assert (old.id, new.id) == ("old", "new")
    assert old.holds_on(date(2026, 12, 31))
    assert not old.holds_on(date(2027, 1, 1))
    assert new.holds_on(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("tables", "alarms", "reason"),
    [
        ([("a", "2018-01-01", ""), ("b", "2027-01-01", "")], '["PT1H"]', "on one day"),
        ([("a", "2018-01-01", "2027-01-02"), ("b", "2027-01-01", "")], '["PT1H"]', "on one day"),
        ([("a", "2018-01-01", "")], '["PT2H", "PT1H"]', "ascend"),
        ([("a", "2018-01-01", "")], '["soon"]', "not a duration"),
        ([("a", "yesterday", "")], "[]", "valid_from"),
        ([("a", "2018-01-01", "")], "[", "rules.toml"),
    ],
)
def test_rule_sets_that_contradict_themselves_are_refused(
    tmp_path: Path, tables, alarms: str, reason: str
) -> None:
    with pytest.raises(ContentError, match=reason):
        load_rulesets(written(tmp_path, *tables, alarms=alarms))
