"""How a case ends, and how it comes back: qualification, waived clocks, closing, reopening."""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.deadline import Obligation
from sentinel.domain.incident import Actor, Authority, Incident, Legal, Outcome, Persons
from sentinel.domain.record import Assessment
from sentinel.domain.transitions import Track
from sentinel.errors import NotFound, Refused
from sentinel.legal.rulesets import in_force
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.steps import end_with_case
from sentinel.store.ports import CaseTx

SCREENED = {
    Outcome.REGISTER: "register",
    Outcome.AUTHORITY: "authority",
    Outcome.HIGH_RISK: "authority_and_individuals",
}


def qualify(
    tx: CaseTx, actor: Actor, incident_id: str, *, outcome: str, reasons: str, now: datetime
) -> Incident:
    """Record a person's qualification: register, authority or high_risk, with written reasons."""
    case = Case(tx, actor, incident_id, now)
    decided = _outcome(outcome)
    case.permit("qualify", Track.LEGAL, reason=reasons, outcome=decided)
    departs = _departure(tx, case.incident.id, decided)
    return case.save(
        "incident.qualified",
        {
            "outcome": decided,
            "reasons": reasons,
            "before": case.incident.outcome,
            "departs_from": departs,
        },
        legal=Legal.QUALIFIED,
        outcome=decided,
        outcome_reasons=reasons,
        departs_from=departs,
        authority=_authority_after(case, decided),
        persons=_persons_after(case, decided),
    )


def _departure(tx: CaseTx, incident_id: str, decided: Outcome) -> str:
    """Return the proposal of the latest score that ``decided`` does not follow, or nothing."""
    scores = tx.records.find(Assessment, incident_id)
    proposed = str(scores[-1].proposal.get("screen", "")) if scores else ""
    return "" if proposed in ("", SCREENED[decided]) else proposed


def _authority_after(case: Case, decided: Outcome) -> Authority:
    """Return the state of the notification; where it is due after all, its clock runs again."""
    incident = case.incident
    if decided is Outcome.REGISTER or incident.authority is not Authority.NOT_DUE:
        return incident.authority
    if incident.aware_at is not None:
        rules = in_force(incident.aware_at)
        clocks.rearm(case.tx, incident.id, rules, Obligation.CNIL_72, incident.aware_at, case.now)
    return Authority.DUE


def _persons_after(case: Case, decided: Outcome) -> Persons:
    """Return the state of the persons; an exemption decided on a lower risk falls."""
    incident = case.incident
    higher = decided is Outcome.HIGH_RISK and incident.outcome is not Outcome.HIGH_RISK
    if not higher or incident.persons is not Persons.EXEMPT or incident.aware_at is None:
        return incident.persons
    rules = in_force(incident.aware_at)
    clocks.rearm(case.tx, incident.id, rules, Obligation.ART34, incident.aware_at, case.now)
    return Persons.DUE


def waive_deadline(
    tx: CaseTx, actor: Actor, incident_id: str, *, deadline_id: str, reason: str, now: datetime
) -> Incident:
    """Stop a clock that is no legal limit, by a written decision of the DPO.

    The 72 hours stop by a filing, or by the decision of two people not to notify; the reasons of
    a late filing and its second person cannot be waived.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("waive_deadline", Track.LEGAL, reason=reason)
    running = tx.incidents.deadlines(case.incident.id, open_only=True)
    clock = next((one for one in running if one.id == deadline_id), None)
    if clock is None:
        raise NotFound(f"open deadline {deadline_id} of {case.incident.reference}")
    kept = (
        Obligation.LATE_REASONS,
        Obligation.FILING_APPROVAL,
        Obligation.ART34,
        Obligation.PROC,
    )
    if clock.hard or clock.obligation in kept:
        raise Refused(f"waive_deadline: {clock.obligation} stops by its own decision only")
    clocks.waive(tx, case.incident.id, [clock.obligation], reason, now)
    return case.save("incident.deadline_waived", {"obligation": clock.obligation, "reason": reason})


def close(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    outcome: str,
    reason: str,
    now: datetime,
    approved_by: Actor | None = None,
) -> Incident:
    """Close a case, as two people: nothing runs, authority and persons are settled.

    A case without a breach ends as false_positive or incident_only and meets INV; a qualified one
    keeps its outcome.
    """
    case = Case(tx, actor, incident_id, now)
    if case.incident.legal is Legal.INVESTIGATION:
        # The dismissal is what the investigation's clock waits for; a refusal rolls this back.
        clocks.meet(tx, case.incident.id, [Obligation.INV], now)
    decided = _outcome(outcome)
    case.permit("close", Track.LEGAL, reason=reason, outcome=decided, approver=approved_by)
    steps_left = end_with_case(tx, case.incident, now)
    return case.save(
        "incident.closed",
        {
            "outcome": decided,
            "reason": reason,
            "approved_by": approved_by and approved_by.id,
            "steps_left": steps_left,
        },
        legal=Legal.CLOSED,
        outcome=decided,
        outcome_reasons=case.incident.outcome_reasons or reason,
        closed_at=now,
    )


def reopen(tx: CaseTx, actor: Actor, incident_id: str, *, reason: str, now: datetime) -> Incident:
    """Take a closed case up again; everything that was decided stays in its history.

    A case with an awareness instant comes back as a confirmed breach, to be qualified again.
    """
    case = Case(tx, actor, incident_id, now)
    known = case.incident.aware_at is not None
    row = case.permit("reopen_breach" if known else "reopen", Track.LEGAL, reason=reason)
    return case.save(
        "incident.reopened",
        {"reason": reason, "outcome_before": case.incident.outcome},
        legal=Legal(row.target),
        outcome=Outcome.NONE,
        closed_at=None,
    )


def _outcome(text: str) -> Outcome:
    if text not in list(Outcome):
        raise Refused(f"{text!r} is no outcome of a case")
    return Outcome(text)
