"""What a person says about when something happened: it has an offset, and lies in the past."""

from __future__ import annotations

from datetime import UTC, datetime

from sentinel.clock import isoformat
from sentinel.errors import Refused


def possible(instant: datetime, now: datetime, name: str) -> datetime:
    """Return a past instant in UTC. Raises Refused without an offset, or in the future."""
    if instant.tzinfo is None:
        raise Refused(f"{name} needs an offset or a zone")
    if instant > now:
        raise Refused(f"{name} cannot lie in the future", hint=f"it is {isoformat(now)}")
    return instant.astimezone(UTC)
