"""An alarm that does not arrive goes to the next channel, and the next, until one takes it.

It counts as not arrived where its channel gave it up, or has tried for five minutes. Where no
channel is left the journal says so, once, and the console shows it: nobody must believe that an
alarm rang that nobody heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from sentinel.domain.outbox import Message, OutboxState
from sentinel.ids import uuid7
from sentinel.respond.clock_watch import WATCH
from sentinel.store.ports import CaseTx

PATIENCE = timedelta(minutes=5)
KINDS = frozenset({"deadline_alarm", "calendar_alarm", "retention_alarm"})
LOOKED_AT = 1_000
STATE = "escalated-alarms"


def escalate(tx: CaseTx, now: datetime, ladder: Sequence[str]) -> list[Message]:
    """Hand undelivered alarms to the next channel of ``ladder``; return the new messages.

    ``ladder``: ids of channels that can send, in their order. A channel that was tried for the same
    alarm is passed over.
    """
    done = set(_done(tx))
    stuck = [one for one in undelivered(tx, now) if one.id not in done]
    if not stuck:
        return []
    sent: list[Message] = []
    for message in stuck:
        alarm = message.key.rpartition(":")[0]
        following = _next(tx, message, alarm, now, ladder)
        if following is not None:
            sent.append(following)
        tx.journal.append(
            occurred_at=now,
            actor=WATCH,
            action="deadline.alarm_escalated" if following else "deadline.alarm_unheard",
            object_id=str(message.context.get("incident_id", "")),
            payload={
                "deadline": message.context.get("deadline_id"),
                "channel": message.channel,
                "next": following.channel if following else "",
                "attempts": message.attempts,
            },
        )
        done.add(message.id)
    tx.state.put(STATE, msgspec.json.encode(sorted(done)[-LOOKED_AT:]))
    return sent


def undelivered(tx: CaseTx, now: datetime) -> list[Message]:
    """Return alarms that their channel gave up, or has not delivered within five minutes."""
    failed = tx.outbox.find(state=OutboxState.FAILED, limit=LOOKED_AT)
    waiting = tx.outbox.find(state=OutboxState.PENDING, limit=LOOKED_AT)
    slow = [one for one in waiting if one.attempts and now - one.created_at >= PATIENCE]
    return [one for one in (*failed, *slow) if one.kind in KINDS]


def unheard(tx: CaseTx, now: datetime) -> list[Message]:
    """Return the newest undelivered message of each alarm that no channel delivered."""
    heard = {
        one.key.rpartition(":")[0]
        for one in tx.outbox.find(state=OutboxState.SENT, limit=LOOKED_AT)
        if one.kind in KINDS
    }
    found = {
        one.key.rpartition(":")[0]: one
        for one in undelivered(tx, now)
        if one.kind == "deadline_alarm"  # the calendar shows its own
    }
    return [one for alarm, one in found.items() if alarm not in heard]


def _next(
    tx: CaseTx, message: Message, alarm: str, now: datetime, ladder: Sequence[str]
) -> Message | None:
    for channel in ladder:
        if channel == message.channel:
            continue
        following = Message(
            id=uuid7(),
            key=f"{alarm}:{channel}",
            channel=channel,
            kind=message.kind,
            context={**message.context, "escalated_from": message.channel},
            created_at=now,
            next_attempt_at=now,
        )
        if tx.outbox.enqueue(following):
            return following
    return None


def _done(tx: CaseTx) -> list[str]:
    known = tx.state.get(STATE)
    return msgspec.json.decode(known, type=list[str]) if known else []
