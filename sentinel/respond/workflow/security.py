"""The track of the systems. Sentinel proposes; a person isolates, and records it here."""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.incident import Actor, Incident, Security
from sentinel.domain.transitions import Track
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx


def contain(
    tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime, note: str = ""
) -> Incident:
    """Record that the harm was stopped from growing. ``note``: what was done, by whom."""
    return _step(tx, actor, incident_id, "contain", note, now)


def eradicate(
    tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime, note: str = ""
) -> Incident:
    """Record that the cause was removed."""
    return _step(tx, actor, incident_id, "eradicate", note, now)


def recover(
    tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime, note: str = ""
) -> Incident:
    """Record that the service runs as before."""
    return _step(tx, actor, incident_id, "recover", note, now)


def _step(
    tx: CaseTx, actor: Actor, incident_id: str, command: str, note: str, now: datetime
) -> Incident:
    case = Case(tx, actor, incident_id, now)
    target = Security(case.permit(command, Track.SECURITY).target)
    return case.save(f"incident.{target}", {"note": note}, security=target)
