"""The full product of states, events, roles and guards: what stands in no row is refused, with why.

The expectation is computed from the table by a few lines that do not use `permit`, so that the
table is what is read, and `permit` what is tested. Each guard is then tested alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product

import pytest

from sentinel.domain import guards
from sentinel.domain.alert import AlertState
from sentinel.domain.deadline import Deadline
from sentinel.domain.guards import Attempt, Guard
from sentinel.domain.incident import (
    Actor,
    Authority,
    Filing,
    FilingKind,
    Incident,
    Legal,
    Outcome,
    Persons,
    Role,
    Security,
)
from sentinel.domain.transitions import ON_A_MERGED_CASE, TABLE, Track, Transition, permit
from sentinel.errors import Refused

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WHY = "The log shows the export, line by line"
STATES: dict[Track, type[StrEnum]] = {
    Track.ALERT: AlertState,
    Track.SECURITY: Security,
    Track.LEGAL: Legal,
    Track.AUTHORITY: Authority,
    Track.PERSONS: Persons,
}
COMMANDS = sorted({row.command for row in TABLE})
GUARDS = sorted({guard for row in TABLE for guard in row.guards}, key=lambda one: one.__name__)
ME, OTHER = "acc-1", "acc-2"
FULL = bool(os.environ.get("SENTINEL_FULL_PRODUCT"))  # every role beside those who never act


def a_case(**changes: object) -> Incident:
    base: dict[str, object] = {
        "id": "i",
        "reference": "INC-2026-0001",
        "title": "x",
        "kind": "generic",
        "created_at": NOW,
        "created_by": ME,
    }
    return Incident(**(base | changes))


def filing() -> Filing:
    return Filing(
        kind=FilingKind.INITIAL, number="1", filed_at=NOW, recorded_at=NOW, recorded_by=ME
    )


def a_clock(**changes: object) -> Deadline:
    base: dict[str, object] = {
        "id": "d",
        "incident_id": "i",
        "obligation": "CNIL-72",
        "basis": "x",
        "anchor_at": NOW,
        "due_at": NOW + timedelta(hours=72),
    }
    return Deadline(**(base | changes))


def everybody() -> Iterator[frozenset[Role]]:
    """Every single role, nobody at all, and roles held beside one that may never act."""
    yield frozenset()
    for role in Role:
        yield frozenset({role})
        if FULL or role in (Role.DPO, Role.COMMANDER):
            for never in (Role.ADMIN, Role.AUDITOR):
                yield frozenset({role, never})


def attempts() -> Iterator[Attempt]:
    """Circumstances that satisfy all guards, none, or each but one."""
    fine = a_case(authority=Authority.COMPLETE, persons=Persons.INFORMED, aware_at=NOW)
    for roles in everybody():
        actor = Actor(ME, roles)
        for reason, outcome, approver, filed, clock in product(
            (WHY, ""),
            (Outcome.REGISTER, Outcome.FALSE_POSITIVE, Outcome.NONE),
            (None, Actor(ME, roles), Actor(OTHER, frozenset({Role.DPO})),
             Actor(OTHER, frozenset({Role.ANALYST}))),
            ((), (filing(),)),
            ((), (a_clock(),)),
        ):  # fmt: skip
            case = a_case(
                authority=fine.authority,
                persons=Persons.UNDECIDED if filed and clock else fine.persons,
                aware_at=NOW,
                outcome=Outcome.REGISTER,
                filings=filed,
                merged_into="INC-2026-0009" if filed and not reason else "",
            )
            yield Attempt(
                actor=actor,
                now=NOW,
                incident=case,
                deadlines=clock,
                reason=reason,
                outcome=outcome,
                approver=approver,
            )


def expected(row: Transition | None, any_row: Transition, attempt: Attempt) -> str:
    """Return why it must be refused; empty: it must be allowed."""
    roles, approver = attempt.actor.roles, attempt.approver
    asked = row or any_row
    if Role.ADMIN in roles or Role.AUDITOR in roles or not roles & asked.roles:
        return "role"
    if asked.approvers and approver is not None:
        never = {Role.ADMIN, Role.AUDITOR}
        if approver.roles & never or not approver.roles & asked.approvers:
            return "role"
    if row is None:
        return "state"
    merged = attempt.incident is not None and attempt.incident.merged_into
    if merged and row.command not in ON_A_MERGED_CASE:
        return "merged"
    return next((guard.__name__ for guard in row.guards if guard(attempt)), "")


def outcome_of(command: str, state: StrEnum, attempt: Attempt) -> Transition | str:
    try:
        return permit(command, state, attempt)
    except Refused as refusal:
        return refusal.detail


def test_the_whole_product_of_states_events_roles_and_guards() -> None:
    cases = list(attempts())
    counted = {"allowed": 0, "refused": 0}
    for command in COMMANDS:
        rows = [row for row in TABLE if row.command == command]
        for state in STATES[rows[0].track]:
            row = next((one for one in rows if str(state) in one.sources), None)
            for attempt in cases:
                why = expected(row, rows[0], attempt)
                got = outcome_of(command, state, attempt)
                if isinstance(got, str):
                    assert why, (command, state, got)
                    assert got.strip(), "a refusal says why"
                    counted["refused"] += 1
                else:
                    assert not why, (command, state, why)
                    assert got is row
                    counted["allowed"] += 1
    print(counted)
    assert counted["allowed"] > 1000
    assert counted["refused"] > 100_000


def test_every_command_is_refused_in_every_state_of_another_track() -> None:
    attempt = Attempt(actor=Actor(ME, frozenset(Role) - {Role.ADMIN, Role.AUDITOR}), now=NOW)
    for command in COMMANDS:
        track = next(row.track for row in TABLE if row.command == command)
        known = {str(state) for state in STATES[track]}
        for other in (one for one in Track if one is not track):
            for state in (one for one in STATES[other] if str(one) not in known):
                with pytest.raises(Refused):
                    permit(command, state, attempt)


ALONE: dict[Guard, tuple[Attempt, Attempt]] = {}


def alone(guard: Guard, holds: dict[str, object], fails: dict[str, object]) -> None:
    base: dict[str, object] = {"actor": Actor(ME, frozenset({Role.DPO})), "now": NOW}
    ALONE[guard] = (Attempt(**(base | holds)), Attempt(**(base | fails)))


alone(guards.written_reason, {"reason": WHY}, {"reason": "because because because"})
alone(
    guards.second_person,
    {"approver": Actor(OTHER, frozenset({Role.DPO}))},
    {"approver": Actor(ME, frozenset({Role.DPO}))},
)
alone(guards.no_open_clock, {"deadlines": (a_clock(met_at=NOW),)}, {"deadlines": (a_clock(),)})
alone(
    guards.authority_settled,
    {"incident": a_case(authority=Authority.WITHDRAWN)},
    {"incident": a_case(authority=Authority.INITIAL)},
)
alone(
    guards.persons_settled,
    {"incident": a_case(aware_at=NOW, persons=Persons.EXEMPT)},
    {"incident": a_case(aware_at=NOW, persons=Persons.DUE)},
)
alone(guards.qualified_outcome, {"outcome": Outcome.AUTHORITY}, {"outcome": Outcome.NONE})
alone(
    guards.no_breach_outcome,
    {"outcome": Outcome.INCIDENT_ONLY},
    {"outcome": Outcome.REGISTER},
)
alone(
    guards.same_outcome,
    {"outcome": Outcome.REGISTER, "incident": a_case(outcome=Outcome.REGISTER)},
    {"outcome": Outcome.REGISTER, "incident": a_case(outcome=Outcome.AUTHORITY)},
)
alone(
    guards.nothing_filed,
    {"incident": a_case()},
    {"incident": a_case(filings=(filing(),))},
)
alone(
    guards.qualified_register,
    {"incident": a_case(outcome=Outcome.REGISTER)},
    {"incident": a_case(outcome=Outcome.AUTHORITY)},
)
alone(
    guards.not_merged,
    {"incident": a_case()},
    {"incident": a_case(merged_into="INC-2026-0002")},
)


@pytest.mark.parametrize("guard", ALONE, ids=lambda guard: guard.__name__)
def test_each_guard_alone(guard: Guard) -> None:
    holds, fails = ALONE[guard]
    assert guard(holds) == ""
    assert guard(fails)


def test_no_guard_is_left_out() -> None:
    assert set(GUARDS) <= ALONE.keys()


def test_persons_are_settled_only_once_somebody_decided_or_informed() -> None:
    for state in Persons:
        attempt = Attempt(
            actor=Actor(ME, frozenset()), now=NOW, incident=a_case(aware_at=NOW, persons=state)
        )
        settled = state in (Persons.INFORMED, Persons.EXEMPT)
        assert (guards.persons_settled(attempt) == "") == settled
    without_breach = Attempt(actor=Actor(ME, frozenset()), now=NOW, incident=a_case())
    assert guards.persons_settled(without_breach) == ""
