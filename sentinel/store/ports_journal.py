"""What a transaction knows of the journal and of its anchors."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sentinel.domain.anchor import Anchor
from sentinel.domain.journal import JournalLine


class JournalLines(Protocol):
    """The hash-chained journal."""

    def append(
        self, *, occurred_at: datetime, actor: str, action: str, object_id: str, payload: object
    ) -> JournalLine:
        """Seal ``payload`` (JSON-able), chain and store one line in this transaction."""
        ...

    def lines(
        self, *, object_id: str | None = None, after: int = 0, limit: int = 10_000
    ) -> list[JournalLine]:
        """Return lines in order; ``object_id`` is an incident's or alert's id."""
        ...

    def opened(self, line: JournalLine) -> object:
        """Return the payload of a line in clear; None where it was purged or its key destroyed."""
        ...

    def last(self) -> JournalLine | None:
        """Return the newest line."""
        ...

    def purge(self, *, recorded_before: datetime, up_to: int) -> tuple[int, int]:
        """Drop the payloads of lines up to ``up_to`` recorded before an instant.

        Returns how many, and the highest line among them.
        """
        ...

    def destroy_key(self, object_id: str) -> bool:
        """Destroy the data key of an object's payloads; False where it had none."""
        ...

    def put_anchor(self, anchor: Anchor) -> None:
        """Keep an anchor; its ``last_seq`` is its key."""
        ...

    def stamp_anchor(self, last_seq: int, timestamp: str) -> None:
        """Keep the time-stamp of an anchor that has none so far."""
        ...

    def anchors(self) -> list[Anchor]:
        """Return the anchors, oldest first."""
        ...
