"""What every format speaks: a line comes in, fields or a reason come out, never an exception.

Web and audit formats answer in ECS names at once, because their fields have one meaning only;
audit formats keep the vendor's own names beside them, since public Sigma rules use those. JSON and
CSV answer in the sender's own names; the source profile translates them.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Protocol, Self

import msgspec

from sentinel.domain.event import LogSource, Value


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """A line that was understood. ``time``: aware, UTC, where the format itself defines it.

    ``logsource``: Sigma's log source of this line, where the format itself defines it.
    """

    fields: dict[str, Value]
    time: datetime | None = None
    logsource: LogSource | None = None


class Unparsed(msgspec.Struct, frozen=True):
    """A line that was not understood. ``reason`` holds none of the line's text."""

    reason: str


class Format(Protocol):
    """A log format."""

    @property
    def name(self) -> str:
        """Return what settings and commands call it."""
        ...

    @property
    def title(self) -> str:
        """Return what it is, in a few words."""
        ...

    @property
    def logsource(self) -> LogSource:
        """Return Sigma's log source of its lines; empty where any may be."""
        ...

    def claims(self, line: str) -> bool:
        """Tell cheaply whether the line may be of this format; False is certain."""
        ...

    def fresh(self) -> Self:
        """Return a parser for one batch or file (the format itself where it has no state)."""
        ...

    def parse(self, line: str) -> Parsed | Unparsed | None:
        """Read one line without its end. None: part of the format, not an event (a CSV header)."""
        ...


class Stateless:
    """A format whose lines do not depend on each other."""

    logsource: ClassVar[LogSource] = LogSource()

    def claims(self, line: str) -> bool:  # noqa: ARG002 - others look at it
        """Claim every line: only `parse` can tell."""
        return True

    def fresh(self) -> Self:
        """Return the format itself."""
        return self


WEB = "webserver"


def web_source(product: str, service: str = "access") -> LogSource:
    """Return the log source of a web server's lines."""
    return LogSource(category=WEB, product=product, service=service)
