"""Settings of detection: the rules, and the navigation model beside them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sentinel.config.section import Section


class DetectSettings(Section):
    """Detection."""

    rules_dir: Path | None = Field(default=None, description="Default: the shipped rules.")
    lateness_minutes: int = Field(default=10, ge=0, description="Allowed lateness of events.")
    fold_minutes: int = Field(default=60, gt=0, description="Findings this close are one alert.")
    revise_days: int = Field(
        default=30, gt=0, description="Accesses this old are judged again when a late fact comes."
    )


class BehaviourSettings(Section):
    """The navigation model; needs the extra `behaviour`."""

    enabled: bool = Field(default=True, description="Score sessions where a model is present.")
    model_dir: Path | None = Field(default=None, description="Default: `<data_dir>/model`.")
    session_idle_minutes: int = Field(default=30, gt=0, description="A session ends after this.")
    findings_per_day: int = Field(
        default=20, gt=0, description="Findings told a day (UTC) at most; the rest is counted."
    )
    staff: bool = Field(
        default=True,
        description="Watch accounts of staff against their role, where staff monitoring is live "
        "(`scope.staff`) and baselines were learnt (`sentinel behaviour train-staff`).",
    )
    staff_findings_per_day: int = Field(
        default=5, gt=0, description="The same bound for the watch of staff, all accounts together."
    )
    versions_kept: int = Field(
        default=5, gt=0, description="Models kept to roll back to (`sentinel behaviour rollback`)."
    )
