"""Alerts, incidents and clocks as JSON objects. Instants: RFC 3339, UTC."""

from __future__ import annotations

from datetime import datetime

from sentinel.clock import isoformat
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident


def alert_record(alert: Alert) -> dict[str, object]:
    """Return an alert; actor and subjects are pseudonyms."""
    return {
        "id": alert.id,
        "state": alert.state,
        "state_reason": alert.state_reason,
        "level": alert.rule.level,
        "rule": alert.rule.slug,
        "rule_id": alert.rule.id,
        "title": alert.rule.title,
        "promises": alert.rule.promises,
        "actor": alert.actor,
        "subjects": alert.subjects,
        "categories": alert.categories,
        "first": isoformat(alert.first),
        "last": isoformat(alert.last),
        "count": alert.count,
        "event_count": alert.event_count,
        "events": alert.events,
        "refs": alert.refs,
        "reasons": [
            {"code": reason.code, "values": reason.values, "text": reason.text("en")}
            for reason in alert.reasons
        ],
        "score": alert.score,
        "incident_id": alert.incident_id,
        "version": alert.version,
    }


def incident_record(incident: Incident, deadlines: list[Deadline]) -> dict[str, object]:
    """Return an incident with its five instants and its clocks."""
    return {
        "id": incident.id,
        "reference": incident.reference,
        "title": incident.title,
        "kind": incident.kind,
        "security": incident.security,
        "legal": incident.legal,
        "outcome": incident.outcome,
        "authority": incident.authority,
        "persons": incident.persons,
        "actors": incident.actors,
        "subjects": incident.subjects,
        "categories": incident.categories,
        "record_count": incident.record_count,
        "created_at": isoformat(incident.created_at),
        "occurred_from": _instant(incident.occurred_from),
        "occurred_to": _instant(incident.occurred_to),
        "detected_at": _instant(incident.detected_at),
        "investigation_started_at": _instant(incident.investigation_started_at),
        "aware_at": _instant(incident.aware_at),
        "processor_informed_at": _instant(incident.processor_informed_at),
        "drill": incident.drill,
        "channel": incident.channel,
        "merged_into": incident.merged_into,
        "departs_from": incident.departs_from,
        "version": incident.version,
        "deadlines": [deadline_record(deadline) for deadline in deadlines],
    }


def deadline_record(deadline: Deadline) -> dict[str, object]:
    """Return a clock."""
    return {
        "id": deadline.id,
        "obligation": deadline.obligation,
        "basis": deadline.basis,
        "hard": deadline.hard,
        "anchor_at": isoformat(deadline.anchor_at),
        "due_at": isoformat(deadline.due_at),
        "met_at": _instant(deadline.met_at),
        "waived_at": _instant(deadline.waived_at),
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else isoformat(instant)
