"""Starts, meets and waives the clocks of a case. Each change bumps the row's version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from sentinel.domain.deadline import Deadline
from sentinel.ids import uuid7
from sentinel.legal.rulesets import RuleSet
from sentinel.store.ports import CaseTx


def start(
    tx: CaseTx, incident_id: str, rules: RuleSet, obligation: str, anchor: datetime
) -> Deadline:
    """Start a clock at ``anchor`` unless one of this obligation runs already."""
    for running in _open(tx, incident_id, [obligation]):
        return running
    clock = rules.clock(obligation).start(
        deadline_id=uuid7(), incident_id=incident_id, anchor=anchor
    )
    tx.incidents.put_deadline(clock)
    return clock


def task(tx: CaseTx, incident_id: str, obligation: str, basis: str, now: datetime) -> Deadline:
    """Open a task that is overdue from the start: it blocks closing and stops nothing else."""
    for running in _open(tx, incident_id, [obligation]):
        return running
    clock = Deadline(
        id=uuid7(),
        incident_id=incident_id,
        obligation=obligation,
        basis=basis,
        anchor_at=now,
        due_at=now,
        hard=False,
    )
    tx.incidents.put_deadline(clock)
    return clock


def meet(tx: CaseTx, incident_id: str, obligations: Iterable[str], at: datetime) -> list[Deadline]:
    """Stop the open clocks of ``obligations`` as met at ``at``; return them."""
    return [
        _put(tx, msgspec.structs.replace(clock, met_at=at, alarms=()))
        for clock in _open(tx, incident_id, obligations)
    ]


def waive(
    tx: CaseTx, incident_id: str, obligations: Iterable[str], reason: str, now: datetime
) -> list[Deadline]:
    """Stop the open clocks of ``obligations`` by a written decision; return them."""
    return [
        _put(tx, msgspec.structs.replace(clock, waived_at=now, waived_reason=reason, alarms=()))
        for clock in _open(tx, incident_id, obligations)
    ]


def move(tx: CaseTx, clock: Deadline, rules: RuleSet, anchor: datetime, now: datetime) -> Deadline:
    """Give a clock another anchor: due instant and alarms follow; those past ring once, at once.

    A clock that was met stays met: only its due instant changes.
    """
    fresh = rules.clock(clock.obligation).start(
        deadline_id=clock.id, incident_id=clock.incident_id, anchor=anchor
    )
    past = [alarm for alarm in fresh.alarms if alarm <= now]
    alarms = (*past[-1:], *(alarm for alarm in fresh.alarms if alarm > now))
    moved = msgspec.structs.replace(
        clock,
        anchor_at=fresh.anchor_at,
        due_at=fresh.due_at,
        alarms=alarms if clock.open else (),
    )
    return _put(tx, moved)


def revive(tx: CaseTx, clock: Deadline, alarms: tuple[datetime, ...], now: datetime) -> Deadline:
    """Let a waived clock run again; of the ``alarms`` that passed meanwhile one rings, at once."""
    past = [alarm for alarm in alarms if alarm <= now]
    coming = tuple(alarm for alarm in alarms if alarm > now)
    return _put(
        tx,
        msgspec.structs.replace(
            clock, waived_at=None, waived_reason="", alarms=(*past[-1:], *coming)
        ),
    )


def rearm(
    tx: CaseTx, incident_id: str, rules: RuleSet, obligation: str, anchor: datetime, now: datetime
) -> Deadline:
    """Run a clock that a decision had waived, or start it where there is none."""
    for clock in tx.incidents.deadlines(incident_id):
        if clock.obligation == obligation and clock.waived_at is not None:
            fresh = rules.clock(obligation).start(
                deadline_id=clock.id, incident_id=incident_id, anchor=anchor
            )
            return revive(tx, clock, fresh.alarms, now)
    return start(tx, incident_id, rules, obligation, anchor)


def put(tx: CaseTx, clock: Deadline) -> Deadline:
    """Store a changed clock as its next version."""
    return _put(tx, clock)


def _open(tx: CaseTx, incident_id: str, obligations: Iterable[str]) -> list[Deadline]:
    wanted = frozenset(obligations)
    running = tx.incidents.deadlines(incident_id, open_only=True)
    return [clock for clock in running if clock.obligation in wanted]


def _put(tx: CaseTx, clock: Deadline) -> Deadline:
    changed = msgspec.structs.replace(clock, version=clock.version + 1)
    tx.incidents.put_deadline(changed)
    return changed
