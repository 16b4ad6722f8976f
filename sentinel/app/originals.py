"""What an event said before it was disguised: shown to two people, and journalled before (R-12)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain.event import Event
from sentinel.domain.guards import Attempt, second_person, written_reason
from sentinel.domain.incident import Actor, Role
from sentinel.errors import Refused
from sentinel.store.keys.bodies import EventBodies, Opened, is_body
from sentinel.store.ports import CaseTx, Sealer

OPENERS = (Role.DPO, Role.LEGAL)
OPENED = "event.opened"


def journal_opening(
    tx: CaseTx, event: Event, *, reason: str, by: Actor, approved_by: Actor, at: datetime
) -> None:
    """Journal that two people open an event. Raises Refused: role, second person, reason."""
    if not by.has(*OPENERS) or not approved_by.has(*OPENERS):
        raise Refused("opening an event needs two people with the role dpo or legal")
    attempt = Attempt(actor=by, now=at, reason=reason, approver=approved_by)
    if missing := second_person(attempt) or written_reason(attempt):
        raise Refused(f"opening an event: {missing}")
    tx.journal.append(
        occurred_at=at,
        actor=by.id,
        action=OPENED,
        object_id=f"event:{event.id}",
        payload={"approved_by": approved_by.id, "reason": reason},
    )


def originals_of(bodies: EventBodies, event: Event, sealer: Sealer) -> Opened:
    """Return what an event said; the opening was journalled, and is committed. Raises StorageError.

    The body of an event of before persons had keys opens for everybody.
    """
    if not event.sealed or is_body(event.sealed):
        return bodies.open(event)
    former = msgspec.json.decode(sealer.open(event.sealed, context=f"event:{event.id}"))
    opened = bodies.open(msgspec.structs.replace(event, sealed=b""))
    return msgspec.structs.replace(opened, originals={**opened.originals, **former})
