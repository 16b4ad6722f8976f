"""The timeline of a case: what happened, when it happened, when it was recorded, by whom.

Journal lines and notes of people stand in one order, that of the events; each keeps both instants.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain.incident import Incident
from sentinel.domain.record import Note
from sentinel.store.ports import CaseTx

EVERY_LINE = 100_000


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """``occurred_at``/``recorded_at``: UTC. ``action``: of the journal. ``text``: of a note."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    action: str
    text: str = ""

    @property
    def backdated(self) -> bool:
        """Whether it was recorded more than a minute after it happened."""
        return (self.recorded_at - self.occurred_at).total_seconds() > 60  # noqa: PLR2004


def timeline(tx: CaseTx, incident: Incident) -> list[Moment]:
    """Return the moments of a case, oldest first by when they happened."""
    notes = {note.id: note for note in tx.records.find(Note, incident.id)}
    moments = []
    for line in tx.journal.lines(object_id=incident.id, limit=EVERY_LINE):
        text = ""
        if line.action == "incident.note_added":
            payload = tx.journal.opened(line)
            note = notes.get(str(payload.get("note"))) if isinstance(payload, dict) else None
            text = note.text if note else ""
        moments.append(
            Moment(
                seq=line.seq,
                occurred_at=line.occurred_at,
                recorded_at=line.recorded_at,
                actor=line.actor,
                action=line.action,
                text=text,
            )
        )
    return sorted(moments, key=lambda one: (one.occurred_at, one.seq))
