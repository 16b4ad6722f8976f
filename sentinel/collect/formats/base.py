"""What every format speaks: a line comes in, fields or a reason come out, never an exception.

Web formats answer in ECS names at once, because their fields have one meaning only. JSON and CSV
answer in the sender's own names; the source profile translates them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, Self

import msgspec

from sentinel.domain.event import Value


class Parsed(msgspec.Struct, frozen=True):
    """A line that was understood. ``time``: aware, UTC, where the format itself defines it."""

    fields: dict[str, Value]
    time: datetime | None = None


class Unparsed(msgspec.Struct, frozen=True):
    """A line that was not understood. ``reason`` holds none of the line's text."""

    reason: str


class Format(Protocol):
    """A log format."""

    name: str

    def fresh(self) -> Self:
        """Return a parser for one batch or file (the format itself where it has no state)."""
        ...

    def parse(self, line: str) -> Parsed | Unparsed | None:
        """Read one line without its end. None: part of the format, not an event (a CSV header)."""
        ...


class Stateless:
    """A format whose lines do not depend on each other."""

    def fresh(self) -> Self:
        """Return the format itself."""
        return self
