"""What a transaction knows of the messages that wait to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sentinel.domain.outbox import Message, OutboxState


class Outbox(Protocol):
    """Messages that wait."""

    def enqueue(self, message: Message) -> bool:
        """Add a message; False where its key is known already."""
        ...

    def claim(self, now: datetime, *, limit: int = 20) -> list[Message]:
        """Claim pending messages that are due, by conditional UPDATE; they become ``sending``."""
        ...

    def mark_sent(self, message_id: str, *, at: datetime, receipt: str) -> None:
        """Record success."""
        ...

    def mark_retry(self, message_id: str, *, next_attempt_at: datetime, error: str) -> None:
        """Give a message back for a later try."""
        ...

    def mark_failed(self, message_id: str, *, error: str) -> None:
        """Give up, visibly."""
        ...

    def release_stale(self, *, claimed_before: datetime) -> int:
        """Give back messages whose sender died while sending; returns how many."""
        ...

    def find(self, *, state: OutboxState | None = None, limit: int = 200) -> list[Message]:
        """Return messages, newest first."""
        ...
