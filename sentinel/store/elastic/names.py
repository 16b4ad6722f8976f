"""Which index an event lies in: one a retention class and UTC day of event time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sentinel.domain.event import Event
from sentinel.domain.hunt_match import class_of

FAR: Final = "far"
PAST, AHEAD = timedelta(days=400), timedelta(days=3)
"""Events further away share one index a class: a wrong clock must not open thousands of shards."""
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_]{0,59}")


class Names:
    """The names under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.meta = f"{prefix}-meta"
        self.events = f"{prefix}-events-*"

    def of_class(self, kind: str) -> str:
        """Return the pattern of a class; classes whose name is no index name share one."""
        return f"{self.prefix}-events-{_plain(kind)}-*"

    def of(self, event: Event, today: date) -> str:
        """Return where a new event goes."""
        day = event.time.astimezone(UTC).date()
        near = today - PAST <= day <= today + AHEAD
        return f"{self.prefix}-events-{_plain(class_of(event))}-{_dotted(day) if near else FAR}"


def today() -> date:
    """Return the UTC day of the wall clock."""
    return datetime.now(UTC).date()


def _plain(kind: str) -> str:
    return kind if _PLAIN.fullmatch(kind) else "other"


def _dotted(day: date) -> str:
    return f"{day:%Y.%m.%d}"
