"""A runbook at work: started once for a case, each step completed by the person who did it."""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.incident import Actor, Incident, StepRecord
from sentinel.domain.runbook import Runbook
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx


def start_runbook(
    tx: CaseTx, actor: Actor, incident_id: str, *, runbook: Runbook, now: datetime
) -> Incident:
    """Start a runbook; its version is kept, so that the record says what was followed.

    Changing to another one keeps the steps done so far in the journal only.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("start_runbook", Track.LEGAL)
    heading = runbook.heading
    running = case.incident
    if running.runbook_started_at is not None and running.runbook == heading.id:
        raise Refused(f"start_runbook: {heading.id} was started already")
    return case.save(
        "incident.runbook_started",
        {"runbook": heading.id, "version": heading.version},
        runbook=heading.id,
        runbook_version=heading.version,
        runbook_started_at=now,
        steps={},
    )


def complete_step(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    runbook: Runbook,
    step_id: str,
    now: datetime,
    evidence: str = "",
) -> Incident:
    """Record that a step was done. Steps may be done in any order; each is completed once.

    ``evidence``: a reference (event, document, receipt number), needed where the step asks for it.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("complete_step", Track.LEGAL)
    step = runbook.step(step_id)
    if case.incident.runbook_started_at is None or case.incident.runbook != runbook.heading.id:
        raise Refused(f"complete_step: {runbook.heading.id} was not started for this case")
    if step is None:
        raise Refused(f"complete_step: {runbook.heading.id} has no step {step_id}")
    if not actor.has(step.role):
        raise Refused(f"complete_step: {step_id} takes the role {step.role}")
    if step_id in case.incident.steps:
        raise Refused(f"complete_step: {step_id} was completed already")
    if step.evidence != "none" and not evidence.strip():
        raise Refused(f"complete_step: {step_id} needs evidence: {step.evidence}")
    done = StepRecord(at=now, by=actor.id, evidence=evidence.strip())
    return case.save(
        "incident.step_completed",
        {"runbook": runbook.heading.id, "step": step_id, "evidence": evidence.strip()},
        steps={**case.incident.steps, step_id: done},
    )
