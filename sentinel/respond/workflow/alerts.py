"""What people do with alerts: acknowledge, dismiss with a reason, promote to an incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Obligation
from sentinel.domain.guards import Attempt
from sentinel.domain.incident import Actor, Incident, Legal
from sentinel.domain.transitions import permit
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.workflow import clocks
from sentinel.store.ports import CaseTx


def acknowledge_alert(tx: CaseTx, actor: Actor, alert_id: str, *, now: datetime) -> Alert:
    """Take an alert in hand; its acknowledgement clock stops."""
    alert = permitted(tx, actor, alert_id, "acknowledge_alert", now)
    return save_alert(
        tx,
        actor,
        now,
        msgspec.structs.replace(
            alert,
            state=AlertState.ACKNOWLEDGED,
            acknowledged_at=now,
            acknowledged_by=actor.id,
        ),
        {},
    )


def dismiss_alert(tx: CaseTx, actor: Actor, alert_id: str, *, reason: str, now: datetime) -> Alert:
    """Put an alert aside as a false positive, with a written reason."""
    alert = permitted(tx, actor, alert_id, "dismiss_alert", now, reason)
    dismissed = msgspec.structs.replace(alert, state=AlertState.DISMISSED, state_reason=reason)
    return save_alert(tx, actor, now, dismissed, {"reason": reason})


def promote(
    tx: CaseTx,
    actor: Actor,
    alert_ids: Sequence[str],
    *,
    title: str,
    kind: str,
    now: datetime,
    runbook: str = "",
) -> Incident:
    """Open a case from one alert or several; it collects what they know.

    ``detected_at``: when the first of the alerts was opened. ``occurred_from``/``_to``: the span
    of their events, to be corrected by the investigation.
    """
    if not alert_ids:
        raise Refused("promote: name at least one alert")
    if not title.strip():
        raise Refused("promote: a case needs a title")
    wanted = dict.fromkeys(alert_ids)
    alerts = [permitted(tx, actor, alert_id, "promote", now) for alert_id in wanted]
    incident = Incident(
        id=uuid7(),
        reference=tx.incidents.next_reference(now.year),
        title=title.strip(),
        kind=kind,
        created_at=now,
        created_by=actor.id,
        legal=Legal.TRIAGE,
        runbook=runbook or next((one.rule.runbook for one in alerts if one.rule.runbook), ""),
        actors=_union([(one.actor,) if one.actor else () for one in alerts]),
        subjects=_union([one.subjects for one in alerts]),
        categories=_union([one.categories for one in alerts]),
        detected_at=min(one.created_at for one in alerts),
        occurred_from=min(one.first for one in alerts),
        occurred_to=max(one.last for one in alerts),
    )
    tx.incidents.put(incident)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="incident.opened",
        object_id=incident.id,
        payload={
            "reference": incident.reference,
            "kind": kind,
            "alerts": list(wanted),
            "version": incident.version,
        },
    )
    for alert in alerts:
        promote_into(tx, actor, now, alert, incident.id)
    return incident


def reopen_alert(tx: CaseTx, actor: Actor, alert_id: str, *, reason: str, now: datetime) -> Alert:
    """Take a dismissed alert up again, with a written reason; the journal keeps both."""
    alert = permitted(tx, actor, alert_id, "reopen_alert", now, reason)
    taken = msgspec.structs.replace(
        alert,
        state=AlertState.ACKNOWLEDGED,
        state_reason="",
        acknowledged_at=now,
        acknowledged_by=actor.id,
    )
    return save_alert(tx, actor, now, taken, {"reason": reason}, action="alert.reopened")


def promote_into(tx: CaseTx, actor: Actor, now: datetime, alert: Alert, incident_id: str) -> Alert:
    """Make an alert part of a case; its acknowledgement clock stops."""
    promoted = msgspec.structs.replace(alert, state=AlertState.PROMOTED, incident_id=incident_id)
    return save_alert(tx, actor, now, promoted, {"incident": incident_id})


def permitted(
    tx: CaseTx, actor: Actor, alert_id: str, command: str, now: datetime, reason: str = ""
) -> Alert:
    """Return the alert where the table allows ``command`` on it. Raises Refused."""
    alert = tx.alerts.get(alert_id)
    permit(command, alert.state, Attempt(actor=actor, now=now, reason=reason))
    return alert


def save_alert(
    tx: CaseTx,
    actor: Actor,
    now: datetime,
    alert: Alert,
    payload: dict[str, object],
    *,
    action: str = "",
) -> Alert:
    """Store an alert as its next version with its journal line, by default that of its state."""
    saved = msgspec.structs.replace(alert, version=alert.version + 1)
    tx.alerts.put(saved)
    clocks.meet(tx, alert.id, [Obligation.ACK], now)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=action or f"alert.{alert.state}",
        object_id=alert.id,
        payload={**payload, "version": saved.version},
    )
    return saved


def _union(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for group in groups for item in group}))
