"""Any sequence of commands by anybody: what must never happen does not.

A reference model of a few lines, written from the description of the workflow and not from the
table, watches the invariants: every state change has its journal line, a refused command changes
nothing, a closed case has no open clock, and the author of a closing never approved it alone.
"""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.clock import ManualClock
from sentinel.domain.incident import (
    Actor,
    Authority,
    Document,
    FilingKind,
    Incident,
    Legal,
    Persons,
    Role,
)
from sentinel.domain.lateness import DatedFact
from sentinel.errors import NotFound, Refused
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.workflow import COMMANDS
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)
WHY = "The export was found in the access log"
PEOPLE = [
    Actor("analyst", frozenset({Role.ANALYST})),
    Actor("dpo", frozenset({Role.DPO})),
    Actor("commander", frozenset({Role.COMMANDER})),
    Actor("everything", frozenset(Role) - {Role.ADMIN, Role.AUDITOR}),
    Actor("admin", frozenset({Role.ADMIN})),
    Actor("auditor", frozenset({Role.AUDITOR, Role.DPO})),
]
OUTCOMES = ["register", "authority", "high_risk", "false_positive", "incident_only", "nonsense"]

REASONS = [WHY, WHY, WHY, WHY, ""]
COMMON = [*PEOPLE, PEOPLE[1], PEOPLE[2], PEOPLE[3], PEOPLE[3], PEOPLE[3]]
NAMES = [
    *("start_investigation", "contain", "eradicate", "recover", "approve_filing"),
    *("confirm_breach", "amend_awareness", "record_filing", "record_filing", "record_persons"),
    *("qualify", "decide_no_notification", "explain_lateness", "reopen", "answer"),
    *("waive_deadline", "close", "close", "close"),
]


def drawn(random: Random, name: str, clock: ManualClock, incident, deadlines) -> dict[str, object]:
    """Return arguments for ``name``, right more often than wrong."""
    past = clock.now() - timedelta(hours=random.choice([0, 1, 30, 100]))
    reason = random.choice(REASONS)
    outcome = random.choice([*[str(incident.outcome) or "false_positive"] * 9, *OUTCOMES])
    approver = random.choice([None, *COMMON])
    arguments: dict[str, dict[str, object]] = {
        "confirm_breach": {"aware_at": past, "basis": reason},
        "amend_awareness": {
            "aware_at": past,
            "basis": reason,
            "approvals": [approver or PEOPLE[0]],
        },
        "record_filing": {
            "kind": random.choice([*FilingKind, "complete", "x"]),
            "number": "1",
            "filed_at": past,
        },
        "record_persons": {"state": random.choice(["informed", "exempt"]), "reasons": reason},
        "qualify": {"outcome": random.choice(OUTCOMES), "reasons": reason},
        "decide_no_notification": {"reasons": reason, "approved_by": approver},
        "explain_lateness": {
            "ground": "portal",
            "reasons": f"{reason} and the rest of it",
            "facts": [DatedFact(at=past, text="The portal was down")],
            "evidence": random.choice([["doc"], ["doc"], ["other"]]),
        },
        "reopen": {"reason": reason},
        "answer": {"field": "x", "value": 1},
        "waive_deadline": {
            "deadline_id": random.choice([*(one.id for one in deadlines), "none"]),
            "reason": reason,
        },
        "close": {"outcome": outcome, "reason": reason, "approved_by": approver},
    }
    return arguments.get(name, {})


def opened(clock: ManualClock) -> SqlCaseStore:
    store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), clock)
    with store.begin() as tx:
        tx.incidents.put(
            Incident(
                id="i1",
                reference="INC-2026-0001",
                title="x",
                kind="bulk_export",
                created_at=START,
                created_by="analyst",
                legal=Legal.TRIAGE,
            )
        )
        tx.incidents.put_document(
            Document(
                id="doc",
                incident_id="i1",
                kind="note",
                language="en",
                media_type="text/plain",
                path="doc",
                sha256="0" * 64,
                created_at=START,
                created_by="analyst",
            )
        )
    return store


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_no_sequence_breaks_an_invariant(seed: int) -> None:
    random, clock = Random(seed), ManualClock(START)
    store = opened(clock)
    for _ in range(120):
        clock.advance(timedelta(hours=3))
        before = snapshot(store)
        actor, name = random.choice(COMMON), random.choice(NAMES)
        arguments = drawn(random, name, clock, *before[:2])
        if not attempt(store, clock, actor, name, arguments):
            assert snapshot(store) == before
            continue
        incident, deadlines, lines = snapshot(store)
        assert actor.id not in ("admin", "auditor")
        assert (incident.version, lines) == (before[0].version + 1, before[2] + 1)
        check(incident, deadlines)
        if name == "close":
            approver = arguments["approved_by"]
            assert isinstance(approver, Actor)
            assert approver.id not in (actor.id, "admin", "auditor", "analyst")
            assert not any(one.open for one in deadlines)
    with store.begin() as tx:
        assert verify_journal(tx) == []
    store.close()


def attempt(store, clock: ManualClock, actor: Actor, name: str, arguments) -> bool:
    try:
        with store.begin() as tx:
            COMMANDS[name](tx, actor, "i1", **arguments, now=clock.now())
    except (Refused, NotFound):
        return False
    return True


def snapshot(store):
    with store.begin() as tx:
        return tx.incidents.get("i1"), tx.incidents.deadlines("i1"), len(tx.journal.lines())


def check(incident: Incident, deadlines) -> None:
    running = {clock.obligation for clock in deadlines if clock.open}
    if incident.legal is Legal.CLOSED:
        assert incident.closed_at is not None
        if incident.aware_at is not None:
            assert incident.authority not in (Authority.DUE, Authority.INITIAL)
            assert incident.persons in (Persons.INFORMED, Persons.EXEMPT)
    if incident.aware_at is not None:
        [clock] = [one for one in deadlines if one.obligation == "CNIL-72"]
        assert clock.due_at - incident.aware_at == timedelta(hours=72)
        assert clock.anchor_at == incident.aware_at
        # The clock stands still only for a filing, or for a decision of two people.
        if not clock.open and clock.met_at is not None:
            assert incident.filings
    unapproved = [one for one in incident.filings if not one.approved_by]
    assert bool(unapproved) == ("FILING-APPROVAL" in running)
    for filing in incident.filings:
        assert filing.approved_by != filing.recorded_by
