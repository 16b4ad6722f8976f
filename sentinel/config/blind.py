"""Settings of the blind-window ledger and of the dead letters."""

from __future__ import annotations

from pydantic import Field

from sentinel.config.section import Section


class BlindSettings(Section):
    """When Sentinel says that it does not see."""

    silent_after_minutes: int = Field(
        default=60,
        ge=0,
        description="A source that sends nothing for this long is silent, unless it has its own "
        "`silent_after_minutes`; 0: silence is never told.",
    )
    unparsed_percent: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Share of a source's lines that are not understood from which it is told.",
    )
    skew_minutes: int = Field(
        default=5,
        gt=0,
        description="Event times this far ahead of the clock here, or behind it for ten minutes on "
        "end, tell of a wrong clock.",
    )
    dead_letter_days: int = Field(
        default=30,
        ge=1,
        le=30,
        description="Lines that were not understood are erased after this many days.",
    )
