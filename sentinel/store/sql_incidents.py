"""Cases, their deadlines and their documents in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, insert, or_, select, update

from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Document, Incident, Legal
from sentinel.errors import NotFound
from sentinel.store.sql_codec import SealedBodies, to_us
from sentinel.store.sql_write import put_versioned, upsert
from sentinel.store.tables import COUNTERS, DEADLINES, DOCUMENTS, INCIDENTS


class SqlIncidents:
    """`sentinel.store.ports.Incidents` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies

    def next_reference(self, year: int) -> str:
        """Return the next ``INC-<year>-<4 digits>``; never the same twice."""
        name = f"incident-{year}"
        row = COUNTERS.c.name == name
        changed = self._connection.execute(
            update(COUNTERS).where(row).values(value=COUNTERS.c.value + 1)
        )
        if changed.rowcount == 0:
            self._connection.execute(insert(COUNTERS).values(name=name, value=1))
        value = self._connection.scalar(select(COUNTERS.c.value).where(row)) or 1
        return f"INC-{year}-{value:04d}"

    def put(self, incident: Incident) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        row = {
            "id": incident.id,
            "reference": incident.reference,
            "legal": incident.legal.value,
            "created_us": to_us(incident.created_at),
            "version": incident.version,
            "body": self._bodies.write(incident, f"incident:{incident.id}"),
        }
        put_versioned(self._connection, INCIDENTS, row)

    def get(self, incident_id: str) -> Incident:
        """Return a case by id or reference. Raises NotFound."""
        query = select(INCIDENTS.c.id, INCIDENTS.c.body).where(
            or_(INCIDENTS.c.id == incident_id, INCIDENTS.c.reference == incident_id)
        )
        found = self._read_incidents(query)
        if not found:
            raise NotFound(f"incident {incident_id}")
        return found[0]

    def find(self, *, open_only: bool = False, limit: int = 200) -> list[Incident]:
        """Return cases, newest first."""
        query = select(INCIDENTS.c.id, INCIDENTS.c.body)
        if open_only:
            query = query.where(INCIDENTS.c.legal != Legal.CLOSED.value)
        newest = query.order_by(INCIDENTS.c.created_us.desc(), INCIDENTS.c.reference.desc())
        return self._read_incidents(newest.limit(limit))

    def put_deadline(self, deadline: Deadline) -> None:
        """Insert, or update where the stored version is ``version - 1``. Raises Conflict."""
        row = {
            "id": deadline.id,
            "incident_id": deadline.incident_id,
            "is_open": int(deadline.open),
            "due_us": to_us(deadline.due_at),
            "next_alarm_us": to_us(deadline.alarms[0]) if deadline.alarms else None,
            "version": deadline.version,
            "body": self._bodies.write(deadline, f"deadline:{deadline.id}"),
        }
        put_versioned(self._connection, DEADLINES, row)

    def deadlines(
        self, incident_id: str | None = None, *, open_only: bool = False
    ) -> list[Deadline]:
        """Return deadlines, soonest first."""
        query = select(DEADLINES.c.id, DEADLINES.c.body)
        if incident_id is not None:
            query = query.where(DEADLINES.c.incident_id == incident_id)
        if open_only:
            query = query.where(DEADLINES.c.is_open == 1)
        return self._read_deadlines(query.order_by(DEADLINES.c.due_us, DEADLINES.c.id))

    def alarms_due(self, now: datetime) -> list[Deadline]:
        """Return open deadlines whose next alarm is at or before ``now``, oldest alarm first."""
        query = (
            select(DEADLINES.c.id, DEADLINES.c.body)
            .where(DEADLINES.c.is_open == 1, DEADLINES.c.next_alarm_us <= to_us(now))
            .order_by(DEADLINES.c.next_alarm_us, DEADLINES.c.id)
        )
        return self._read_deadlines(query)

    def put_document(self, document: Document) -> None:
        """Record a document of a stored case."""
        row = {
            "id": document.id,
            "incident_id": document.incident_id,
            "created_us": to_us(document.created_at),
            "body": self._bodies.write(document, f"document:{document.id}"),
        }
        upsert(self._connection, DOCUMENTS, row)

    def documents(self, incident_id: str) -> list[Document]:
        """Return the documents of a case, oldest first."""
        query = (
            select(DOCUMENTS.c.id, DOCUMENTS.c.body)
            .where(DOCUMENTS.c.incident_id == incident_id)
            .order_by(DOCUMENTS.c.created_us, DOCUMENTS.c.id)
        )
        return self._read_documents(query)

    def get_document(self, document_id: str) -> Document:
        """Return a document. Raises NotFound."""
        query = select(DOCUMENTS.c.id, DOCUMENTS.c.body).where(DOCUMENTS.c.id == document_id)
        found = self._read_documents(query)
        if not found:
            raise NotFound(f"document {document_id}")
        return found[0]

    def _read_incidents(self, query: Select[tuple[str, bytes]]) -> list[Incident]:
        rows = self._connection.execute(query)
        return [self._bodies.read(row.body, Incident, f"incident:{row.id}") for row in rows]

    def _read_deadlines(self, query: Select[tuple[str, bytes]]) -> list[Deadline]:
        rows = self._connection.execute(query)
        return [self._bodies.read(row.body, Deadline, f"deadline:{row.id}") for row in rows]

    def _read_documents(self, query: Select[tuple[str, bytes]]) -> list[Document]:
        rows = self._connection.execute(query)
        return [self._bodies.read(row.body, Document, f"document:{row.id}") for row in rows]
