"""The reasons of a notification that comes after 72 hours (GDPR art. 33(1), second sentence).

They may be written before a late filing or after it. A filing is recorded without them all the
same: then the task LATE-REASONS is overdue and blocks closing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.lateness import DatedFact, Ground, Lateness, plain, refusal
from sentinel.domain.record import Evidence
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx

EVERY_CASE = 10_000


def explain_lateness(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    ground: str,
    reasons: str,
    facts: Sequence[DatedFact],
    evidence: Sequence[str],
    now: datetime,
) -> Incident:
    """Write down why the notification is late; meets LATE-REASONS. ``ground``: a `Ground`.

    ``evidence``: ids of evidence, documents or alerts of the case. Given again, they replace the
    reasons before, which the journal keeps. Raises Refused while nothing is late.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("explain_lateness", Track.LEGAL, reason=reasons)
    if not notified_late(tx.incidents.deadlines(case.incident.id), now):
        raise Refused("explain_lateness: the notification is not late")
    if ground not in list(Ground):
        raise Refused(f"explain_lateness: the ground is one of {', '.join(Ground)}")
    given = Lateness(
        ground=Ground(ground),
        facts=tuple(_fact(one) for one in facts),
        evidence=tuple(dict.fromkeys(evidence)),
        reasons=reasons.strip(),
        at=now,
        by=actor.id,
    )
    refused = refusal(given, known=_held(tx, case.incident.id), used=_used(tx, case.incident.id))
    if refused:
        raise Refused(f"explain_lateness: {refused}")
    clocks.meet(tx, case.incident.id, [Obligation.LATE_REASONS], now)
    return case.save(
        "incident.filing_explained",
        {
            "ground": given.ground,
            "reasons": given.reasons,
            "facts": [{"at": isoformat(one.at), "text": one.text} for one in given.facts],
            "evidence": list(given.evidence),
        },
        lateness=given,
    )


def ask_for_late_reasons(tx: CaseTx, incident: Incident, now: datetime) -> None:
    """Open the task LATE-REASONS where the 72 hours were met late and nobody wrote why.

    It falls where an amended awareness puts the filing back in time.
    """
    late = any(
        clock.obligation == Obligation.CNIL_72
        and clock.met_at is not None
        and clock.met_at > clock.due_at
        for clock in tx.incidents.deadlines(incident.id)
    )
    if not late:
        why = "the filing is in time since awareness was amended"
        clocks.waive(tx, incident.id, [Obligation.LATE_REASONS], why, now)
    elif incident.lateness is None:
        basis = "GDPR art. 33(1), second sentence: reasons for the delay"
        clocks.task(tx, incident.id, Obligation.LATE_REASONS, basis, now)


def notified_late(running: Sequence[Deadline], now: datetime) -> bool:
    """Tell whether reasons are asked for, or the 72 hours passed unmet or were met late."""
    return any(
        (clock.obligation == Obligation.LATE_REASONS and clock.open)
        or (
            clock.obligation == Obligation.CNIL_72
            and clock.waived_at is None
            and (clock.met_at or now) > clock.due_at
        )
        for clock in running
    )


def _fact(fact: DatedFact) -> DatedFact:
    at = fact.at.astimezone(UTC) if fact.at.tzinfo is not None else fact.at
    return msgspec.structs.replace(fact, at=at, text=fact.text.strip())


def _held(tx: CaseTx, incident_id: str) -> frozenset[str]:
    """Return the ids of what the case holds as evidence."""
    return frozenset(
        one.id
        for listed in (
            tx.records.find(Evidence, incident_id),
            tx.incidents.documents(incident_id),
            tx.alerts.find(incident_id=incident_id, limit=EVERY_CASE),
        )
        for one in listed
    )


def _used(tx: CaseTx, incident_id: str) -> frozenset[str]:
    """Return the reasons of other cases, made plain."""
    return frozenset(
        plain(one.lateness.reasons)
        for one in tx.incidents.find(limit=EVERY_CASE)
        if one.lateness is not None and one.id != incident_id
    )
