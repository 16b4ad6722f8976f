"""Which events a case keeps, for how long, and when a case itself must go.

When a case opens, the events that it needs are copied into it and are of class
``security_incident`` from then on: 36 months from the detection, with the justification beside
them (promise R-51). Where it proves a false positive the copies go: what is left are the normal
accesses that they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from sentinel.domain.alert import Alert
from sentinel.domain.deadline import zone_of
from sentinel.domain.event import Event
from sentinel.domain.incident import Incident, Legal, Outcome
from sentinel.domain.reclassified import CaseEvents
from sentinel.domain.record import CaseRecord
from sentinel.domain.retention import (
    CONFIRMED,
    FALSE_POSITIVE,
    INCIDENT,
    OPEN,
    PERIODS,
    Due,
    Record,
    due,
)
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx
from sentinel.store.ports_retention import Gone

KEEPER = "sentinel:retention"
CASE_PURGED = "retention.case_purged"
OUTLIVE = frozenset({"hold", "purgedcase"})
"""Kinds of records that outlive the case they name."""
A_COPY = 1_000
ALL_CASES = 1_000_000


class PurgedCase(CaseRecord, kw_only=True):
    """A case whose time is over: the register entry stays, without persons (GDPR art. 33(5))."""

    certificate: int


def state_of(incident: Incident) -> str:
    """Return the state of a case in the words of `domain.retention`."""
    if incident.legal is not Legal.CLOSED:
        return OPEN
    return FALSE_POSITIVE if incident.outcome is Outcome.FALSE_POSITIVE else CONFIRMED


def due_of(incident: Incident, today: date, zone: str) -> Due:
    """Return when a case must go: 36 months from detection; a false positive 12 from its events."""
    tz = zone_of(zone)
    detected = (incident.detected_at or incident.created_at).astimezone(tz).date()
    last = (incident.occurred_to or incident.detected_at or incident.created_at).astimezone(tz)
    state = state_of(incident)
    closed = incident.closed_at.astimezone(tz).date() if incident.closed_at else None
    return due(
        Record(
            kind=INCIDENT,
            day=last.date() if state == FALSE_POSITIVE else detected,
            detected=detected,
            state=state,
            closed=closed,
            evaluated=today,
        )
    )


def keeps_events(incident: Incident) -> bool:
    """Tell whether a case has its events copied: not a drill, not one merged away or refuted."""
    return not incident.drill and not incident.merged_into and state_of(incident) != FALSE_POSITIVE


def copied_ids(tx: CaseTx, incident_id: str) -> frozenset[str]:
    """Return the ids of the events that a case holds copies of."""
    copies = tx.records.find(CaseEvents, incident_id)
    return frozenset(event_id for copy in copies for event_id in copy.event_ids)


def copy_events(
    tx: CaseTx, incident: Incident, alerts: Sequence[Alert], events: Sequence[Event], now: datetime
) -> int:
    """Copy events that the case does not hold yet into it; return how many."""
    known = copied_ids(tx, incident.id)
    fresh = sorted(
        (event for event in events if event.id not in known), key=lambda one: (one.time, one.id)
    )
    why = justification(incident, alerts)
    for start in range(0, len(fresh), A_COPY):
        some = fresh[start : start + A_COPY]
        record_id = uuid7()
        copy = CaseEvents(
            id=record_id,
            incident_id=incident.id,
            created_at=now,
            created_by=KEEPER,
            justification=why,
            detected_at=incident.detected_at or incident.created_at,
            event_ids=tuple(event.id for event in some),
            first=some[0].time,
            last=some[-1].time,
            sha256=hashlib.sha256(msgspec.msgpack.encode(some)).hexdigest(),
            sealed=tx.retention.seal_events(incident.id, record_id, some),
        )
        tx.records.put(copy)
        tx.journal.append(
            occurred_at=now,
            actor=KEEPER,
            action="retention.reclassified",
            object_id=incident.id,
            payload={
                "class": INCIDENT,
                "events": len(some),
                "sha256": copy.sha256,
                "justification": why,
                "until": PERIODS[INCIDENT].after(copy.detected_at.date()).isoformat(),
            },
        )
    return len(fresh)


def fall_back(tx: CaseTx, incident: Incident, now: datetime) -> int:
    """Drop the copies of a case that proved a false positive; return how many events."""
    copies = tx.records.find(CaseEvents, incident.id)
    for copy in copies:
        tx.retention.drop_record(copy.id)
    count = sum(len(copy.event_ids) for copy in copies)
    if copies:
        tx.journal.append(
            occurred_at=now,
            actor=KEEPER,
            action="retention.fell_back",
            object_id=incident.id,
            payload={"class": "security_normal", "events": count, "why": "false positive"},
        )
    return count


def events_of(tx: CaseTx, incident_id: str) -> list[Event]:
    """Return the copies that a case holds, by time; none where its key was destroyed."""
    found: list[Event] = []
    for copy in tx.records.find(CaseEvents, incident_id):
        found += tx.retention.open_events(copy) or []
    return sorted(found, key=lambda one: (one.time, one.id))


def justification(incident: Incident, alerts: Sequence[Alert]) -> dict[str, str]:
    """Return why the events of a case are kept for 36 months, in both languages."""
    rules = ", ".join(sorted({alert.rule.id for alert in alerts})) or incident.kind
    day = (incident.detected_at or incident.created_at).date().isoformat()
    return {
        "fr": f"Nécessaires au dossier {incident.reference}, détecté le {day} ({rules}) : "
        "établir les faits, les personnes concernées et la preuve (RGPD, art. 33(5)). "
        "Conservés 36 mois à compter de la détection.",
        "en": f"Needed for case {incident.reference}, detected on {day} ({rules}): to establish "
        "the facts, the persons concerned and the proof (GDPR art. 33(5)). Kept for 36 months "
        "from the detection.",
    }


def take_away(tx: CaseTx, incident: Incident, certificate: int, now: datetime) -> list[Gone]:
    """Remove what a case gathered, its alerts too; return what went. Its files go before.

    What stays is what the register needs, and nothing that leads to a person.
    """
    alerts = tx.alerts.find(incident_id=incident.id, limit=ALL_CASES)
    tx.retention.drop_alerts([one.id for one in alerts])
    gone = tx.retention.drop_case(incident.id, OUTLIVE)
    _strip(tx, incident, certificate, now)
    tx.journal.append(
        occurred_at=now,
        actor=KEEPER,
        action=CASE_PURGED,
        object_id=incident.id,
        payload={"certificate": certificate, "reference": incident.reference},
    )
    return gone + [Gone(one.id, one.last) for one in alerts]


def _strip(tx: CaseTx, incident: Incident, certificate: int, now: datetime) -> None:
    bare = msgspec.structs.replace(
        incident,
        title=f"{incident.reference} {incident.kind}",
        actors=(),
        subjects=(),
        informant="",
        description="",
        affected=None,
        steps={},
        step_owners={},
        runbook_plan=(),
        version=incident.version + 1,
    )
    tx.incidents.put(bare)
    tx.records.put(
        PurgedCase(
            id=uuid7(),
            incident_id=incident.id,
            created_at=now,
            created_by=KEEPER,
            certificate=certificate,
        )
    )


def purged_cases(tx: CaseTx) -> frozenset[str]:
    """Return the ids of the cases of which only the register entry is left."""
    return frozenset(one.incident_id for one in tx.records.find(PurgedCase))
