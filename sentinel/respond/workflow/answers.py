"""What is known of a case: answers to the form, and the persons affected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from sentinel.domain.affected import Affected
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.record import Answer, Assessment
from sentinel.domain.severity import assess, read_assessed
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.legal.qualification import check_answer
from sentinel.respond.workflow.affected import freeze_affected
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx

UNKNOWN = "unknown"
LATE_REASONS = "t.late_reasons"  # of the CNIL form; `explain_lateness` asks for more than words


def answer(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    field: str,
    value: object,
    now: datetime,
    established: bool = True,
    evidence: Sequence[str] = (),
) -> Incident:
    """Answer a field. What is not known yet is ``{"unknown": {"owner": ..., "due": ...}}``.

    Each answer stays with its author, its time and how certain it is: it is superseded by the
    next, never lost. A question of the qualification takes its own choices only.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("answer", Track.LEGAL)
    if not field:
        raise Refused("answer: name the field")
    if field == LATE_REASONS:
        raise Refused("answer: reasons for a delay are given by explain_lateness")
    if not _unknown(value):
        check_answer(field, value)
    tx.records.put(
        Answer(
            id=uuid7(),
            incident_id=case.incident.id,
            created_at=now,
            created_by=actor.id,
            field=field,
            value=value,
            established=established,
            evidence=tuple(evidence),
        )
    )
    return case.save(
        "incident.answered",
        {
            "field": field,
            "value": value,
            "before": case.incident.answers.get(field),
            "established": established,
            "evidence": list(evidence),
        },
        answers={**case.incident.answers, field: value},
    )


def record_affected(
    tx: CaseTx, actor: Actor, incident_id: str, *, affected: Affected, now: datetime
) -> Incident:
    """Freeze the affected persons as evidence (see `freeze_affected`)."""
    return freeze_affected(tx, actor, incident_id, affected=affected, now=now)


def assess_severity(
    tx: CaseTx, actor: Actor, incident_id: str, *, inputs: Mapping[str, object], now: datetime
) -> Incident:
    """Score a case after ENISA; the inputs stay with the proposal. Raises InvalidValue."""
    case = Case(tx, actor, incident_id, now)
    case.permit("assess", Track.LEGAL)
    given = dict(inputs)
    proposal = msgspec.to_builtins(assess(read_assessed(given)))
    tx.records.put(
        Assessment(
            id=uuid7(),
            incident_id=case.incident.id,
            created_at=now,
            created_by=actor.id,
            inputs=given,
            proposal=proposal,
        )
    )
    return case.save("incident.assessed", {"inputs": given, "proposal": proposal})


def _unknown(value: object) -> bool:
    """Tell whether an answer is "not known yet". Raises Refused where it names nobody, no day."""
    if not (isinstance(value, Mapping) and UNKNOWN in value):
        return False
    promise = value[UNKNOWN]
    if isinstance(promise, Mapping) and promise.get("owner") and promise.get("due"):
        return True
    raise Refused("answer: an unknown answer names an owner and a due instant")
