"""An instant on the command line: a span back from now, a day, or an instant."""

from __future__ import annotations

from datetime import UTC, datetime

from sentinel.clock import SystemClock
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.timeline import duration
from sentinel.errors import UsageError


def instant(text: str) -> datetime:
    """Return the instant that ``text`` means, in UTC; without an offset it is UTC already.

    Raises UsageError.
    """
    try:
        return SystemClock().now() - duration(text)
    except RuleFault:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", hint="write 7d, 36h or 2026-01-31") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
