"""A line that was not understood, or an event on which detection failed: kept to be read again.

It passed the redaction of byte patterns, is sealed, and is erased at the end of its term.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class LetterState(StrEnum):
    """Life of a dead letter."""

    WAITING = "waiting"
    PARSED = "parsed"
    REPLAYED = "replayed"


class LetterKind(StrEnum):
    """What it holds."""

    LINE = "line"
    EVENT = "event"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter. ``id``: that of the event that stands for it in the store.

    ``received``, ``expires``: UTC. ``sealed``: the line (``event.original``), or an event in
    MessagePack, under the context ``context``; empty once replayed. ``event_id``: what became of
    it.
    """

    id: str
    source: str
    kind: LetterKind
    reason: str
    received: datetime
    expires: datetime
    sealed: bytes
    context: str
    state: LetterState = LetterState.WAITING
    replayed_at: datetime | None = None
    event_id: str = ""


class Tally(msgspec.Struct, frozen=True):
    """How many letters of one source, and when the first and the last were received (UTC)."""

    source: str
    count: int
    first: datetime
    last: datetime
