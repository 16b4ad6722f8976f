"""Folding: one story is one alert, a replay changes nothing, and only a new alert speaks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import ManualClock
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.finding import Finding, Level, RuleInfo, finding_id
from sentinel.domain.reason import Reason
from sentinel.respond.fold import MAX_EVENTS, MAX_REASONS, Folder
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
START = NOW - timedelta(hours=2)
RULE = RuleInfo(
    id="rule-1",
    slug="staff_access_without_reason",
    title="Staff access without a reason",
    level=Level.HIGH,
    titles={"fr": "Accès sans motif"},
    runbook="out-of-scope-access",
)


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def folder() -> Folder:
    return Folder(
        ManualClock(NOW), window=timedelta(hours=1), route=lambda _: ("email", "webhook", "email")
    )


def finding(minutes: float = 0, *, actor: str = "usr_a", rule: RuleInfo = RULE, **more) -> Finding:
    event = str(more.pop("event", f"e{minutes}-{actor}"))
    values = {
        "id": finding_id(rule.id, (event,)),
        "rule": rule,
        "time": START + timedelta(minutes=minutes),
        "actor": actor,
        "subjects": ("sub_1",),
        "events": (event,),
        "refs": (f"crm#{event}",),
        "event_count": 1,
        "reasons": (Reason("scope.leaver", {"date": f"{minutes}"}),),
        "categories": ("contact",),
    }
    return Finding(**(values | more))


def fold(store: SqlCaseStore, folder: Folder, *findings: Finding) -> list[Alert]:
    with store.begin() as tx:
        return folder.fold(tx, findings)


def test_findings_close_in_time_are_one_alert_with_true_counts(store, folder) -> None:
    fold(
        store,
        folder,
        finding(0, subjects=("sub_2",), event_count=3),
        finding(30, subjects=("sub_1", "sub_3"), categories=("identity",), score=0.5),
    )
    alerts = fold(store, folder, finding(80))
    assert len(alerts) == 1
    with store.begin() as tx:
        stored = tx.alerts.find()
    assert stored == alerts
    alert = stored[0]
    assert alert.subjects == ("sub_1", "sub_2", "sub_3")
    assert alert.categories == ("contact", "identity")
    assert (alert.first, alert.last) == (START, START + timedelta(minutes=80))
    assert (alert.count, alert.event_count, alert.version) == (3, 5, 2)
    assert alert.refs == ("crm#e0-usr_a", "crm#e30-usr_a", "crm#e80-usr_a")
    assert len(alert.reasons) == 3
    assert alert.score == 0.5


def test_a_finding_seen_before_changes_nothing(store, folder) -> None:
    before = fold(store, folder, finding(0), finding(1))
    assert fold(store, folder, finding(0), finding(1)) == []
    with store.begin() as tx:
        assert tx.alerts.find() == before
        assert len(tx.outbox.find()) == 2


def test_a_finding_twice_in_one_batch_counts_once(store, folder) -> None:
    assert fold(store, folder, finding(0), finding(0))[0].count == 1


@pytest.mark.parametrize(
    "other",
    [
        finding(0, actor="usr_b"),
        finding(0, rule=msgspec.structs.replace(RULE, id="rule-2"), event="x"),
        finding(61),
    ],
    ids=["actor", "rule", "time"],
)
def test_another_actor_rule_or_hour_is_another_alert(store, folder, other: Finding) -> None:
    fold(store, folder, finding(0))
    fold(store, folder, other)
    with store.begin() as tx:
        assert tx.alerts.count() == 2


def test_a_finding_at_the_edge_of_the_window_still_folds(store, folder) -> None:
    fold(store, folder, finding(60), finding(120))
    assert fold(store, folder, finding(0))[0].first == START
    with store.begin() as tx:
        assert tx.alerts.count() == 1


def test_findings_that_arrive_late_find_their_own_alert(store, folder) -> None:
    """A backfill far before the newest alert must not open one alert per finding."""
    fold(store, folder, finding(600))
    for minute in range(5):
        fold(store, folder, finding(minute))
    with store.begin() as tx:
        assert [alert.count for alert in tx.alerts.find()] == [1, 5]


@pytest.mark.parametrize(
    ("state", "alerts"),
    [
        (AlertState.ACKNOWLEDGED, 1),
        (AlertState.DISMISSED, 2),
        (AlertState.PROMOTED, 2),
    ],
)
def test_only_a_live_alert_takes_more_findings(store, folder, state, alerts: int) -> None:
    [alert] = fold(store, folder, finding(0))
    with store.begin() as tx:
        tx.alerts.put(msgspec.structs.replace(alert, state=state, version=alert.version + 1))
    fold(store, folder, finding(1))
    with store.begin() as tx:
        assert tx.alerts.count() == alerts


def test_a_new_alert_tells_each_channel_once_and_no_more_when_it_grows(store, folder) -> None:
    [alert] = fold(store, folder, finding(0), finding(1))
    fold(store, folder, finding(2))
    with store.begin() as tx:
        messages = tx.outbox.find()
        actions = [line.action for line in tx.journal.lines()]
    assert sorted(message.key for message in messages) == [
        f"alert:{alert.id}:email",
        f"alert:{alert.id}:webhook",
    ]
    assert actions == ["alert.opened"]
    assert messages[0].kind == "alert"
    assert messages[0].context == {
        "alert_id": alert.id,
        "rule": "staff_access_without_reason",
        "title": {"en": "Staff access without a reason", "fr": "Accès sans motif"},
        "level": "high",
        "actor": "usr_a",
        "subjects": 1,
        "events": 2,
        "first": "2026-03-02T10:00:00.000Z",
        "last": "2026-03-02T10:01:00.000Z",
    }


def test_the_message_holds_no_person_and_no_event(store, folder) -> None:
    fold(store, folder, finding(0, subjects=("sub_secret",)))
    with store.begin() as tx:
        told = repr([message.context for message in tx.outbox.find()])
    assert "sub_secret" not in told
    assert "crm#" not in told


@pytest.mark.parametrize(("level", "minutes"), [(Level.CRITICAL, 15), (Level.HIGH, 240)])
def test_a_new_alert_starts_the_clock_of_its_acknowledgement(store, folder, level, minutes) -> None:
    [alert] = fold(store, folder, finding(0, rule=msgspec.structs.replace(RULE, level=level)))
    with store.begin() as tx:
        [clock] = tx.incidents.deadlines(alert.id)
    assert (clock.obligation, clock.anchor_at) == ("ACK", NOW)
    assert clock.due_at == NOW + timedelta(minutes=minutes)
    assert clock.alarms == (clock.due_at,)


def test_lists_are_capped_and_counts_are_not(store, folder) -> None:
    many = tuple(f"x{number}" for number in range(MAX_EVENTS - 1))
    first = finding(0, events=many, refs=many, event_count=5000)
    rest = [finding(minute) for minute in range(1, MAX_REASONS + 5)]
    [alert] = fold(store, folder, first, *rest)
    assert len(alert.events) == len(alert.refs) == MAX_EVENTS
    assert len(alert.reasons) == MAX_REASONS
    assert alert.event_count == 5000 + len(rest)
    assert alert.count == 1 + len(rest)


def test_an_event_that_two_findings_share_counts_once(store, folder) -> None:
    shared = finding(1, events=("e0-usr_a", "new"), refs=("crm#e0-usr_a", "n"), event_count=2)
    [alert] = fold(store, folder, finding(0), shared)
    assert alert.events == ("e0-usr_a", "new")
    assert alert.event_count == 2


def test_a_fold_that_fails_half_way_leaves_nothing(store) -> None:
    def broken(_: Alert) -> tuple[str, ...]:
        raise RuntimeError("routes are broken")

    folder = Folder(ManualClock(NOW), window=timedelta(hours=1), route=broken)
    with pytest.raises(RuntimeError):
        fold(store, folder, finding(0))
    with store.begin() as tx:
        assert tx.alerts.count() == 0
        assert not tx.alerts.has_finding(finding(0).id)
        assert tx.journal.lines() == []
