"""What goes into an intake, lines with what their transport says of them, and what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from sentinel.domain.event import Event, Value


class Spooler(Protocol):
    """Where accepted events become durable."""

    async def append(self, events: Sequence[Event]) -> int:
        """Store a batch, return the offset of its last event. Raises SpoolFull, StorageError."""
        ...


class UnparsedLine(msgspec.Struct, frozen=True):
    """A line that was not understood. ``line_number`` from 1; ``path``: its file, offline."""

    line_number: int
    reason: str
    path: str = ""


class Item(msgspec.Struct, frozen=True, gc=False):
    """A line with what its transport says of it.

    ``own_id``: what tells it from every other line of its source for ever, if anything does; the
    same id gives the same event. ``ref``: where it stands at its sender. ``beside``: ECS fields of
    the transport itself, none about a person. ``offered``: fields that a profile may list.
    ``kept``: texts that are kept sealed after redaction. ``time``: UTC, for a line without its own.
    ``fault``: why it cannot be read (a torn frame); it is kept as not understood.
    """

    raw: bytes
    own_id: str = ""
    ref: str = ""
    beside: dict[str, Value] = {}
    offered: dict[str, Value] = {}
    kept: dict[str, str] = {}
    time: datetime | None = None
    fault: str = ""


class Batch(msgspec.Struct):
    """What became of some lines. ``events`` holds the unparsed lines' events too, in order."""

    events: list[Event]
    unparsed: list[UnparsedLine]
    dropped_fields: Counter[str]

    @classmethod
    def empty(cls) -> Batch:
        """Return a batch of nothing."""
        return cls([], [], Counter())

    @property
    def accepted(self) -> int:
        """How many lines were understood."""
        return len(self.events) - len(self.unparsed)

    def add(self, other: Batch) -> None:
        """Append ``other``."""
        self.events.extend(other.events)
        self.unparsed.extend(other.unparsed)
        self.dropped_fields.update(other.dropped_fields)
