"""What a transaction knows of alerts, of cases, and of what a case gathers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypeVar

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline
from sentinel.domain.finding import Finding
from sentinel.domain.incident import Document, Incident
from sentinel.domain.record import CaseRecord

R = TypeVar("R", bound=CaseRecord)


class Alerts(Protocol):
    """Findings and alerts."""

    def add_finding(self, finding: Finding, alert_id: str) -> bool:
        """Record that a finding was folded into an alert. False if it was known already."""
        ...

    def has_finding(self, finding_id: str) -> bool:
        """Tell whether a finding was folded before."""
        ...

    def put(self, alert: Alert) -> None:
        """Insert, or update where the stored version is ``alert.version - 1``. Raises Conflict."""
        ...

    def get(self, alert_id: str) -> Alert:
        """Return an alert. Raises NotFound."""
        ...

    def open_with_fingerprint(
        self,
        fingerprint: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Alert | None:
        """Return the newest open or acknowledged alert with this fingerprint.

        With ``since`` or ``until``: the newest that reaches into that span of event time.
        """
        ...

    def find(
        self,
        *,
        state: AlertState | None = None,
        incident_id: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Alert]:
        """Return alerts, newest ``last`` first."""
        ...

    def count(self, *, state: AlertState | None = None) -> int:
        """Return how many alerts there are."""
        ...


class Incidents(Protocol):
    """Cases with their deadlines and documents."""

    def next_reference(self, year: int) -> str:
        """Return the next ``INC-<year>-<4 digits>``; never the same twice."""
        ...

    def put(self, incident: Incident) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def get(self, incident_id: str) -> Incident:
        """Return a case by id or reference. Raises NotFound."""
        ...

    def find(self, *, open_only: bool = False, limit: int = 200) -> list[Incident]:
        """Return cases, newest first."""
        ...

    def put_deadline(self, deadline: Deadline) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def deadlines(
        self, incident_id: str | None = None, *, open_only: bool = False
    ) -> list[Deadline]:
        """Return deadlines, soonest first."""
        ...

    def alarms_due(self, now: datetime) -> list[Deadline]:
        """Return open deadlines whose next alarm is at or before ``now``, oldest alarm first."""
        ...

    def put_document(self, document: Document) -> None:
        """Record a document."""
        ...

    def documents(self, incident_id: str) -> list[Document]:
        """Return the documents of a case, oldest first."""
        ...

    def get_document(self, document_id: str) -> Document:
        """Return a document. Raises NotFound."""
        ...


class CaseRecords(Protocol):
    """Tasks, evidence, notes, answers, proposals, merges of cases."""

    def put(self, record: CaseRecord) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        ...

    def get(self, kind: type[R], record_id: str) -> R:
        """Return a record of a kind. Raises NotFound."""
        ...

    def find(self, kind: type[R], incident_id: str | None = None) -> list[R]:
        """Return the records of a kind, oldest first; of one case or of all."""
        ...
