"""Event times as whole microseconds since 1970 UTC: exact, small, and quick to compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


def micros(instant: datetime) -> int:
    """Return an aware instant in microseconds."""
    return (instant - EPOCH) // MICROSECOND


def span(duration: timedelta) -> int:
    """Return a duration in microseconds."""
    return duration // MICROSECOND


def instant(value: int) -> datetime:
    """Return microseconds as an instant in UTC."""
    return EPOCH + timedelta(microseconds=value)
