"""What the console asks of the running service. The composition root satisfies it.

The console never opens the store itself: it hands a function to `Service.in_store`, which runs it
in the store's thread inside one transaction, and asks for every change of a case by
`Service.command`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain.affected import Affected
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Document, Incident
from sentinel.store.ports import CaseTx, Sealer

T = TypeVar("T")


class Casework(Protocol):
    """Counts persons in the stored events."""

    async def affected(self, incident: Incident, /) -> Affected | None:
        """Return the persons of a case: the frozen set, else what the case asks by itself."""
        ...


class Service(Protocol):
    """The running service, as the console sees it."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        ...

    @property
    def sealer(self) -> Sealer:
        """What opens the sealed TOTP secrets."""
        ...

    @property
    def casework(self) -> Casework:
        """What counts the persons of a case."""
        ...

    async def in_store(self, function: Callable[[CaseTx], T], /) -> T:
        """Run ``function`` in the store's thread inside one transaction and return its result."""
        ...

    async def event(self, event_id: str) -> Event | None:
        """Return a stored event, or None where it is not (or no longer) stored."""
        ...

    async def command(self, name: str, actor: Actor, **arguments: object) -> object:
        """Run a command of the workflow in one transaction. Raises Refused, Conflict, NotFound.

        The console uses ``acknowledge_alert(alert_id)``, ``dismiss_alert(alert_id, reason)``,
        ``promote(alert_ids, title, kind, runbook)`` -> Incident,
        ``start_investigation(incident_id)``, ``confirm_breach(incident_id, aware_at, basis)``,
        ``contain(incident_id)`` and
        ``record_filing(incident_id, kind, number, filed_at, reasons)``.
        """
        ...

    async def draft_dossier(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the CNIL dossier (GDPR art. 33): canonical JSON and PDF."""
        ...

    async def draft_letters(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the letters to the persons (GDPR art. 34) in each language."""
        ...

    async def document_bytes(self, document: Document) -> bytes:
        """Return the bytes of a frozen document. Raises StorageError where they were altered."""
        ...

    def status(self) -> dict[str, object]:
        """Return ``events`` (stored), ``spool_lag`` (not yet looked at) and ``sources``.

        ``sources``: list of ``{"name": str, "last_seen": datetime | None}``, UTC.
        """
        ...
