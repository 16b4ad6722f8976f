"""Measures against a member of staff: a human reason and a second person, never a score alone.

GDPR art. 22: nobody is subject to a decision based solely on automated processing. Sentinel takes
no measure itself; it records that one was asked for and that a second person approved it.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from sentinel.domain.alert import Alert
from sentinel.domain.incident import Actor, Role
from sentinel.errors import Refused
from sentinel.respond.humans import same_human
from sentinel.store.ports import CaseTx

PROPOSED = "alert.staff_measure_proposed"
APPROVED = "alert.staff_measure_approved"
PROPOSERS = (Role.COMMANDER, Role.DPO)
APPROVERS = (Role.COMMANDER, Role.DPO, Role.LEGAL, Role.DIRECTOR)
FEWEST_WORDS = 6
SCORE = re.compile(r"(?i)\b(scores?|rank(ing|ed)?|class(é|ée|ement)|mod(el|èle)|alg\w+|sentinel)\b")


class Measure(StrEnum):
    """What may be asked for about an account of a member of staff."""

    SUSPEND_ACCOUNT = "suspend_account"
    RESTRICT_ROLE = "restrict_role"
    INTERVIEW = "interview"
    REFER_TO_EMPLOYER = "refer_to_employer"


def propose_staff_measure(
    tx: CaseTx, actor: Actor, alert_id: str, *, measure: str, reason: str, now: datetime
) -> int:
    """Ask for a measure; return the number of the request. Raises Refused, NotFound."""
    alert = tx.alerts.get(alert_id)
    _need(actor, PROPOSERS, "propose_staff_measure")
    if measure not in list(Measure):
        raise Refused(f"propose_staff_measure: {measure!r} is none of {', '.join(Measure)}")
    _human_reason(reason)
    payload: dict[str, object] = {"measure": measure, "reason": reason.strip()}
    return _write(tx, actor, alert, PROPOSED, payload, now)


def approve_staff_measure(
    tx: CaseTx, actor: Actor, alert_id: str, *, request: int, reason: str, now: datetime
) -> int:
    """Approve a requested measure, as a second person and with an own reason. Raises Refused."""
    alert = tx.alerts.get(alert_id)
    _need(actor, APPROVERS, "approve_staff_measure")
    lines = tx.journal.lines(object_id=alert.id)
    asked = next((one for one in lines if one.seq == request and one.action == PROPOSED), None)
    if asked is None:
        raise Refused(f"approve_staff_measure: this alert has no request number {request}")
    if same_human(tx, asked.actor, actor):
        raise Refused("approve_staff_measure: the author cannot be the approver")
    approved = [tx.journal.opened(one) for one in lines if one.action == APPROVED]
    if any(isinstance(one, dict) and one.get("request") == request for one in approved):
        raise Refused("approve_staff_measure: it is approved already")
    _human_reason(reason)
    return _write(tx, actor, alert, APPROVED, {"request": request, "reason": reason.strip()}, now)


def _need(actor: Actor, roles: tuple[Role, ...], command: str) -> None:
    if not actor.has(*roles):
        raise Refused(f"{command} needs one of the roles {', '.join(role.value for role in roles)}")


def _human_reason(reason: str) -> None:
    """Refuse a reason that is empty, too short, or that only points at the score."""
    if not reason.strip():
        raise Refused("a measure needs a written reason")
    words = [word for word in re.findall(r"[\w’'-]+", reason) if not word.isdigit()]
    told = [word for word in words if not SCORE.fullmatch(word)]
    if len(told) < FEWEST_WORDS:
        raise Refused(
            "a measure is not taken on a score alone (GDPR art. 22)",
            hint="write what a person found out: who was asked, what was checked",
        )


def _write(
    tx: CaseTx, actor: Actor, alert: Alert, action: str, payload: dict[str, object], now: datetime
) -> int:
    line = tx.journal.append(
        occurred_at=now, actor=actor.id, action=action, object_id=alert.id, payload=payload
    )
    return line.seq
