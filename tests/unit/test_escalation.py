"""An alarm that does not arrive goes to the next channel, once each, until none is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.clock import ManualClock
from sentinel.domain.outbox import Message
from sentinel.respond.escalation import escalate, unheard
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LADDER = ("pager", "email", "webhook")


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    with opened.begin() as tx:
        tx.outbox.enqueue(
            Message(
                id="m1",
                key="alarm:d1:2026-03-02T12:00:00.000Z:email",
                channel="email",
                kind="deadline_alarm",
                context={"incident_id": "i1", "deadline_id": "d1"},
                created_at=NOW,
                next_attempt_at=NOW,
            )
        )
    yield opened
    opened.close()


def told(store: SqlCaseStore, at: datetime) -> list[str]:
    with store.begin() as tx:
        return [message.channel for message in escalate(tx, at, LADDER)]


def fail(store: SqlCaseStore, at: datetime) -> None:
    with store.begin() as tx:
        for message in tx.outbox.claim(at):
            tx.outbox.mark_failed(message.id, error="refused")


def actions(store: SqlCaseStore) -> list[str]:
    with store.begin() as tx:
        return [line.action for line in tx.journal.lines()]


def test_what_was_not_tried_yet_is_left_alone(store: SqlCaseStore) -> None:
    assert told(store, NOW + timedelta(hours=1)) == []


def test_a_channel_that_gives_up_hands_over_at_once_and_only_once(store: SqlCaseStore) -> None:
    fail(store, NOW)
    assert told(store, NOW) == ["pager"]
    assert told(store, NOW) == []
    assert actions(store) == ["deadline.alarm_escalated"]


def test_a_channel_that_tries_in_vain_hands_over_after_five_minutes(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        [message] = tx.outbox.claim(NOW)
        tx.outbox.mark_retry(message.id, next_attempt_at=NOW + timedelta(hours=1), error="busy")
    assert told(store, NOW + timedelta(minutes=4, seconds=59)) == []
    assert told(store, NOW + timedelta(minutes=5)) == ["pager"]


def test_every_channel_is_tried_and_the_end_is_said(store: SqlCaseStore) -> None:
    for expected in (["pager"], ["webhook"], []):
        fail(store, NOW)
        assert told(store, NOW) == expected
    assert actions(store)[-1] == "deadline.alarm_unheard"
    with store.begin() as tx:
        assert len(unheard(tx, NOW)) == 1


def test_an_alarm_that_one_channel_delivered_was_heard(store: SqlCaseStore) -> None:
    fail(store, NOW)
    told(store, NOW)
    with store.begin() as tx:
        [message] = tx.outbox.claim(NOW)
        tx.outbox.mark_sent(message.id, at=NOW, receipt="ok")
        assert unheard(tx, NOW) == []
    assert told(store, NOW) == []
