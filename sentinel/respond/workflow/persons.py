"""The information of the persons (GDPR art. 34; promise R-41), independent of art. 33."""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.deadline import Obligation
from sentinel.domain.incident import Actor, Incident, Persons
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx


def record_persons(
    tx: CaseTx, actor: Actor, incident_id: str, *, state: str, now: datetime, reasons: str = ""
) -> Incident:
    """Record that the persons were ``informed``, or by the DPO's written decision ``exempt``."""
    if state not in (Persons.INFORMED, Persons.EXEMPT):
        raise Refused("record_persons: the state is informed or exempt")
    case = Case(tx, actor, incident_id, now)
    target = Persons(state)
    case.permit(f"persons_{target}", Track.PERSONS, reason=reasons)
    if target is Persons.INFORMED:
        clocks.meet(tx, case.incident.id, [Obligation.ART34], now)
    else:
        clocks.waive(tx, case.incident.id, [Obligation.ART34], reasons, now)
    return case.save(
        "incident.persons_recorded",
        {"state": target, "reasons": reasons},
        persons=target,
        persons_reasons=reasons,
    )
