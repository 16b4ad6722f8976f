"""Until when events are kept because a case needs them (promise R-51)."""

from __future__ import annotations

from datetime import date

from sentinel.domain.deadline import zone_of
from sentinel.domain.retention import INCIDENT, PERIODS
from sentinel.respond.affected import selected
from sentinel.respond.reclassify import ALL_CASES, copied_ids, keeps_events
from sentinel.store.ports import CaseTx, EventStore


def kept_until(tx: CaseTx, events: EventStore, zone: str) -> dict[str, date]:
    """Return, by event id, the day 36 months after the detection of the case that needs it.

    Those are the events of its alerts, of its frozen set, and those copied for it already; of two
    cases the later day counts. A drill, or a case that proved unfounded, keeps nothing.
    """
    days: dict[str, date] = {}
    for incident in tx.incidents.find(limit=ALL_CASES):
        if not keeps_events(incident):
            continue
        detected = incident.detected_at or incident.created_at
        day = PERIODS[INCIDENT].after(detected.astimezone(zone_of(zone)).date())
        needed = set(copied_ids(tx, incident.id))
        for alert in tx.alerts.find(incident_id=incident.id, limit=ALL_CASES):
            needed.update(alert.events)
        if incident.affected is not None and incident.affected.selection is not None:
            needed.update(one.id for one in selected(events, incident.affected.selection))
        days |= {event_id: max(day, days.get(event_id, day)) for event_id in needed}
    return days
