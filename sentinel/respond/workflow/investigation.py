"""From suspicion to certainty: the short investigation, and awareness (EDPB Guidelines 9/2022).

Awareness starts the 72 hours of GDPR art. 33(1) and, since every proven incident is told to the
persons (promise R-41), the duty to inform them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Obligation
from sentinel.domain.incident import Actor, Authority, Incident, Legal, Persons, Role
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.legal.rulesets import in_force
from sentinel.respond.workflow import clocks, other_regimes
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.lateness import ask_for_late_reasons
from sentinel.store.ports import CaseTx

LONGEST_EXTENSION_HOURS = 72


def start_investigation(tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime) -> Incident:
    """Start the short investigation; its clock runs until a breach is confirmed or dismissed."""
    case = Case(tx, actor, incident_id, now)
    case.permit("start_investigation", Track.LEGAL)
    clocks.start(tx, case.incident.id, in_force(now), Obligation.INV, now)
    return case.save(
        "incident.investigation_started",
        {},
        legal=Legal.INVESTIGATION,
        investigation_started_at=now,
    )


def confirm_breach(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    aware_at: datetime,
    basis: str,
    now: datetime,
    regimes: Sequence[str] = (),
) -> Incident:
    """Confirm a personal data breach (GDPR art. 4(12)), known since ``aware_at`` (aware datetime).

    ``basis``: on what the reasonable degree of certainty rests. Starts CNIL-72 and the duty to
    inform the persons at ``aware_at``, even where that lies in the past; meets INV. ``regimes``:
    other laws whose clocks start as well (`sentinel.legal.regimes`).
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("confirm_breach", Track.LEGAL, reason=basis)
    return begin_awareness(case, _possible(aware_at, now), basis, regimes)


def begin_awareness(
    case: Case, aware: datetime, basis: str, regimes: Sequence[str] = ()
) -> Incident:
    """Start what awareness starts: CNIL-72, the persons, and the clocks of other ``regimes``."""
    tx, incident, now = case.tx, case.incident, case.now
    rules = in_force(aware)
    clocks.meet(tx, incident.id, [Obligation.INV], now)
    clocks.start(tx, incident.id, rules, Obligation.CNIL_72, aware)
    filed = incident.authority in (Authority.INITIAL, Authority.COMPLETE)
    if filed:
        clocks.meet(tx, incident.id, [Obligation.CNIL_72], incident.filings[0].filed_at)
        ask_for_late_reasons(tx, incident, now)
    if incident.persons in (Persons.UNDECIDED, Persons.DUE):
        clocks.start(tx, incident.id, rules, Obligation.ART34, aware)
    other_regimes.start(tx, incident.id, regimes, aware)
    return case.save(
        "incident.breach_confirmed",
        {"aware_at": isoformat(aware), "basis": basis, "ruleset": rules.id},
        at=aware,
        legal=Legal.BREACH_CONFIRMED,
        authority=incident.authority if filed else Authority.DUE,
        persons=Persons.DUE if incident.persons is Persons.UNDECIDED else incident.persons,
        aware_at=aware,
        aware_basis=basis,
    )


def extend_investigation(
    tx: CaseTx, actor: Actor, incident_id: str, *, hours: int, reason: str, now: datetime
) -> Incident:
    """Give the investigation ``hours`` more from now, by the DPO's written decision.

    It moves no awareness: what was certain stays certain, and the 72 hours run from there.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("extend_investigation", Track.LEGAL, reason=reason)
    if not 1 <= hours <= LONGEST_EXTENSION_HOURS:
        raise Refused(f"extend_investigation: 1 to {LONGEST_EXTENSION_HOURS} hours at a time")
    until = now + timedelta(hours=hours)
    for clock in tx.incidents.deadlines(case.incident.id, open_only=True):
        if clock.obligation == Obligation.INV:
            longer = msgspec.structs.replace(clock, due_at=max(until, clock.due_at))
            half = now + (longer.due_at - now) / 2
            clocks.put(
                tx, msgspec.structs.replace(longer, alarms=tuple(sorted({half, longer.due_at})))
            )
    return case.save(
        "incident.investigation_extended",
        {"until": isoformat(until), "reason": reason},
    )


def amend_awareness(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    aware_at: datetime,
    basis: str,
    now: datetime,
    approvals: Sequence[Actor] = (),
) -> Incident:
    """Correct the instant of awareness; the journal keeps the one before.

    An earlier instant applies at once. A later one gives time, and is refused unless the DPO and
    a second person stand for it: the author with ``approvals``, two people at least.
    """
    case = Case(tx, actor, incident_id, now)
    before = case.incident.aware_at
    aware = _possible(aware_at, now)
    if before is None:
        raise Refused("amend_awareness: no breach was confirmed yet")
    if aware == before:
        raise Refused("amend_awareness: this is the instant already recorded")
    if aware < before:
        case.permit("amend_awareness_earlier", Track.LEGAL, reason=basis)
    else:
        other = next((one for one in approvals if one.human != actor.human), None)
        case.permit("amend_awareness_later", Track.LEGAL, reason=basis, approver=other)
        if not any(person.has(Role.DPO) for person in (actor, *approvals)):
            raise Refused("amend_awareness: a later instant takes the DPO and a second person")
    rules = in_force(aware)
    for clock in tx.incidents.deadlines(case.incident.id):
        if clock.obligation in (Obligation.CNIL_72, Obligation.ART34):
            clocks.move(tx, clock, rules, aware, now)
    other_regimes.move(tx, case.incident.id, aware, now)
    ask_for_late_reasons(tx, case.incident, now)
    return case.save(
        "incident.awareness_amended",
        {
            "from": isoformat(before),
            "to": isoformat(aware),
            "basis": basis,
            "approved_by": sorted({one.id for one in approvals}),
        },
        aware_at=aware,
        aware_basis=basis,
    )


def _possible(aware_at: datetime, now: datetime) -> datetime:
    if aware_at.tzinfo is None:
        raise Refused("an instant of awareness needs an offset or a zone")
    if aware_at > now:
        raise Refused("awareness cannot lie in the future", hint=f"it is {isoformat(now)}")
    return aware_at.astimezone(UTC)
