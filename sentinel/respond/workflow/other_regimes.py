"""The clocks of other laws in a case: switches, off unless configured, each step its own clock.

The obligation is named ``<regime>:<step>``. A step that counts from an earlier one starts when that
one is recorded as done. A regime that is only suspected (``?`` after its name) warns: its clocks
are shown and ring, and are no legal limit for us.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.regime import AWARENESS, Regime, StepDue
from sentinel.domain.regime import clocks as steps_due
from sentinel.domain.transitions import Track
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.legal.public_holidays import is_french_holiday
from sentinel.legal.regimes import regime_at
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.instants import possible
from sentinel.store.ports import CaseTx

SUSPECTED = "?"
# A third, two thirds and eleven twelfths of the time: these laws name no alarms.
SHARES = (1 / 3, 2 / 3, 11 / 12, 1)


def start(tx: CaseTx, incident_id: str, regimes: Sequence[str], aware: datetime) -> None:
    """Start the steps that count from awareness."""
    for name in regimes:
        regime = regime_at(name.rstrip(SUSPECTED), aware)
        if regime.valid_from <= aware.date():
            hard = not name.endswith(SUSPECTED)
            _start(tx, incident_id, regime, AWARENESS, {AWARENESS: aware}, hard=hard)


def move(tx: CaseTx, incident_id: str, aware: datetime, now: datetime) -> None:
    """Give the open clocks that count from awareness another anchor."""
    for clock in tx.incidents.deadlines(incident_id, open_only=True):
        regime = _regime(clock)
        if regime is None:
            continue
        for row in steps_due(regime, aware, is_french_holiday):
            if clock.obligation == _name(regime, row) and row.after == AWARENESS:
                fresh = _clock(clock.id, incident_id, regime, row, hard=clock.hard)
                past = [one for one in fresh.alarms if one <= now]
                coming = tuple(one for one in fresh.alarms if one > now)
                moved = msgspec.structs.replace(
                    fresh, alarms=(*past[-1:], *coming), version=clock.version
                )
                clocks.put(tx, moved)


def record_notice(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    deadline_id: str,
    given_at: datetime,
    reference: str,
    now: datetime,
) -> Incident:
    """Record that a notice of another regime, or a processor's notice, was given; stops its clock.

    ``reference``: receipt, number or message id, as the other side knows it. The steps that count
    from this one start.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("record_notice", Track.LEGAL)
    if not reference.strip():
        raise Refused("record_notice: the reference of the notice is missing")
    given = possible(given_at, now, "given_at")
    running = tx.incidents.deadlines(case.incident.id, open_only=True)
    clock = next((one for one in running if one.id == deadline_id), None)
    if clock is None:
        raise NotFound(f"open deadline {deadline_id} of {case.incident.reference}")
    regime = _regime(clock)
    if regime is None and clock.obligation != "PROC":
        raise Refused(f"record_notice: {clock.obligation} stops by its own command")
    clocks.meet(tx, case.incident.id, [clock.obligation], given)
    if regime is not None:
        step = clock.obligation.partition(":")[2]
        facts = {AWARENESS: case.incident.aware_at or clock.anchor_at, step: given}
        _start(tx, case.incident.id, regime, step, facts, hard=clock.hard)
    return case.save(
        "incident.notice_recorded",
        {
            "obligation": clock.obligation,
            "given_at": isoformat(given),
            "reference": reference.strip(),
        },
        at=given,
    )


def _start(
    tx: CaseTx,
    incident_id: str,
    regime: Regime,
    after: str,
    facts: dict[str, datetime],
    *,
    hard: bool,
) -> None:
    known = {clock.obligation for clock in tx.incidents.deadlines(incident_id)}
    done = {name: at for name, at in facts.items() if name != AWARENESS}
    for row in steps_due(regime, facts[AWARENESS], is_french_holiday, done=done):
        if row.after == after and not row.provisional and _name(regime, row) not in known:
            tx.incidents.put_deadline(_clock(uuid7(), incident_id, regime, row, hard=hard))


def _clock(
    deadline_id: str, incident_id: str, regime: Regime, row: StepDue, *, hard: bool
) -> Deadline:
    if row.anchor_at is None or row.due_strict is None:
        raise Refused(f"{regime.id}: {row.step.name} waits for {row.after}")
    length = row.due_strict - row.anchor_at
    alarms = row.alarms or tuple(row.anchor_at + length * share for share in SHARES)
    return Deadline(
        id=deadline_id,
        incident_id=incident_id,
        obligation=_name(regime, row),
        basis=row.step.basis,
        anchor_at=row.anchor_at,
        due_at=row.due_strict,
        alarms=alarms,
        repeat_seconds=3600,
        hard=hard,
    )


def _name(regime: Regime, row: StepDue) -> str:
    return f"{regime.id}:{row.step.name}"


def _regime(clock: Deadline) -> Regime | None:
    name, colon, _ = clock.obligation.partition(":")
    return regime_at(name, clock.anchor_at) if colon else None
