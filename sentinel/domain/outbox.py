"""Messages that wait for a channel. A row is written with the state change that causes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class OutboxState(StrEnum):
    """Life of a message."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Message(msgspec.Struct, kw_only=True):
    """One message to one channel.

    ``key``: idempotency key, unique: enqueueing it twice keeps the first. ``channel``: id of a
    channel file in ``notifiers/channels``. ``kind``: name of the message template
    (``alert``, ``deadline_alarm``). ``context``: what the template may say; no personal data.
    """

    id: str
    key: str
    channel: str
    kind: str
    context: dict[str, object]
    created_at: datetime
    next_attempt_at: datetime
    state: OutboxState = OutboxState.PENDING
    attempts: int = 0
    last_error: str = ""
    sent_at: datetime | None = None
    receipt: str = ""
