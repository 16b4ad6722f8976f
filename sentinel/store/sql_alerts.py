"""Findings and alerts in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, exists, func, insert, select

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.finding import Finding
from sentinel.errors import NotFound
from sentinel.store.sql_codec import SealedBodies, to_us
from sentinel.store.sql_write import put_versioned
from sentinel.store.tables import ALERTS, FINDINGS

_LIVE = (AlertState.OPEN.value, AlertState.ACKNOWLEDGED.value)


class SqlAlerts:
    """`sentinel.store.ports.Alerts` on one connection."""

    def __init__(self, connection: Connection, bodies: SealedBodies) -> None:
        self._connection = connection
        self._bodies = bodies

    def add_finding(self, finding: Finding, alert_id: str) -> bool:
        """Record that a finding was folded into a stored alert. False if it was known already."""
        if self.has_finding(finding.id):
            return False
        body = self._bodies.write(finding, f"finding:{finding.id}")
        self._connection.execute(
            insert(FINDINGS).values(
                id=finding.id, alert_id=alert_id, time_us=to_us(finding.time), body=body
            )
        )
        return True

    def has_finding(self, finding_id: str) -> bool:
        """Tell whether a finding was folded before."""
        query = select(exists().where(FINDINGS.c.id == finding_id))
        return bool(self._connection.scalar(query))

    def put(self, alert: Alert) -> None:
        """Insert, or update where the stored version is ``alert.version - 1``. Raises Conflict."""
        row = {
            "id": alert.id,
            "fingerprint": alert.fingerprint,
            "state": alert.state.value,
            "incident_id": alert.incident_id,
            "first_us": to_us(alert.first),
            "last_us": to_us(alert.last),
            "version": alert.version,
            "body": self._bodies.write(alert, f"alert:{alert.id}"),
        }
        put_versioned(self._connection, ALERTS, row)

    def get(self, alert_id: str) -> Alert:
        """Return an alert. Raises NotFound."""
        found = self._read(select(ALERTS.c.id, ALERTS.c.body).where(ALERTS.c.id == alert_id))
        if not found:
            raise NotFound(f"alert {alert_id}")
        return found[0]

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
        query = select(ALERTS.c.id, ALERTS.c.body).where(
            ALERTS.c.fingerprint == fingerprint, ALERTS.c.state.in_(_LIVE)
        )
        if since is not None:
            query = query.where(ALERTS.c.last_us >= to_us(since))
        if until is not None:
            query = query.where(ALERTS.c.first_us <= to_us(until))
        newest = query.order_by(ALERTS.c.last_us.desc(), ALERTS.c.id.desc())
        return next(iter(self._read(newest.limit(1))), None)

    def find(
        self,
        *,
        state: AlertState | None = None,
        incident_id: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Alert]:
        """Return alerts, newest ``last`` first."""
        query = select(ALERTS.c.id, ALERTS.c.body)
        if state is not None:
            query = query.where(ALERTS.c.state == state.value)
        if incident_id is not None:
            query = query.where(ALERTS.c.incident_id == incident_id)
        newest = query.order_by(ALERTS.c.last_us.desc(), ALERTS.c.id.desc())
        return self._read(newest.limit(limit).offset(offset))

    def count(self, *, state: AlertState | None = None) -> int:
        """Return how many alerts there are."""
        query = select(func.count()).select_from(ALERTS)
        if state is not None:
            query = query.where(ALERTS.c.state == state.value)
        return self._connection.scalar(query) or 0

    def _read(self, query: Select[tuple[str, bytes]]) -> list[Alert]:
        rows = self._connection.execute(query)
        return [self._bodies.read(row.body, Alert, f"alert:{row.id}") for row in rows]
