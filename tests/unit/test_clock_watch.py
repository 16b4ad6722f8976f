"""Each alarm rings exactly once, on time or late, and a repeated one until the duty is met."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import ManualClock
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident
from sentinel.domain.outbox import Message
from sentinel.legal.rulesets import in_force
from sentinel.respond.clock_watch import tick
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

AWARE = datetime(2026, 10, 24, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALARMS = [24, 36, 48, 60, 66, 70, 71]


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(AWARE))
    with opened.begin() as tx:
        tx.incidents.put(
            Incident(
                id="i1",
                reference="INC-2026-0001",
                title="Export",
                kind="bulk_export",
                created_at=AWARE,
                created_by="acc-1",
            )
        )
        rule = in_force(AWARE).clock("CNIL-72")
        tx.incidents.put_deadline(rule.start(deadline_id="d1", incident_id="i1", anchor=AWARE))
    yield opened
    opened.close()


def at(store: SqlCaseStore, hours: float, channels: tuple[str, ...] = ("email",)) -> list[Message]:
    with store.begin() as tx:
        return tick(tx, AWARE + hours * HOUR, lambda _: channels)


def rung(messages: list[Message]) -> list[float]:
    alarms = [datetime.fromisoformat(str(message.context["alarm"])) for message in messages]
    return [(alarm - AWARE) / HOUR for alarm in alarms]


def test_nothing_rings_before_its_time(store: SqlCaseStore) -> None:
    assert at(store, 24 - 1e-6) == []


def test_every_planned_alarm_rings_once_on_a_clock_that_ticks_each_minute(store) -> None:
    messages = [message for minute in range(71 * 60 + 1) for message in at(store, minute / 60)]
    assert rung(messages) == ALARMS
    assert not any(message.context["late"] for message in messages)


def test_the_alarm_says_what_a_person_must_know(store: SqlCaseStore) -> None:
    [message] = at(store, 24)
    assert message.kind == "deadline_alarm"
    assert message.key == "alarm:d1:2026-10-25T07:00:00.000Z:email"
    assert message.context["reference"] == "INC-2026-0001"
    assert message.context["obligation"] == "CNIL-72"
    assert message.context["due"] == "2026-10-27T07:00:00.000Z"
    assert message.context["remaining_minutes"] == 48 * 60
    assert message.context["overdue"] is False


def test_after_a_stop_each_missed_alarm_rings_once_and_is_marked_late(store) -> None:
    messages = at(store, 61)
    assert rung(messages) == [24, 36, 48, 60]
    assert all(message.context["late"] for message in messages)
    assert at(store, 61) == []
    assert rung(at(store, 66)) == [66]


@pytest.mark.parametrize(("seconds", "late"), [(60, False), (61, True)])
def test_late_means_more_than_a_minute(store: SqlCaseStore, seconds: int, late: bool) -> None:
    [message] = at(store, 24 + seconds / 3600)
    assert message.context["late"] is late


def test_after_the_last_alarm_it_rings_every_quarter_until_met(store) -> None:
    at(store, 71)
    assert rung(at(store, 71.25)) == [71.25]
    assert rung(at(store, 71.5)) == [71.5]
    with store.begin() as tx:
        [clock] = tx.incidents.deadlines("i1")
        met = msgspec.structs.replace(clock, met_at=AWARE, version=clock.version + 1)
        tx.incidents.put_deadline(met)
    assert at(store, 80) == []


def test_of_missed_repetitions_the_first_one_stands_for_all(store: SqlCaseStore) -> None:
    at(store, 71)
    messages = at(store, 79.1)
    assert rung(messages) == [71.25]
    assert messages[0].context["overdue"] is True
    assert messages[0].context["remaining_minutes"] < 0
    assert rung(at(store, 79.25)) == [79.25]


def test_a_planned_alarm_missed_for_hours_rings_as_what_it_was(store: SqlCaseStore) -> None:
    at(store, 70)
    assert rung(at(store, 75)) == [71]
    assert rung(at(store, 75.25)) == [75.25]


def test_an_alarm_without_repetition_falls_silent(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        rule = in_force(AWARE).clock("INV")
        tx.incidents.put_deadline(rule.start(deadline_id="d2", incident_id="a1", anchor=AWARE))
    assert rung(at(store, 23)) == [12, 20]
    at(store, 24)
    with store.begin() as tx:
        clock = next(row for row in tx.incidents.deadlines() if row.id == "d2")
    assert clock.alarms == ()


def test_the_clock_of_an_alert_rings_without_a_reference(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        rule = in_force(AWARE).clock("ACK")
        tx.incidents.put_deadline(rule.start(deadline_id="d3", incident_id="alert-1", anchor=AWARE))
    [message] = at(store, 4)
    assert (message.context["incident_id"], message.context["reference"]) == ("alert-1", "")


def test_each_channel_is_told_once(store: SqlCaseStore) -> None:
    messages = at(store, 24, ("email", "webhook", "email"))
    assert [message.channel for message in messages] == ["email", "webhook"]
    with store.begin() as tx:
        assert len(tx.outbox.find()) == 2


def test_an_alarm_without_a_channel_stands_in_the_journal(store: SqlCaseStore) -> None:
    assert at(store, 24, ()) == []
    with store.begin() as tx:
        [line] = tx.journal.lines(object_id="i1")
        assert line.action == "deadline.alarm"
        assert line.occurred_at == AWARE + 24 * HOUR
        assert tx.journal.opened(line) == {
            "deadline": "d1",
            "obligation": "CNIL-72",
            "late": False,
        }


def test_a_tick_that_fails_rings_again_at_the_next(store: SqlCaseStore) -> None:
    def broken(_: Deadline) -> tuple[str, ...]:
        raise RuntimeError

    with pytest.raises(RuntimeError), store.begin() as tx:
        tick(tx, AWARE + 24 * HOUR, broken)
    assert rung(at(store, 24)) == [24]
