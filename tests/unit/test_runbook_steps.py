"""A runbook at work: who has a step, when it rings, how it is left out, stopped, and survives."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.content import content_dir
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.incident import Actor, Incident, Legal, Role
from sentinel.errors import NotFound, Refused
from sentinel.respond import clock_watch
from sentinel.respond.runbooks import find_runbook
from sentinel.respond.workflow.dispatch import run
from sentinel.respond.workflow.intake import Report
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LIBRARY = content_dir("runbooks")
ANALYST = Actor("acc-1", frozenset({Role.ANALYST}))
COMMANDER = Actor("acc-2", frozenset({Role.COMMANDER}))
DPO = Actor("acc-3", frozenset({Role.DPO}))
AUDITOR = Actor("acc-4", frozenset({Role.AUDITOR}))
WHY = "the export was ordered in ticket 17"


def opened(path: str) -> SqlCaseStore:
    return SqlCaseStore.open(path, AesGcmSealer(bytes(32)), ManualClock(NOW))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlCaseStore]:
    made = opened(str(tmp_path / "cases.db"))
    with made.begin() as tx:
        tx.incidents.put(
            Incident(
                id="i1",
                reference="INC-2025-0001",
                title="x",
                kind="y",
                created_at=NOW,
                created_by="acc-1",
                legal=Legal.TRIAGE,
                runbook="bulk-export",
            )
        )
    yield made
    made.close()


def do(
    store: SqlCaseStore, name: str, who: Actor, *, at: datetime = NOW, **given: object
) -> Incident:
    with store.begin() as tx:
        result = run(tx, name, who, given, now=at, subject_id="INC-2025-0001", library=LIBRARY)
    assert isinstance(result, Incident)
    return result


def clock(store: SqlCaseStore) -> Deadline | None:
    with store.begin() as tx:
        running = tx.incidents.deadlines("i1", open_only=True)
    return next((one for one in running if one.obligation == Obligation.RUNBOOK), None)


def rung(store: SqlCaseStore, at: datetime) -> list[object]:
    def ring(tx: CaseTx) -> list[object]:
        return [message.context for message in clock_watch.tick(tx, at, lambda _: ["mail"])]

    with store.begin() as tx:
        return ring(tx)


def test_the_rule_s_runbook_starts_without_naming_it(store: SqlCaseStore) -> None:
    case = do(store, "start_runbook", ANALYST)
    book = find_runbook(LIBRARY, "bulk-export", "fr")
    assert [step.id for step in case.runbook_plan] == [step.id for step in book.steps]
    assert case.runbook_plan[0].due_at == NOW + timedelta(minutes=15)
    running = clock(store)
    assert running is not None
    assert (running.due_at, running.basis) == (NOW + timedelta(minutes=15), "bulk-export S1")
    assert not running.hard


def test_another_runbook_is_started_by_hand(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    case = do(store, "start_runbook", ANALYST, runbook="leaver")
    assert (case.runbook, case.steps) == ("leaver", {})
    with store.begin() as tx:
        clocks = tx.incidents.deadlines("i1", open_only=True)
    assert [one.basis for one in clocks] == ["leaver S1"]
    with pytest.raises(NotFound):
        do(store, "start_runbook", ANALYST, runbook="../rules")


def test_a_step_that_is_late_rings_once_and_daily_after_the_last(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    assert rung(store, NOW + timedelta(minutes=14)) == []
    (first,) = rung(store, NOW + timedelta(minutes=15))
    assert isinstance(first, dict)
    assert first["obligation"] == "RUNBOOK"
    assert first["basis"] == "bulk-export S1"
    assert rung(store, NOW + timedelta(minutes=16)) == []
    late = NOW + timedelta(minutes=20)
    case = do(store, "complete_step", ANALYST, at=late, step_id="S1", evidence="crm#17")
    assert case.steps["S1"].at == late
    running = clock(store)
    assert running is not None
    assert running.due_at == NOW + timedelta(minutes=30)
    with store.begin() as tx:
        payload = tx.journal.opened(tx.journal.lines(object_id="i1")[-1])
    assert isinstance(payload, dict)
    assert (payload["step"], payload["late"]) == ("S1", True)


def test_a_step_done_in_time_does_not_ring(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    do(store, "complete_step", ANALYST, step_id="S1", evidence="crm#17")
    assert rung(store, NOW + timedelta(minutes=20)) == []


def test_the_plan_survives_a_restart(store: SqlCaseStore, tmp_path: Path) -> None:
    do(store, "start_runbook", ANALYST)
    do(store, "complete_step", ANALYST, step_id="S1", evidence="crm#17")
    store.close()
    again = opened(str(tmp_path / "cases.db"))
    rings = rung(again, NOW + timedelta(hours=1))
    assert len(rings) == 3, "S2, S3 and S4 fell due while the service was stopped"
    assert all(isinstance(one, dict) and one["overdue"] for one in rings)
    case = do(again, "complete_step", ANALYST, step_id="S2", evidence="crm#18")
    assert set(case.steps) == {"S1", "S2"}
    again.close()


def test_a_step_is_left_out_with_a_reason_by_its_role_or_a_lead(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    with pytest.raises(Refused, match="written reason"):
        do(store, "skip_step", ANALYST, step_id="S1", reason="no")
    with pytest.raises(Refused, match="takes the role dpo"):
        do(store, "skip_step", ANALYST, step_id="S9", reason=WHY)
    with pytest.raises(Refused, match="auditor"):
        do(store, "skip_step", AUDITOR, step_id="S1", reason=WHY)
    case = do(store, "skip_step", COMMANDER, step_id="S1", reason=WHY)
    assert (case.steps["S1"].skipped, case.steps["S1"].by) == (WHY, "acc-2")
    with pytest.raises(Refused, match="already"):
        do(store, "complete_step", ANALYST, step_id="S1", evidence="x")


def test_nobody_unknown_is_given_a_step(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    with pytest.raises(Refused, match="no account"):
        do(store, "assign_step", COMMANDER, step_id="S1", owner="nobody")


def test_stopping_leaves_the_rest_out_and_stops_the_clock(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    do(store, "complete_step", ANALYST, step_id="S1", evidence="crm#17")
    case = do(store, "stop_runbook", ANALYST, reason=WHY)
    assert len(case.steps) == len(case.runbook_plan)
    assert case.steps["S1"].skipped == ""
    assert {case.steps[f"S{n}"].skipped for n in range(2, 14)} == {WHY}
    assert clock(store) is None
    with pytest.raises(Refused, match="no step"):
        do(store, "stop_runbook", ANALYST, reason=WHY)


def test_the_last_step_stops_the_clock(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    everybody = Actor("acc-9", ANALYST.roles | COMMANDER.roles | DPO.roles | {Role.COMMS})
    for step in find_runbook(LIBRARY, "bulk-export", "en").steps:
        do(store, "complete_step", everybody, step_id=step.id, evidence="receipt 1")
    assert clock(store) is None


def test_a_case_that_closes_ends_its_runbook_and_says_what_was_open(store: SqlCaseStore) -> None:
    do(store, "start_runbook", ANALYST)
    proposed = {"outcome": "false_positive", "reason": WHY}
    do(store, "propose", COMMANDER, command="close", arguments=proposed)
    with store.begin() as tx:
        line = next(one for one in tx.journal.lines(object_id="i1") if "propos" in one.action)
        payload = tx.journal.opened(line)
    assert isinstance(payload, dict)
    case = do(store, "approve_proposal", DPO, proposal_id=payload["proposal"])
    assert case.legal is Legal.CLOSED
    assert clock(store) is None
    with store.begin() as tx:
        closed = [o for o in tx.journal.lines(object_id="i1") if o.action == "incident.closed"]
        told = tx.journal.opened(closed[-1])
    assert isinstance(told, dict)
    assert len(told["steps_left"]) == 13


def test_a_notice_of_a_processor_starts_its_runbook(store: SqlCaseStore) -> None:
    report = Report(
        channel="processor",
        title="Notice",
        description="Our host was breached.",
        received_at=NOW,
        informant="Host",
    )
    with store.begin() as tx:
        case = run(tx, "intake", DPO, {"report": report}, now=NOW, library=LIBRARY)
    assert isinstance(case, Incident)
    assert case.runbook == "processor-notice"
    assert case.runbook_plan
