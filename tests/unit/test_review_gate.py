"""Three hundred look-ups are one story; beyond the day's budget a story waits for the review."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.config import ReviewSettings
from sentinel.domain.alert import Alert
from sentinel.domain.finding import Finding, Level, RuleInfo, finding_id
from sentinel.domain.reason import Reason
from sentinel.respond.fold import Folder
from sentinel.respond.review_gate import ReviewGate, load_tally
from sentinel.respond.reviews import DAYS
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
RULE = RuleInfo(
    id="rule-1", slug="staff_access_without_reason", title="No reason", level=Level.MEDIUM
)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOON)
        self.sealer = AesGcmSealer(bytes(range(32)))
        self.store = SqlCaseStore.open(folder / "cases.db", self.sealer, self.clock)

    def fold(self, findings: list[Finding], **review: object) -> list[Alert]:
        gate = ReviewGate(ReviewSettings.model_validate(review), lambda at: at.date())
        folder = Folder(self.clock, window=timedelta(hours=1), route=lambda _: [], gate=gate)
        with self.store.begin() as tx:
            return folder.fold(tx, findings)

    def alerts(self) -> list[Alert]:
        with self.store.begin() as tx:
            return sorted(tx.alerts.find(), key=lambda one: (one.first, one.actor))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def finding(
    number: int,
    at: datetime,
    *,
    actor: str = "usr_a",
    person: str = "sub_1",
    category: str = "identity",
    rule: RuleInfo = RULE,
) -> Finding:
    event = f"event-{actor}-{number}"
    return Finding(
        id=finding_id(rule.id, (event,)),
        rule=rule,
        time=at,
        actor=actor,
        subjects=(person,),
        categories=(category,),
        events=(event,),
        refs=(f"crm#{number}",),
        event_count=1,
        reasons=(Reason("scope.no_relation", {"role": "support", "category": category}),),
    )


@pytest.mark.parametrize("together", [True, False])
def test_three_hundred_look_ups_of_one_person_are_one_story(desk: Desk, together: bool) -> None:
    """Over twelve hours, with a pause that is longer than the window."""
    times = [NOON + timedelta(minutes=2 * n + (180 if n >= 150 else 0)) for n in range(300)]
    found = [finding(n, at, category=("identity", "contact")[n % 2]) for n, at in enumerate(times)]
    for batch in [found] if together else [found[n : n + 7] for n in range(0, 300, 7)]:
        desk.fold(batch)
    (alert,) = desk.alerts()
    assert alert.count == alert.event_count == 300
    assert (alert.first, alert.last) == (times[0], times[-1])
    assert alert.subjects == ("sub_1",)
    assert alert.categories == ("contact", "identity")
    assert len(alert.events) == 300


def test_three_hundred_persons_in_an_hour_are_one_story_too(desk: Desk) -> None:
    found = [finding(n, NOON + timedelta(seconds=10 * n), person=f"sub_{n}") for n in range(300)]
    desk.fold(found)
    (alert,) = desk.alerts()
    assert len(alert.subjects) == alert.event_count == 300


def test_another_actor_and_another_day_are_other_stories(desk: Desk) -> None:
    desk.fold(
        [
            finding(1, NOON),
            finding(2, NOON, actor="usr_b"),
            finding(3, NOON + timedelta(hours=30)),
        ]
    )
    assert len(desk.alerts()) == 3


def test_the_story_of_a_person_goes_on_behind_the_story_of_another(desk: Desk) -> None:
    desk.fold([finding(1, NOON)])
    desk.fold([finding(2, NOON + timedelta(hours=2), person="sub_2")])
    desk.fold([finding(3, NOON + timedelta(hours=4))])
    first, second = desk.alerts()
    assert (first.count, first.subjects) == (2, ("sub_1",))
    assert (second.count, second.subjects) == (1, ("sub_2",))


def test_beyond_the_budget_a_story_waits_and_is_counted(desk: Desk) -> None:
    found = [finding(n, NOON + timedelta(minutes=n), actor=f"usr_{n:02}") for n in range(30)]
    desk.fold(found, budget=8)
    assert len(desk.alerts()) == 8
    with desk.store.begin() as tx:
        tally = load_tally(tx, NOON.date())
    assert (tally.opened, tally.waiting) == (8, 22)


def test_a_waiting_story_is_counted_once_however_often_it_is_told(desk: Desk) -> None:
    desk.fold([finding(n, NOON + timedelta(minutes=n)) for n in range(50)], unexplained="daily")
    assert desk.alerts() == []
    with desk.store.begin() as tx:
        assert load_tally(tx, NOON.date()).waiting == 1


def test_an_actor_who_opens_many_files_does_not_wait(desk: Desk) -> None:
    found = [finding(n, NOON + timedelta(minutes=n), person=f"sub_{n}") for n in range(9)]
    desk.fold(found, unexplained="daily", at_once_persons=5)
    (alert,) = desk.alerts()
    assert alert.subjects == tuple(f"sub_{n}" for n in range(4, 9))


def test_other_rules_never_wait(desk: Desk) -> None:
    other = RuleInfo(id="rule-2", slug="staff_category_forbidden", title="No", level=Level.HIGH)
    desk.fold([finding(1, NOON, rule=other)], unexplained="daily")
    assert len(desk.alerts()) == 1


def test_nothing_waits_for_a_review_that_is_over(desk: Desk) -> None:
    with desk.store.begin() as tx:
        tx.state.put(DAYS, b'["2026-03-05"]')
    desk.fold([finding(1, NOON)], unexplained="daily")
    assert len(desk.alerts()) == 1


def test_without_a_review_nothing_waits(desk: Desk) -> None:
    desk.fold([finding(1, NOON)], enabled=False, unexplained="daily")
    assert len(desk.alerts()) == 1


def test_a_replay_counts_nothing_twice(desk: Desk) -> None:
    found = [finding(n, NOON + timedelta(minutes=n), actor=f"usr_{n}") for n in range(3)]
    desk.fold(found)
    desk.fold(found)
    with desk.store.begin() as tx:
        assert load_tally(tx, NOON.date()).opened == 3
    assert [alert.count for alert in desk.alerts()] == [1, 1, 1]
