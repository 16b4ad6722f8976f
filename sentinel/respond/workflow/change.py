"""What every command does: check against the table, change, write the journal, bump the version.

All of it happens in the caller's transaction: a state never changes without its journal line.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from sentinel.domain.guards import Attempt
from sentinel.domain.incident import Actor, Incident, Outcome
from sentinel.domain.transitions import Track, Transition, permit
from sentinel.store.ports import CaseTx

VERSION = "version"
"""Key of each payload that says which version of the case the line made."""


class Case:
    """A case in the hands of somebody who wants to change it."""

    def __init__(self, tx: CaseTx, actor: Actor, incident_id: str, now: datetime) -> None:
        self.tx = tx
        self.actor = actor
        self.now = now
        self.incident = tx.incidents.get(incident_id)

    def permit(
        self,
        command: str,
        track: Track,
        *,
        reason: str = "",
        outcome: Outcome = Outcome.NONE,
        approver: Actor | None = None,
    ) -> Transition:
        """Return the row of the table that allows ``command``. Raises Refused."""
        attempt = Attempt(
            actor=self.actor,
            now=self.now,
            incident=self.incident,
            deadlines=tuple(self.tx.incidents.deadlines(self.incident.id)),
            reason=reason,
            outcome=outcome,
            approver=approver,
        )
        state: StrEnum = getattr(self.incident, track.value)
        return permit(command, state, attempt)

    def save(
        self, action: str, payload: dict[str, object], *, at: datetime | None = None, **changes: Any
    ) -> Incident:
        """Store ``changes`` as the next version with its journal line; ``at``: when it occurred."""
        self.incident = msgspec.structs.replace(
            self.incident, **changes, version=self.incident.version + 1
        )
        self.tx.incidents.put(self.incident)
        self.tx.journal.append(
            occurred_at=at or self.now,
            actor=self.actor.id,
            action=action,
            object_id=self.incident.id,
            payload={**payload, VERSION: self.incident.version},
        )
        return self.incident
