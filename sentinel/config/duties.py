"""Settings of what people owe by the calendar: obligations, the weekly review, the rota."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from sentinel.config.section import Section


class CalendarSettings(Section):
    """The calendar of obligations."""

    file: Path | None = Field(
        default=None, description="Obligations as TOML; default: the shipped ones."
    )
    since: date | None = Field(
        default=None,
        description="From when an obligation that was never met counts; default: the first start.",
    )


class LogReviewSettings(Section):
    """The weekly review of the audit logs (promise R-16)."""

    share: float = Field(
        default=0.05, gt=0, le=1, description="Share of the explained accesses in the sample."
    )
    staff_ids: dict[str, list[str]] = Field(
        default={},
        description="Sign-in name -> what the logs call that person, where it is another name: "
        "nobody reviews his own accesses.",
    )


class RotaSettings(Section):
    """Who stands in for the data protection officer."""

    officer: str = Field(default="", description="Sign-in name of the officer; empty: no rota.")
    channels: dict[str, str] = Field(
        default={},
        description="Sign-in name -> id of the channel that reaches this person alone.",
    )
