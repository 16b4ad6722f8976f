"""The frozen set of affected persons, changed by a person with a reason: never in silence."""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.affected import Affected
from sentinel.domain.guards import Attempt, written_reason
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx


def freeze_affected(
    tx: CaseTx, actor: Actor, incident_id: str, *, affected: Affected, now: datetime
) -> Incident:
    """Freeze the affected persons as evidence: the set, its hash, and the query that found it.

    Freezing the same set again is allowed; another one is a change, which has a reason.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("record_affected", Track.LEGAL)
    frozen = case.incident.affected
    if frozen is not None and frozen.subjects != affected.subjects:
        raise Refused(
            "the affected persons are frozen already: widen or narrow them, with a reason"
        )
    return _save(case, "incident.affected_frozen", affected, {})


def widen_affected(
    tx: CaseTx, actor: Actor, incident_id: str, *, affected: Affected, reason: str, now: datetime
) -> Incident:
    """Replace the frozen set by one that holds all its persons and more. ``reason``: a sentence."""
    return _change(Case(tx, actor, incident_id, now), affected, reason, widen=True)


def narrow_affected(
    tx: CaseTx, actor: Actor, incident_id: str, *, affected: Affected, reason: str, now: datetime
) -> Incident:
    """Replace the frozen set by one without some of its persons. ``reason``: a sentence."""
    return _change(Case(tx, actor, incident_id, now), affected, reason, widen=False)


def _change(case: Case, affected: Affected, reason: str, *, widen: bool) -> Incident:
    case.permit("record_affected", Track.LEGAL)
    word = "widened" if widen else "narrowed"
    frozen = case.incident.affected
    if frozen is None:
        raise Refused(f"the affected persons are not frozen yet, so they cannot be {word}")
    attempt = Attempt(
        actor=case.actor, now=case.now, incident=case.incident, deadlines=(), reason=reason
    )
    if missing := written_reason(attempt):
        raise Refused(f"the affected persons are {word} with a reason: {missing}")
    before, after = frozenset(frozen.subjects), frozenset(affected.subjects)
    added, removed = sorted(after - before), sorted(before - after)
    if (removed if widen else added) or not (added if widen else removed):
        raise Refused(
            f"this is no set to be {word} to: {len(added)} persons more, {len(removed)} fewer"
        )
    change: dict[str, object] = {
        "reason": reason,
        "before": {"sha256": frozen.sha256, "persons": len(before)},
        "added": added,
        "removed": removed,
    }
    return _save(case, f"incident.affected_{word}", affected, change)


def _save(case: Case, action: str, affected: Affected, change: dict[str, object]) -> Incident:
    selection = affected.selection
    return case.save(
        action,
        {
            "sha256": affected.sha256,
            "persons": len(affected.subjects),
            "records": affected.record_count,
            "query": affected.query,
            "query_sha256": selection.sha256 if selection is not None else "",
            "left_out": len(affected.left_out),
            "limits": [one.id for one in affected.limits],
            **change,
        },
        affected=affected,
        subjects=affected.subjects,
        categories=tuple(sorted(affected.categories)),
        record_count=affected.record_count,
    )
