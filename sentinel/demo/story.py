"""The story of one working day, told in the real formats, the same for the same seed and end.

Five things happen that must be found, among look-alikes that must not raise an alert. Nothing
depends on the hour of the wall clock: the "night" is the first part of the story's own day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sentinel.demo import cast, lookalikes, plots
from sentinel.demo.day import Day
from sentinel.demo.office import Desk, ordinary_office
from sentinel.demo.telling import Cue, Source, Story, StoryBatch, StoryTruth, told
from sentinel.demo.traffic import ordinary_site

__all__ = [
    "LOOK_ALIKES",
    "STORIES",
    "Source",
    "Story",
    "StoryBatch",
    "StoryTruth",
    "tell",
    "tell_normal",
]

Plot = Callable[[Day, Desk], None]
STORIES: dict[str, tuple[Cue, Plot]] = {
    "no_ticket_read": (
        Cue("staff_access_without_reason", "crm", cast.CURIOUS.id, cast.READ_WITHOUT_TICKET),
        plots.no_ticket_read,
    ),
    "admin_without_mfa": (
        Cue("admin_session_without_mfa", "crm", cast.CARELESS_ADMIN.id),
        plots.admin_without_mfa,
    ),
    "leaver_export": (
        Cue("leaver_bulk_export", "crm", cast.LEAVER.id, cast.EXPORTED),
        plots.leaver_export,
    ),
    "site_scanner": (
        Cue("forced_browsing", "www", cast.SCANNER_ADDRESS),
        plots.site_scanner,
    ),
    "odd_navigation": (
        Cue("unusual_navigation", "www", cast.ODD_NAVIGATOR, (cast.ODD_NAVIGATOR,)),
        plots.odd_navigation,
    ),
}
LOOK_ALIKES: dict[str, Cue] = {
    "oncall_night": Cue("", "crm", cast.ON_CALL_AT_NIGHT.id, cast.WITH_NIGHT_INCIDENT),
    "billing_batch": Cue("", "crm", cast.BILLING_SERVICE.id, cast.BILLED_BY_BATCH),
    "busy_support_morning": Cue("", "crm", cast.BUSY.id, cast.WITH_BUSY_TICKET),
    "power_user": Cue("", "www", cast.POWER_USER, (cast.POWER_USER,)),
    "monitoring_probe": Cue("", "www", "203.0.113.10"),
    "search_bot": Cue("", "www", "203.0.113.30"),
    "mistyped_password": Cue("", "www", cast.FORGETFUL_USER, (cast.FORGETFUL_USER,)),
}


def tell(seed: int, end: datetime) -> Story:
    """Tell the day that ends at ``end`` (aware), with its five stories and its look-alikes."""
    return _tell(Day(seed, end), [plot for _, plot in STORIES.values()])


def tell_normal(seed: int, end: datetime) -> Story:
    """Tell a day on which nothing happens that must be found: what the model learns from."""
    return _tell(Day(seed, end), [])


def _tell(day: Day, happenings: Sequence[Plot]) -> Story:
    desk = Desk(day)
    for happening in happenings:
        happening(day, desk)
    lookalikes.oncall_night(day, desk)
    lookalikes.billing_batch(day, desk)
    lookalikes.busy_support_morning(day, desk)
    ordinary_office(day, desk)
    ordinary_site(day)
    cues = {key: cue for key, (cue, _) in STORIES.items()} | LOOK_ALIKES
    return told(day, cues, cast.directory_csv())
