"""Is the clock right? A purge by a clock that stands a year ahead would take everything.

Two witnesses: the last run, and what the sources sent, whose clocks are their own. After a pause
that is longer than usual the sources must agree with the clock; after a long one a person must.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sentinel.config.retention import RetentionSettings

BACKWARDS = timedelta(days=1)


def doubt(
    settings: RetentionSettings,
    now: datetime,
    *,
    last_run: datetime | None,
    heard: bool,
    empty: bool,
) -> str:
    """Return why the purge must not run now; empty: it may.

    ``heard``: an event came whose own time is at most ``clock_days`` old. ``empty``: no event is
    stored at all.
    """
    if last_run is None:
        return "" if heard or empty else "no event is as recent as the clock"
    gap = now - last_run
    if gap < -BACKWARDS:
        return f"the clock stands {-gap.days} days before the last run"
    if gap <= timedelta(days=settings.clock_days):
        return ""
    if gap > timedelta(days=settings.catch_up_days):
        return f"the clock stands {gap.days} days past the last run"
    if heard:
        return ""
    return f"the clock stands {gap.days} days past the last run, and no event is as recent"
