"""Asks what is due, and says so. Nothing sleeps until a deadline: a tick looks at the rows.

Each planned alarm rings exactly once, whatever happened to the service in between: an alarm whose
time passed while it was stopped rings at once and is marked late. Of a repeated alarm the first one
missed stands for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Deadline
from sentinel.domain.outbox import Message
from sentinel.errors import NotFound
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx

WATCH = "sentinel:clock-watch"
LATE_AFTER = timedelta(seconds=60)

Route = Callable[[Deadline], Sequence[str]]


def tick(tx: CaseTx, now: datetime, route: Route) -> list[Message]:
    """Write a message for every alarm due at ``now`` (UTC) and return them, oldest alarm first.

    The alarm leaves its row in the same transaction, and the journal tells that it rang even
    where ``route`` names no channel.
    """
    messages: list[Message] = []
    for deadline in tx.incidents.alarms_due(now):
        ringing = [alarm for alarm in deadline.alarms if alarm <= now]
        for alarm in ringing:
            messages.extend(_ring(tx, deadline, alarm, now, route(deadline)))
        tx.incidents.put_deadline(
            msgspec.structs.replace(
                deadline,
                alarms=_still_to_ring(deadline, ringing[-1], now),
                version=deadline.version + 1,
            )
        )
    return messages


def _still_to_ring(deadline: Deadline, rung: datetime, now: datetime) -> tuple[datetime, ...]:
    planned = tuple(alarm for alarm in deadline.alarms if alarm > now)
    if planned or not deadline.repeat_seconds:
        return planned
    every = timedelta(seconds=deadline.repeat_seconds)
    return (rung + ((now - rung) // every + 1) * every,)


def _ring(
    tx: CaseTx, deadline: Deadline, alarm: datetime, now: datetime, channels: Sequence[str]
) -> list[Message]:
    late = now - alarm > LATE_AFTER
    context = _context(tx, deadline, alarm, now) | {"late": late}
    messages = [
        Message(
            id=uuid7(),
            key=f"alarm:{deadline.id}:{isoformat(alarm)}:{channel}",
            channel=channel,
            kind="deadline_alarm",
            context=context,
            created_at=now,
            next_attempt_at=now,
        )
        for channel in dict.fromkeys(channels)
    ]
    tx.journal.append(
        occurred_at=alarm,
        actor=WATCH,
        action="deadline.alarm",
        object_id=deadline.incident_id,
        payload={"deadline": deadline.id, "obligation": deadline.obligation, "late": late},
    )
    return [message for message in messages if tx.outbox.enqueue(message)]


def _context(tx: CaseTx, deadline: Deadline, alarm: datetime, now: datetime) -> dict[str, object]:
    return {
        "deadline_id": deadline.id,
        "incident_id": deadline.incident_id,
        "reference": _reference(tx, deadline),
        "obligation": deadline.obligation,
        "basis": deadline.basis,
        "hard": deadline.hard,
        "anchor": isoformat(deadline.anchor_at),
        "due": isoformat(deadline.due_at),
        "alarm": isoformat(alarm),
        "remaining_minutes": int(deadline.remaining(now).total_seconds() // 60),
        "overdue": now >= deadline.due_at,
    }


def _reference(tx: CaseTx, deadline: Deadline) -> str:
    try:
        return tx.incidents.get(deadline.incident_id).reference
    except NotFound:
        return ""  # the clock of an alert, which has no reference
