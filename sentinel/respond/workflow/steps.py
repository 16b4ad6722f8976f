"""A runbook at work: started for a case, each step done or left out by a person, with its proof.

The steps are copied into the case when the runbook starts, so that what was to be done, by whom and
until when survives a restart and a later edition. One clock stands for the steps that are open: it
is due with the next of them and rings once for each that is late, then daily.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Actor, Incident, PlannedStep, Role, StepRecord
from sentinel.domain.runbook import Runbook
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx

RING_AGAIN = timedelta(days=1)
_LEADERS = (Role.COMMANDER, Role.DPO)


def start_runbook(
    tx: CaseTx, actor: Actor, incident_id: str, *, runbook: Runbook, now: datetime
) -> Incident:
    """Start a runbook: the times of its steps run from now; its version is kept with the case.

    Changing to another one keeps the steps done so far in the journal only.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("start_runbook", Track.LEGAL)
    heading = runbook.heading
    running = case.incident
    if running.runbook_plan and running.runbook == heading.id:
        raise Refused(f"start_runbook: {heading.id} was started already")
    plan = tuple(
        PlannedStep(
            id=step.id,
            role=step.role,
            due_at=now + parse_duration(step.within),
            evidence=step.evidence,
        )
        for step in runbook.steps
    )
    clocks.meet(tx, running.id, [Obligation.RUNBOOK], now)
    tx.incidents.put_deadline(
        Deadline(
            id=uuid7(),
            incident_id=running.id,
            obligation=Obligation.RUNBOOK,
            basis=heading.id,
            anchor_at=now,
            due_at=plan[0].due_at,
            alarms=tuple(sorted({step.due_at for step in plan})),
            repeat_seconds=int(RING_AGAIN.total_seconds()),
            hard=False,
        )
    )
    saved = case.save(
        "incident.runbook_started",
        {"runbook": heading.id, "version": heading.version, "before": running.runbook},
        runbook=heading.id,
        runbook_version=heading.version,
        runbook_started_at=now,
        runbook_plan=plan,
        steps={},
        step_owners={},
    )
    _set_clock(case)
    return saved


def complete_step(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    step_id: str,
    now: datetime,
    evidence: str = "",
) -> Incident:
    """Record that a step was done. Steps may be done in any order; each is completed once.

    ``evidence``: a reference (event, document, receipt number), needed where the step asks for it.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("complete_step", Track.LEGAL)
    step = _open_step(case, "complete_step", step_id)
    if not actor.has(step.role):
        raise Refused(f"complete_step: {step_id} takes the role {step.role}")
    if step.evidence != "none" and not evidence.strip():
        raise Refused(f"complete_step: {step_id} needs evidence: {step.evidence}")
    done = StepRecord(at=now, by=actor.id, evidence=evidence.strip())
    payload: dict[str, object] = {"evidence": done.evidence, "late": now > step.due_at}
    return _record(case, step, done, "incident.step_completed", payload)


def skip_step(
    tx: CaseTx, actor: Actor, incident_id: str, *, step_id: str, reason: str, now: datetime
) -> Incident:
    """Leave a step out, with a written reason. It takes the role of the step, or a lead's."""
    case = Case(tx, actor, incident_id, now)
    case.permit("skip_step", Track.LEGAL, reason=reason)
    step = _open_step(case, "skip_step", step_id)
    if not actor.has(step.role, *_LEADERS):
        raise Refused(f"skip_step: {step_id} takes the role {step.role} or a lead")
    left = StepRecord(at=now, by=actor.id, skipped=reason.strip())
    return _record(case, step, left, "incident.step_skipped", {"reason": left.skipped})


def assign_step(
    tx: CaseTx, actor: Actor, incident_id: str, *, step_id: str, owner: str, now: datetime
) -> Incident:
    """Put a step into somebody's hands. ``owner``: an account that holds the role of the step."""
    case = Case(tx, actor, incident_id, now)
    case.permit("assign_step", Track.LEGAL)
    step = _open_step(case, "assign_step", step_id)
    named = owner.strip()
    account = (tx.accounts.get(named) or tx.accounts.by_name(named)) if named else None
    if account is None:
        raise Refused("assign_step: no account is called so")
    if step.role not in account.roles:
        raise Refused(f"assign_step: {step_id} takes the role {step.role}")
    return case.save(
        "incident.step_assigned",
        {"runbook": case.incident.runbook, "step": step.id, "owner": account.id},
        step_owners={**case.incident.step_owners, step.id: account.id},
    )


def stop_runbook(
    tx: CaseTx, actor: Actor, incident_id: str, *, reason: str, now: datetime
) -> Incident:
    """End the runbook at a condition that it names, or for another reason; the rest is left out."""
    case = Case(tx, actor, incident_id, now)
    case.permit("stop_runbook", Track.LEGAL, reason=reason)
    left = open_steps(case.incident)
    if not left:
        raise Refused("stop_runbook: no step of a runbook is open")
    record = StepRecord(at=now, by=actor.id, skipped=reason.strip())
    saved = case.save(
        "incident.runbook_stopped",
        {
            "runbook": case.incident.runbook,
            "reason": record.skipped,
            "steps": [step.id for step in left],
        },
        steps={**case.incident.steps, **{step.id: record for step in left}},
    )
    _set_clock(case)
    return saved


def open_steps(incident: Incident) -> list[PlannedStep]:
    """Return the steps that nobody did or left out, as the runbook orders them."""
    return [step for step in incident.runbook_plan if step.id not in incident.steps]


def end_with_case(tx: CaseTx, incident: Incident, now: datetime) -> list[str]:
    """Stop the runbook's clock because the case closes; return the steps that were still open."""
    clocks.waive(tx, incident.id, [Obligation.RUNBOOK], "the case was closed", now)
    return [step.id for step in open_steps(incident)]


def _open_step(case: Case, command: str, step_id: str) -> PlannedStep:
    incident = case.incident
    if not incident.runbook_plan:
        raise Refused(f"{command}: the runbook was not started for this case")
    step = next((one for one in incident.runbook_plan if one.id == step_id), None)
    if step is None:
        raise Refused(f"{command}: {incident.runbook} has no step {step_id[:80]}")
    if step_id in incident.steps:
        raise Refused(f"{command}: {step_id} was completed already, or left out")
    return step


def _record(
    case: Case, step: PlannedStep, record: StepRecord, action: str, payload: dict[str, object]
) -> Incident:
    saved = case.save(
        action,
        {
            "runbook": case.incident.runbook,
            "step": step.id,
            "due_at": isoformat(step.due_at),
            **payload,
        },
        steps={**case.incident.steps, step.id: record},
    )
    _set_clock(case)
    return saved


def _set_clock(case: Case) -> None:
    """Make the clock that of the open steps; an alarm that nobody heard yet stays to be rung."""
    left = open_steps(case.incident)
    for clock in case.tx.incidents.deadlines(case.incident.id, open_only=True):
        if clock.obligation != Obligation.RUNBOOK:
            continue
        if not left:
            clocks.meet(case.tx, case.incident.id, [Obligation.RUNBOOK], case.now)
            continue
        due = {step.due_at for step in left}
        last = max(step.due_at for step in case.incident.runbook_plan)
        first = min(due)
        kept = tuple(alarm for alarm in clock.alarms if alarm in due or alarm > last)
        clocks.put(
            case.tx,
            msgspec.structs.replace(
                clock,
                due_at=first,
                basis=f"{case.incident.runbook} {' '.join(_of(left, first))}",
                alarms=kept or (case.now + RING_AGAIN,),
            ),
        )


def _of(steps: list[PlannedStep], due: datetime) -> list[str]:
    return [step.id for step in steps if step.due_at == due]
