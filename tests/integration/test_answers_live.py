"""An answer that somebody accepts, in whatever process, revises the access at once, and weakly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.app.handover import Handover
from sentinel.app.revision import PENDING, Revisions
from sentinel.clock import ManualClock
from sentinel.content import content_dir
from sentinel.detect.detector import Detector
from sentinel.detect.engine import RuleEngine
from sentinel.detect.reload import rules_in_force
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import SCOPE_VERDICT, SCOPE_WEAK, Event, LogSource
from sentinel.obs.metrics import Metrics
from sentinel.respond.fold import Folder
from sentinel.respond.revisions import ACTION
from sentinel.respond.staff_answers import accept_answer, accepted_news, record_answer
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULE = "staff_access_without_reason"


def access(number: int, subject: str, category: str = "identity") -> Event:
    return Event(
        id=f"a{number}",
        time=NOON + timedelta(minutes=number),
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields={
            "sentinel.actor.kind": "staff",
            "user.name": "usr_a",
            "user.roles": ["support"],
            "user.group.name": "t1",
            "event.action": "customer.read",
            "event.outcome": "success",
            "sentinel.data_category": category,
            "sentinel.subject": [subject],
        },
    )


class Life:
    """A life of the service over its stores."""

    def __init__(self, store: SqlCaseStore, events: MemoryEventStore, clock: ManualClock) -> None:
        self.store = store
        with store.begin() as tx:
            facts = FactIndex(tx.facts.all())
        rules = rules_in_force(content_dir("rules"), NOON).ruleset.only(RULE)
        self.detector = Detector(
            scope=ScopeEngine(load_scope(content_dir("rules") / "scopes"), facts),
            rules=RuleEngine(rules, lateness=timedelta(minutes=10)),
        )
        folder = Folder(clock, window=timedelta(hours=1), route=lambda _alert: ())
        self.handover = Handover(events, self.in_store, folder, Metrics(), clock)
        self.revisions = Revisions(
            self.detector, events, self.in_store, folder, clock=clock, horizon=timedelta(days=30)
        )

    async def in_store(self, function: Callable[[CaseTx], Any], /) -> Any:
        with self.store.begin() as tx:
            return function(tx)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_accepted_answer_is_known_at_once_and_stays_weak(
    tmp_path: Path, *, restarted: bool
) -> None:
    clock, events = ManualClock(NOON + timedelta(hours=1)), MemoryEventStore()
    path, sealer = tmp_path / "c.sqlite", AesGcmSealer(bytes(32))
    store = SqlCaseStore.open(path, sealer, clock)
    life = Life(store, events, clock)
    judged = await life.detector.process([access(1, "sub_1"), access(2, "sub_2")], now=clock.now())
    await life.handover.take(judged, 1)
    with store.begin() as tx:
        alert = next(one for one in tx.alerts.find() if "sub_1" in one.subjects)
    other = SqlCaseStore.open(path, sealer, clock)  # the command line, beside the service
    with other.begin() as tx:
        seq = record_answer(
            tx, alert.id, by="a", text="She called", evidence="C-1", manager=False, now=clock.now()
        )
        accept_answer(tx, alert.id, seq, by="m", now=clock.now())
        assert accepted_news(tx)
    other.close()
    if restarted:  # the answer is among the facts already, and the access is still looked up
        life = Life(store, events, clock)
    assert await life.revisions.run() == len(alert.events)
    assert await life.revisions.run() == 0
    for number, subject in ((1, "sub_1"), (2, "sub_2")):
        verdict = life.detector.scope.judge(access(number, subject))
        answered = subject in alert.subjects
        assert verdict.text(SCOPE_VERDICT) == ("explained" if answered else "unexplained")
        assert verdict.text(SCOPE_WEAK) == ("recorded_late" if answered else "")
    outside = life.detector.scope.judge(access(1, "sub_1", "billing_transaction"))
    assert outside.text(SCOPE_VERDICT) == "forbidden"  # an answer opens no role
    with store.begin() as tx:
        assert accepted_news(tx) == []
        assert msgspec.json.decode(tx.state.get(PENDING) or b"[]") == []
        revised = [line for line in tx.journal.lines() if line.action == ACTION]
    assert len(revised) == len(alert.events)
    store.close()
