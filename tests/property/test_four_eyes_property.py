"""Whatever people propose, approve, merge and close: nobody takes both sides, nothing runs on.

Random sequences of the commands that take two people, and of those that move clocks, by people who
hold any roles, right more often than wrong.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.clock import ManualClock, isoformat
from sentinel.domain.incident import Actor, Authority, Incident, Legal, Persons, Role
from sentinel.domain.record import Proposal, ProposalState
from sentinel.errors import NotFound, Refused
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.workflow import COMMANDS
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

RUNS, STEPS = (int(one) for one in os.environ.get("SENTINEL_FOUR_EYES", "3x60").split("x"))
START = datetime.fromisoformat("2026-10-23T12:00:00+00:00")
WHY = "The export was found in the access log"
BOTH = frozenset({Role.DPO, Role.COMMANDER, Role.LEGAL, Role.DIRECTOR})
PEOPLE = [Actor("one", BOTH), Actor("two", BOTH), Actor("analyst", frozenset({Role.ANALYST}))]


def house(clock: ManualClock) -> SqlCaseStore:
    store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), clock)
    with store.begin() as tx:
        for number in (1, 2):
            tx.incidents.put(
                Incident(
                    id=f"i{number}",
                    reference=f"INC-2026-000{number}",
                    title="x",
                    kind="generic",
                    created_at=START,
                    created_by="one",
                    legal=Legal.TRIAGE,
                )
            )
    return store


def drawn(random: Random, tx, case: str, now: datetime) -> tuple[str, dict[str, object]]:
    past = now - timedelta(hours=random.choice([1, 5, 80]))
    incident = tx.incidents.get(case)
    proposals = [one.id for one in tx.records.find(Proposal, case)] or ["none"]
    clocks = [one.id for one in tx.incidents.deadlines(case, open_only=True)] or ["none"]
    outcome = str(incident.outcome) or random.choice(["false_positive", "incident_only"])
    choices: list[tuple[str, dict[str, object]]] = [
        ("start_investigation", {}),
        ("confirm_breach", {"aware_at": past, "basis": WHY, "regimes": ["nis2_art23"]}),
        ("extend_investigation", {"hours": 5, "reason": WHY}),
        ("qualify", {"outcome": random.choice(["register", "authority"]), "reasons": WHY}),
        ("record_persons", {"state": "informed"}),
        ("record_filing", {"kind": "complete", "number": "1", "filed_at": past, "reasons": WHY}),
        ("approve_filing", {}),
        ("waive_deadline", {"deadline_id": random.choice(clocks), "reason": WHY}),
        (
            "record_notice",
            {"deadline_id": random.choice(clocks), "given_at": past, "reference": "r"},
        ),
        ("start_processor_notice", {"controllers": "c", "aware_at": past}),
        ("reopen", {"reason": WHY}),
        ("merge_cases", {"into": "i2" if case == "i1" else "i1", "reason": WHY}),
        ("undo_merge", {"reason": WHY}),
    ]
    for _ in range(3):
        choices += [
            ("propose", {"command": "close", "arguments": {"outcome": outcome, "reason": WHY}}),
            (
                "propose",
                {"command": "decide_no_notification", "arguments": {"reasons": WHY}},
            ),
            (
                "propose",
                {
                    "command": "amend_awareness",
                    "arguments": {"aware_at": isoformat(past), "basis": WHY},
                },
            ),
            ("approve_proposal", {"proposal_id": random.choice(proposals)}),
            ("approve_proposal", {"proposal_id": random.choice(proposals)}),
        ]
    return random.choice(choices)


@settings(max_examples=RUNS, deadline=None)
@given(st.integers(0, 2**32))
def test_nobody_takes_both_sides_and_nothing_closed_runs(seed: int) -> None:
    random, clock = Random(seed), ManualClock(START)
    store = house(clock)
    for _ in range(STEPS):
        clock.advance(timedelta(hours=2))
        actor, case = random.choice(PEOPLE), random.choice(["i1", "i2"])
        with store.begin() as tx:
            name, arguments = drawn(random, tx, case, clock.now())
        try:
            with store.begin() as tx:
                COMMANDS[name](tx, actor, case, **arguments, now=clock.now())
        except (Refused, NotFound):
            continue
        with store.begin() as tx:
            for one in ("i1", "i2"):
                check(tx, one)
    with store.begin() as tx:
        assert verify_journal(tx) == []
    store.close()


def check(tx, case: str) -> None:
    incident = tx.incidents.get(case)
    running = tx.incidents.deadlines(case, open_only=True)
    if incident.legal is Legal.CLOSED or incident.merged_into:
        assert running == []
    if incident.legal is Legal.CLOSED and incident.aware_at is not None:
        assert incident.authority not in (Authority.DUE, Authority.INITIAL)
        assert incident.persons in (Persons.INFORMED, Persons.EXEMPT)
    for proposal in tx.records.find(Proposal, case):
        if proposal.state is ProposalState.APPROVED:
            assert proposal.decided_by not in ("", proposal.created_by, "analyst")
    for filing in incident.filings:
        assert filing.approved_by != filing.recorded_by
