"""What the purge asks of the case store; part of `sentinel.store.ports`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sentinel.domain.event import Event
from sentinel.domain.reclassified import CaseEvents


class Gone(NamedTuple):
    """A row that went: its id, and the instant by which it was due (UTC)."""

    id: str
    at: datetime


class Loose(NamedTuple):
    """An alert that is old enough to go: when its last event was (UTC), and its case, if any."""

    id: str
    at: datetime
    incident_id: str


class Retention(Protocol):
    """Copies of events under the key of a case, and rows whose time is over."""

    def seal_events(self, incident_id: str, record_id: str, events: Sequence[Event]) -> bytes:
        """Return events sealed under the key of a case."""
        ...

    def open_events(self, record: CaseEvents) -> list[Event] | None:
        """Return the events of a copy; None where the key of the case was destroyed."""
        ...

    def drop_record(self, record_id: str) -> None:
        """Remove one record of a case, as one that holds copies of events."""
        ...

    def alerts_before(self, before: datetime) -> list[Loose]:
        """Return the alerts whose last event is older, oldest first."""
        ...

    def drop_alerts(self, alert_ids: Sequence[str]) -> int:
        """Remove alerts with their findings, clocks and keys; return how many findings."""
        ...

    def drop_case(self, incident_id: str, keep: Collection[str] = ()) -> list[Gone]:
        """Remove what a case gathered, but not its own row and not the records of kinds ``keep``.

        Its key goes too. Returns what went: clocks, documents, records.
        """
        ...

    def drop_document(self, document_id: str) -> None:
        """Remove the row of a document."""
        ...

    def drop_sessions(
        self, now: datetime, tokens_before: datetime
    ) -> tuple[list[Gone], list[Gone]]:
        """Remove sessions that have ended, and tokens that ended before an instant."""
        ...

    def drop_messages(self, before: datetime, keep: Collection[str]) -> list[Gone]:
        """Remove messages that are sent or given up, older than that, of no case in ``keep``."""
        ...

    def drop_facts(self, ended_before: datetime) -> list[Gone]:
        """Remove business facts that ceased to hold before an instant."""
        ...
