"""A drill as data: log lines, who does what when, and how fast it should go.

Everything in it is invented. ``at`` and ``within`` are ISO 8601 durations of simulated time; ``at``
counts from ``occurred``, the instant of the line that matters.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Role

MOMENTS = (
    "occurred", "detected", "acknowledged", "opened", "confirmed", "qualified", "notified",
    "informed", "closed",
)  # fmt: skip


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of lines in the scenario's folder, and how it is read. ``media``: Content-Type."""

    name: str
    file: str
    format: str
    profile: str
    media: str


DEFAULT_SOURCES = (
    Source("backoffice", "backoffice.csv", "csv", "business-facts", "text/csv"),
    Source("crm", "crm.ndjson", "json", "crm-audit", "application/x-ndjson"),
)


class Titles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name in both languages."""

    fr: str
    en: str


class Act(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"given": "with"}
):
    """What somebody does. ``do``: a command, or one of the drill's own acts."""

    id: str
    at: str
    by: Role
    do: str
    approved_by: Role | None = None
    given: dict[str, object] = {}

    @property
    def after(self) -> timedelta:
        """How long after the line that matters."""
        return parse_duration(self.at)


class Target(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"since": "from", "until": "to"},
):
    """How long something may take, from one moment to another (both of `MOMENTS`)."""

    id: str
    since: str
    until: str
    within: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill. ``rule``: slug of the rule that must find it. ``roles``: that must act."""

    id: str
    version: str
    title: Titles
    occurred: datetime
    shipped_after: str
    rule: str
    kind: str
    runbook: str
    roles: tuple[Role, ...]
    steps: tuple[Act, ...]
    targets: tuple[Target, ...]
    sources: tuple[Source, ...] = DEFAULT_SOURCES

    def __post_init__(self) -> None:
        """Refuse what could not be played. Raises ValueError."""
        if self.occurred.tzinfo is None:
            raise ValueError("occurred needs an offset")
        parse_duration(self.shipped_after)
        for before, after in pairwise(self.steps):
            if after.after < before.after:
                raise ValueError(f"steps: {after.id} comes before {before.id}")
        if len({one.id for one in self.steps}) != len(self.steps):
            raise ValueError("steps: each id once")
        for target in self.targets:
            parse_duration(target.within)
            if not {target.since, target.until} <= set(MOMENTS):
                raise ValueError(f"targets: {target.id} names no moment of {', '.join(MOMENTS)}")
