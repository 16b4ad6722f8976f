"""Settings of the scope: what staff were told, the daily review, imports of facts, drift."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from sentinel.config.section import Section

REVIEWED_RULES = ["staff_access_without_reason"]


class StaffSettings(Section):
    """What staff were told of being monitored: without it, their accesses are not judged."""

    monitoring: bool | None = Field(
        default=None,
        description="Judge the accesses of staff. Unset: as soon as the dates below are given. "
        "`true` without them is refused, `false` switches it off.",
    )
    informed_on: date | None = Field(
        default=None,
        description="Day on which staff were informed (GDPR art. 13; Code du travail L1222-4).",
    )
    informed_how: str = Field(
        default="",
        description="How they were: letter, meeting, note; `sentinel scope note` writes the note.",
    )
    dpia_on: date | None = Field(
        default=None,
        description="Day of the data protection impact assessment (GDPR art. 35).",
    )
    dpia_reference: str = Field(default="", description="Where it is kept.")
    council_on: date | None = Field(
        default=None,
        description="Day on which the staff council was consulted (Code du travail L2312-38).",
    )
    contact: str = Field(
        default="", description="Whom staff write to; default: the data protection officer."
    )
    seen_by: list[str] = Field(
        default=[], description="Who sees the findings, as the note says it."
    )
    kept_days: int = Field(
        default=365, gt=0, description="How long traces of accesses are kept, as the note says it."
    )

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings without which staff monitoring may not go live, by name."""
        given = {
            "informed_on": self.informed_on,
            "informed_how": self.informed_how.strip(),
            "dpia_on": self.dpia_on,
        }
        return tuple(name for name, value in given.items() if not value)

    @property
    def live(self) -> bool:
        """Whether accesses of staff are judged."""
        return self.monitoring is not False and not self.missing

    @model_validator(mode="after")
    def _told_first(self) -> Self:
        if self.monitoring and self.missing:
            raise ValueError(
                f"staff monitoring needs {', '.join(self.missing)} first: staff are informed, and "
                "its impact is assessed, before it goes live (`sentinel scope note` writes the "
                "note)"
            )
        return self


class ReviewSettings(Section):
    """The daily review of accesses that nothing explains."""

    enabled: bool = Field(default=True, description="Rank the accesses of each day.")
    at: time = Field(
        default=time(6), description="When the day before is ranked, in `timezone`: 06:00."
    )
    budget: int = Field(default=20, gt=0, description="Findings per analyst and day.")
    analysts: int = Field(default=1, gt=0, description="How many people review each day.")
    history_days: int = Field(
        default=30, gt=0, description="Days from which the ranking learns what is ordinary."
    )
    learning_days: int = Field(
        default=14,
        ge=0,
        description="Days with accesses before the ranking raises alerts; it only lists before.",
    )
    unexplained: Literal["at_once", "daily"] = Field(
        default="at_once",
        description="`at_once`: an unexplained access is an alert at once, as long as the day's "
        "budget lasts; the others, and all with `daily`, wait for the review.",
    )
    at_once_persons: int = Field(
        default=5,
        gt=0,
        description="From so many persons that one actor opens in a day without explanation, "
        "nothing waits for the review.",
    )
    rules: list[str] = Field(
        default=REVIEWED_RULES, description="Rules whose findings the budget holds for."
    )

    @property
    def per_day(self) -> int:
        """Findings of a day, of all analysts together."""
        return self.budget * self.analysts


class FactImport(Section):
    """Business facts that Sentinel fetches itself: a file, or the rows of an SQL query."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Name of the import.")
    source: str = Field(
        default="backoffice",
        description="Declared source (format `csv`) whose profile reads the rows.",
    )
    path: Path | None = Field(default=None, description="File: CSV with a header, JSON or NDJSON.")
    url: SecretStr | None = Field(
        default=None, description="Database (SQLAlchemy URL). Prefer `url_file`."
    )
    query: str = Field(
        default="",
        description="SQL query; `:since` is the largest `recorded_at` that was fetched so far.",
    )
    kind: str = Field(default="", description="Kind of the facts where no column says it.")
    every_minutes: int = Field(default=15, gt=0, description="How often to look.")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("an import has a path, or a url with a query")
        if (self.url is None) != (not self.query.strip()):
            raise ValueError("url and query go together")
        if self.query and not re.match(r"(?is)\s*(select|with)\b", self.query):
            raise ValueError("the query begins with SELECT or WITH: an import only reads")
        return self


class DriftSettings(Section):
    """Effective permissions against the scope model."""

    permissions: Path | None = Field(
        default=None,
        description="CSV or JSON of effective permissions (staff, role, category); unset = off.",
    )
    dormant_days: int = Field(
        default=90, gt=0, description="An account without any access for so long is dormant."
    )
    at: time = Field(default=time(5), description="When it is looked at, in `timezone`: 05:00.")


class ScopeSettings(Section):
    """Out of scope: explain, or flag."""

    staff: StaffSettings = Field(default=StaffSettings(), description="What staff were told.")
    review: ReviewSettings = Field(default=ReviewSettings(), description="The daily review.")
    drift: DriftSettings = Field(default=DriftSettings(), description="Effective permissions.")
    imports: list[FactImport] = Field(default=[], description="Imports of business facts.")
