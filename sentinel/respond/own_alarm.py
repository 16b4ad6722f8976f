"""An alarm of the house itself, of no case: a duty of the calendar, the purge, a backup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from sentinel.domain.deadline import Deadline
from sentinel.domain.outbox import Message
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx

Route = Callable[[Deadline], Sequence[str]]


class OwnAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """``about``: what rings. ``key``: rings once. ``basis``: why. ``kind``: of message."""

    kind: str
    about: str
    key: str
    obligation: str
    basis: str
    context: Mapping[str, object]


def enqueue(tx: CaseTx, alarm: OwnAlarm, route: Route, now: datetime) -> list[Message]:
    """Write a message for each channel that ``route`` names; return those not written before."""
    duty = Deadline(  # what the routes of alarms understand: a duty of our own, no limit of the law
        id=alarm.about,
        incident_id="",
        obligation=alarm.obligation,
        basis=alarm.basis,
        anchor_at=now,
        due_at=now,
        hard=False,
    )
    messages = [
        Message(
            id=uuid7(),
            key=f"{alarm.key}:{channel}",
            channel=channel,
            kind=alarm.kind,
            context={"incident_id": alarm.about, **alarm.context},
            created_at=now,
            next_attempt_at=now,
        )
        for channel in dict.fromkeys(route(duty))
    ]
    return [message for message in messages if tx.outbox.enqueue(message)]
