"""We are the processor: the controller is told without undue delay (GDPR art. 33(2)).

No risk test, no 72 hours: the hours of the contract, or 24 of our own where it names none.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Obligation
from sentinel.domain.incident import Actor, Incident
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.legal.rulesets import in_force
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.instants import possible
from sentinel.store.ports import CaseTx

LONGEST_CONTRACT_HOURS = 72


def start_processor_notice(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    controllers: str,
    aware_at: datetime,
    now: datetime,
    contract_hours: int | None = None,
) -> Incident:
    """Start PROC from our awareness as processor. ``controllers``: who must be told."""
    case = Case(tx, actor, incident_id, now)
    case.permit("start_processor_notice", Track.LEGAL)
    if not controllers.strip():
        raise Refused("start_processor_notice: name the controllers")
    if contract_hours is not None and not 1 <= contract_hours <= LONGEST_CONTRACT_HOURS:
        raise Refused(f"start_processor_notice: 1 to {LONGEST_CONTRACT_HOURS} hours")
    aware = possible(aware_at, now, "aware_at")
    running = tx.incidents.deadlines(case.incident.id)
    if any(one.obligation == Obligation.PROC and one.open for one in running):
        raise Refused("start_processor_notice: the clock runs already")
    clock = clocks.start(tx, case.incident.id, in_force(aware), Obligation.PROC, aware)
    if contract_hours is not None:
        length = timedelta(hours=contract_hours)
        clocks.put(
            tx,
            msgspec.structs.replace(
                clock,
                due_at=aware + length,
                alarms=(aware + length / 2, aware + length * 5 / 6, aware + length),
                hard=True,
            ),
        )
    return case.save(
        "incident.processor_notice_due",
        {
            "controllers": controllers.strip(),
            "aware_at": isoformat(aware),
            "contract_hours": contract_hours,
        },
        at=aware,
    )
