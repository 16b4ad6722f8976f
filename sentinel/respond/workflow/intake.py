"""A case that no alert raised: a phone call, an e-mail, somebody at the door, a processor's notice.

A processor's notice (GDPR art. 33(2)) makes the controller aware in principle at the instant in
which the processor informs it (EDPB Guidelines 9/2022): its clock runs from there, whoever takes
the notice in, at any hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.incident import Actor, Incident, Legal
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.instants import possible
from sentinel.respond.workflow.investigation import begin_awareness
from sentinel.store.ports import CaseTx

CHANNELS = ("phone", "email", "person", "processor", "other")
PROCESSOR = "processor"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody told us. ``received_at``: when we were told (aware datetime).

    ``informant``: who told us; for ``processor`` its name. ``processor_aware_at``: when it says
    that it became aware itself, kept beside: what lies between is what art. 33(2) limits.
    """

    channel: str
    title: str
    description: str
    received_at: datetime
    informant: str = ""
    kind: str = "generic"
    processor_aware_at: datetime | None = None
    drill: bool = False


def intake(
    tx: CaseTx, actor: Actor, *, report: Report, now: datetime, regimes: Sequence[str] = ()
) -> Incident:
    """Open a case by hand, at ``signal``; a processor's notice opens a confirmed breach."""
    if report.channel not in CHANNELS:
        raise Refused(f"intake: the channel is one of {', '.join(CHANNELS)}")
    if not report.title.strip() or not report.description.strip():
        raise Refused("intake: a case needs a title, and what was said")
    by_processor = report.channel == PROCESSOR
    if by_processor and not report.informant.strip():
        raise Refused("intake: name the processor")
    received = possible(report.received_at, now, "received_at")
    fresh = Incident(
        id=uuid7(),
        reference=tx.incidents.next_reference(now.year),
        title=report.title.strip(),
        kind="processor_notice" if by_processor else report.kind,
        created_at=now,
        created_by=actor.id,
        channel=report.channel,
        informant=report.informant.strip(),
        description=report.description.strip(),
        detected_at=received,
        processor_informed_at=received if by_processor else None,
        runbook="processor-notice" if by_processor else "",
        drill=report.drill,
    )
    _store(tx, actor, fresh, received)
    if not by_processor:
        return fresh
    case = Case(tx, actor, fresh.id, now)
    return begin_awareness(case, received, _basis(report), regimes)


def _basis(report: Report) -> str:
    aware = report.processor_aware_at
    said = "" if aware is None else f"; it says that it was aware itself on {isoformat(aware)}"
    named = report.informant.strip()
    return f"Notice of the processor {named} (GDPR art. 33(2); EDPB Guidelines 9/2022){said}"


def triage(tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime) -> Incident:
    """Take a signal in hand: somebody looks at it."""
    case = Case(tx, actor, incident_id, now)
    case.permit("triage", Track.LEGAL)
    return case.save("incident.triage_started", {}, legal=Legal.TRIAGE)


def _store(tx: CaseTx, actor: Actor, fresh: Incident, received: datetime) -> None:
    tx.incidents.put(fresh)
    by_processor = fresh.channel == PROCESSOR
    command = "intake_processor" if by_processor else "intake"
    Case(tx, actor, fresh.id, fresh.created_at).permit(command, Track.LEGAL)
    tx.journal.append(
        occurred_at=received,
        actor=actor.id,
        action="incident.opened",
        object_id=fresh.id,
        payload={
            "reference": fresh.reference,
            "kind": fresh.kind,
            "channel": fresh.channel,
            "informant": fresh.informant,
            "description": fresh.description,
            "version": fresh.version,
        },
    )
