"""The daily review over the real stores: learnt, ranked, cut, told once, made again the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sentinel.app import parts
from sentinel.app.scope_review import Calendar, ScopeReview, review_of
from sentinel.cli.main import app
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event, LogSource
from sentinel.domain.review import Review
from sentinel.domain.scope import Fact
from sentinel.respond.fold import Folder
from sentinel.respond.reviews import load_review, review_days
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAYS = 20
STAFF = {"informed_on": "2026-01-05", "informed_how": "a note", "dpia_on": "2025-12-15"}


def settings_in(folder: Path, **review: object) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "var",
            "keys": {"master": bytes(range(32)).hex()},
            "language": "en",
            "scope": {"staff": STAFF, "review": review},
        }
    )


def access(number: int, at: datetime, actor: str, subject: str, verdict: str, **more: str) -> Event:
    return Event(
        id=f"{number:032x}",
        time=at,
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields={
            "event.action": "customer.read",
            "user.name": actor,
            "user.roles": ["support"],
            "user.group.name": "support-1",
            "sentinel.actor.kind": "staff",
            "sentinel.subject": [subject],
            "sentinel.data_category": "identity",
            "sentinel.scope.verdict": verdict,
            **more,
        },
    )


def office() -> tuple[list[Event], list[Fact]]:
    """Three agents, five tickets each a day; on the last day one looks at somebody else."""
    events: list[Event] = []
    facts: list[Fact] = []
    for day in range(DAYS):
        for agent in range(3):
            for n in range(5):
                at = FIRST + timedelta(days=day, minutes=60 * n + agent)
                subject = f"sub_{(day * 15 + agent * 5 + n) % 200:03}"
                number = len(events)
                facts.append(
                    Fact(
                        kind="ticket",
                        id=f"T{number}",
                        subject=subject,
                        actor=f"usr_{agent}",
                        team="support-1",
                        valid_from=at - timedelta(minutes=20),
                        valid_to=at + timedelta(hours=3),
                        recorded_at=at - timedelta(minutes=20),
                    )
                )
                events.append(access(number, at, f"usr_{agent}", subject, "explained"))
    last = FIRST + timedelta(days=DAYS - 1)
    number = len(events)
    events.append(access(number, last + timedelta(hours=1), "usr_1", "sub_999", "unexplained"))
    events.append(access(number + 1, last + timedelta(hours=2), "usr_2", "sub_998", "forbidden"))
    return events, facts


class Desk:
    """Everything that makes reviews, without the sockets."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = ManualClock(FIRST + timedelta(days=DAYS, hours=-2))  # 07:00, the next day
        self.sealer = parts.open_sealer(settings)
        self.cases: SqlCaseStore = parts.open_cases(settings, self.sealer, self.clock)
        self.events = parts.open_events(settings, self.sealer)

    async def in_store(self, function: Any) -> Any:
        with self.cases.begin() as tx:
            return function(tx)

    def reviews(self) -> ScopeReview:
        folder = Folder(self.clock, window=timedelta(hours=1), route=lambda _alert: [])
        return ScopeReview(
            self.settings, self.in_store, self.events, folder, self.sealer, self.clock
        )

    def fill(self) -> None:
        events, facts = office()
        self.events.append(events, last_offset=len(events) - 1)
        with self.cases.begin() as tx:
            tx.facts.put_many(facts)

    def close(self) -> None:
        self.events.close()
        self.cases.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(settings_in(tmp_path, budget=5, learning_days=14))
    made.fill()
    yield made
    made.close()


async def test_the_visit_without_a_reason_leads_the_list_and_is_one_alert(desk: Desk) -> None:
    (review,) = await desk.reviews().look()
    assert review.day == date(2026, 3, 21)
    first = review.entries[0]
    assert (first.actor, first.subject) == ("usr_1", "sub_999")
    assert first.score > 0
    assert not first.explained
    assert first.verdicts == ("unexplained",)
    assert any("no business fact" in reason.text("en") for reason in first.reasons)
    assert any("aucun fait" in reason.text("fr") for reason in first.reasons)
    with desk.cases.begin() as tx:
        alerts = tx.alerts.find()
        actions = [line.action for line in tx.journal.lines()]
    assert [alert.id for alert in alerts if alert.subjects == ("sub_999",)] == [first.alert]
    assert actions.count("scope.reviewed") == 1


async def test_what_was_cut_and_what_was_told_at_once_is_said(desk: Desk) -> None:
    (review,) = await desk.reviews().look()
    assert review.visits == 16
    assert review.forbidden == 1
    assert len(review.entries) == 5
    assert review.highest_cut is not None
    assert review.highest_cut <= review.entries[-1].score
    assert all(entry.subject != "sub_998" for entry in review.entries)


async def test_a_review_is_made_once(desk: Desk) -> None:
    await desk.reviews().look()
    assert await desk.reviews().look() == []
    with desk.cases.begin() as tx:
        assert review_days(tx) == [date(2026, 3, 21)]
        assert tx.alerts.count() == 1


async def test_a_service_that_died_before_the_write_makes_the_same_review(desk: Desk) -> None:
    """The transaction is cut after the alert was opened: nothing of it remains."""

    class Killed(Exception):
        pass

    original = desk.in_store
    calls = 0

    async def dies(function: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < 3:
            return await original(function)
        with desk.cases.begin() as tx:
            function(tx)
            raise Killed

    desk.in_store = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await desk.reviews().look()
    desk.in_store = original  # type: ignore[method-assign]
    with desk.cases.begin() as tx:
        assert tx.alerts.count() == 0
        assert review_days(tx) == []
    (again,) = await desk.reviews().look()
    fresh = await alone(desk, again.day)
    assert without_alerts(again) == without_alerts(fresh)


async def alone(desk: Desk, day: date) -> Review:
    with desk.cases.begin() as tx:
        facts = list(tx.facts.all())
    return review_of(desk.settings, Calendar(desk.settings), desk.events, facts, day, [])


def without_alerts(review: Review) -> list[tuple[str, str, float]]:
    return [(entry.actor, entry.subject, entry.score) for entry in review.entries]


async def test_while_it_learns_it_lists_and_raises_nothing(tmp_path: Path) -> None:
    desk = Desk(settings_in(tmp_path, learning_days=60))
    desk.fill()
    try:
        (review,) = await desk.reviews().look()
        assert review.learning
        assert review.entries
        with desk.cases.begin() as tx:
            assert tx.alerts.count() == 0
    finally:
        desk.close()


async def test_a_late_fact_that_was_recorded_in_time_explains(desk: Desk) -> None:
    at = FIRST + timedelta(days=DAYS - 1)
    fact = Fact(
        kind="ticket",
        id="late",
        subject="sub_999",
        actor="usr_1",
        team="support-1",
        valid_from=at,
        valid_to=at + timedelta(hours=3),
        recorded_at=at + timedelta(hours=8),
    )
    with desk.cases.begin() as tx:
        tx.facts.put_many([fact])
    (review,) = await desk.reviews().look()
    found = [entry for entry in review.entries if entry.subject == "sub_999"]
    assert all(entry.explained for entry in found)
    with desk.cases.begin() as tx:
        assert tx.alerts.count() == 0


async def test_an_emergency_is_always_listed(desk: Desk) -> None:
    at = FIRST + timedelta(days=DAYS - 1, hours=5)
    event = access(
        9_999, at, "usr_0", "sub_001", "explained", **{"sentinel.scope.weak": "break_glass"}
    )
    desk.events.append([event], last_offset=9_999)
    (review,) = await desk.reviews().look()
    assert review.entries[0].subject == "sub_001"
    assert len(review.entries) == 6  # beside the budget, not within


async def test_without_staff_informed_nothing_is_reviewed(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "var", "keys": {"master": bytes(range(32)).hex()}}
    )
    desk = Desk(settings)
    try:
        assert await desk.reviews().look() == []
    finally:
        desk.close()


async def test_days_that_a_stopped_service_missed_are_made_up_for(desk: Desk) -> None:
    await desk.reviews().look()
    desk.clock.advance(timedelta(days=3))
    made = await desk.reviews().look()
    assert [review.day.day for review in made] == [22, 23, 24]
    assert [review.visits for review in made] == [0, 0, 0]


def test_a_day_is_a_day_of_the_time_zone_and_reviewed_at_its_morning(tmp_path: Path) -> None:
    calendar = Calendar(settings_in(tmp_path))
    assert calendar.day_of(datetime(2026, 3, 20, 23, 30, tzinfo=UTC)) == date(2026, 3, 21)
    assert calendar.review_at(date(2026, 3, 20)) == datetime(2026, 3, 21, 5, tzinfo=UTC)
    summer = calendar.review_at(date(2026, 3, 28))  # the clocks go forward in the night
    assert summer == datetime(2026, 3, 29, 4, tzinfo=UTC)


async def test_the_command_prints_the_day_in_both_languages(desk: Desk, tmp_path: Path) -> None:
    (review,) = await desk.reviews().look()
    desk.close()
    file = tmp_path / "sentinel.toml"
    master = bytes(range(32)).hex()
    file.write_text(
        f'data_dir = "{desk.settings.data_dir}"\n[keys]\nmaster = "{master}"\n', encoding="utf-8"
    )
    base = ["--config", str(file), "scope", "review", "--day", review.day.isoformat()]
    told = json.loads(CliRunner().invoke(app, [*base, "--json"]).stdout)
    assert told["entries"][0]["subject"] == "sub_999"
    assert told["entries"][0]["reasons"]["fr"]
    assert set(told) >= {"cut", "highest_cut", "budget", "learning", "visits"}
    french = CliRunner().invoke(app, [*base, "--language", "fr"]).stdout
    assert "plus haut score laissé de côté" in french
    computed = CliRunner().invoke(app, [*base, "--compute", "--json"])
    assert json.loads(computed.stdout)["visits"] == review.visits
    missing = CliRunner().invoke(app, [*base[:-1], "2026-01-01"])
    assert type(missing.exception).__name__ == "NotFound"


def stored(tx: CaseTx, desk: Desk, day: date) -> Review | None:
    return load_review(tx, desk.sealer, day)


async def test_a_review_is_sealed(desk: Desk) -> None:
    (review,) = await desk.reviews().look()
    with desk.cases.begin() as tx:
        raw = tx.state.get(f"scope:review:{review.day}")
        assert raw is not None
        assert b"usr_1" not in raw
        assert stored(tx, desk, review.day) == review
