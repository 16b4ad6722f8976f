"""Keeps the copies that cases hold in step with what the cases need (promise R-51)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from sentinel.domain.alert import Alert
from sentinel.domain.event import Event
from sentinel.domain.incident import Incident
from sentinel.respond.affected import selected
from sentinel.respond.reclassify import (
    ALL_CASES,
    copied_ids,
    copy_events,
    fall_back,
    keeps_events,
    purged_cases,
)
from sentinel.store.ports import CaseTx, EventStore

T = TypeVar("T")
STATE = "retention:copied"


class Run(Protocol):
    """Runs a function in one transaction and returns what it returns."""

    def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        """Commit, or roll back where it raises."""
        ...


class Needs(msgspec.Struct, frozen=True):
    """A case with its alerts. ``mark`` changes when what it needs may have changed."""

    incident: Incident
    alerts: tuple[Alert, ...]

    @property
    def mark(self) -> str:
        """What the case looked like when it was read."""
        versions = sum(alert.version for alert in self.alerts)
        return f"{self.incident.version}.{len(self.alerts)}.{versions}"


def bring_up_to_date(run: Run, events: EventStore, now: datetime) -> tuple[int, int]:
    """Copy what cases need and do not hold; drop what a false positive held. Return both counts.

    Looks only at cases that changed since the last look. Raises StorageError.
    """
    copied = fell_back = 0
    for needs in run(_changed):
        wanted = wanted_events(events, run, needs) if keeps_events(needs.incident) else []
        kept, dropped = run(partial(_bring, needs=needs, events=wanted, now=now))
        copied += kept
        fell_back += dropped
    return copied, fell_back


def wanted_events(events: EventStore, run: Run, needs: Needs) -> list[Event]:
    """Return the stored events that a case needs and does not hold: of its alerts, of its set."""
    known = run(lambda tx: copied_ids(tx, needs.incident.id))
    ids = sorted({event_id for alert in needs.alerts for event_id in alert.events} - known)
    found = {event.id: event for event_id in ids if (event := events.get(event_id)) is not None}
    frozen = needs.incident.affected
    if frozen is not None and frozen.selection is not None:
        for event in selected(events, frozen.selection):
            if event.id not in known:
                found[event.id] = event
    return list(found.values())


def _changed(tx: CaseTx) -> list[Needs]:
    marks, purged = _marks(tx), purged_cases(tx)
    found = [
        Needs(one, tuple(tx.alerts.find(incident_id=one.id, limit=ALL_CASES)))
        for one in tx.incidents.find(limit=ALL_CASES)
        if one.id not in purged
    ]
    return [needs for needs in found if marks.get(needs.incident.id) != needs.mark]


def _bring(tx: CaseTx, needs: Needs, events: list[Event], now: datetime) -> tuple[int, int]:
    incident = needs.incident
    kept = dropped = 0
    if keeps_events(incident):
        kept = copy_events(tx, incident, needs.alerts, events, now)
    else:
        dropped = fall_back(tx, incident, now)
    marks = _marks(tx) | {incident.id: needs.mark}
    tx.state.put(STATE, msgspec.json.encode(marks))
    return kept, dropped


def _marks(tx: CaseTx) -> dict[str, str]:
    stored = tx.state.get(STATE)
    return msgspec.json.decode(stored, type=dict[str, str]) if stored else {}
