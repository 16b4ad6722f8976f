"""What is known of a case: answers to the form, and the persons affected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sentinel.domain.affected import Affected
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx

UNKNOWN = "unknown"


def answer(
    tx: CaseTx, actor: Actor, incident_id: str, *, field: str, value: object, now: datetime
) -> Incident:
    """Answer a field. What is not known yet is ``{"unknown": {"owner": ..., "due": ...}}``.

    The journal keeps the answer before: an answer is superseded, never lost.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("answer", Track.LEGAL)
    if not field:
        raise Refused("answer: name the field")
    _check_unknown(value)
    return case.save(
        "incident.answered",
        {"field": field, "value": value, "before": case.incident.answers.get(field)},
        answers={**case.incident.answers, field: value},
    )


def record_affected(
    tx: CaseTx, actor: Actor, incident_id: str, *, affected: Affected, now: datetime
) -> Incident:
    """Freeze the affected persons as evidence: the set, its hash, and the query that found it."""
    case = Case(tx, actor, incident_id, now)
    case.permit("record_affected", Track.LEGAL)
    return case.save(
        "incident.affected_frozen",
        {
            "sha256": affected.sha256,
            "persons": len(affected.subjects),
            "records": affected.record_count,
            "query": affected.query,
        },
        affected=affected,
        subjects=affected.subjects,
        categories=tuple(sorted(affected.categories)),
        record_count=affected.record_count,
    )


def _check_unknown(value: object) -> None:
    if not (isinstance(value, Mapping) and UNKNOWN in value):
        return
    promise = value[UNKNOWN]
    if isinstance(promise, Mapping) and promise.get("owner") and promise.get("due"):
        return
    raise Refused("answer: an unknown answer names an owner and a due instant")
