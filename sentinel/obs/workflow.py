"""Gauges of the work on cases: counts and hours, no case, no person."""

from __future__ import annotations

from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge


class Times(Protocol):
    """Hours of one stage of the work."""

    @property
    def median(self) -> float | None:
        """Median."""

    @property
    def worst(self) -> float | None:
        """Worst."""


STAGES = ("detect", "acknowledge", "qualify", "notify", "margin")
COUNTS = (
    "open_cases", "overdue_clocks", "overdue_tasks", "overdue_obligations", "log_reviews_open",
    "post_mortems_due", "alarms_undelivered", "margin_negative",
)  # fmt: skip


class WorkflowGauges:
    """What Prometheus reads of the work. A figure that does not exist yet is not shown."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._hours = Gauge(
            "sentinel_workflow_hours",
            "Hours by stage, median and worst; margin: hours left of the 72.",
            ["stage", "figure"],
            registry=registry,
        )
        self._counts = Gauge(
            "sentinel_workflow_count", "Work that is open or late.", ["what"], registry=registry
        )
        self._clocks = Gauge(
            "sentinel_workflow_open_clocks", "Open clocks.", ["obligation"], registry=registry
        )
        self._on_time = Gauge(
            "sentinel_workflow_on_time_ratio",
            "Share of hard clocks met in time.",
            ["of"],
            registry=registry,
        )

    def set(self, measured: object) -> None:
        """Show the figures of `sentinel.respond.workflow_metrics.Workflow`."""
        for stage in STAGES:
            times: Times = getattr(measured, stage)
            for figure in ("median", "worst"):
                value = getattr(times, figure)
                if value is not None:
                    self._hours.labels(stage, figure).set(value)
        for name in COUNTS:
            self._counts.labels(name).set(getattr(measured, name))
        self._clocks.clear()
        for obligation, count in getattr(measured, "open_clocks", {}).items():
            self._clocks.labels(obligation).set(count)
        on_time = getattr(measured, "on_time", None)
        if on_time is not None:
            self._on_time.labels("hard").set(on_time)
