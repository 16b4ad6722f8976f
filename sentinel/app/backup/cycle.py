"""The cycle of backups: daily for 7 days, weekly for 4 weeks, monthly for 6 months (R-54).

What was purged is gone everywhere once the last archive that may hold it has gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from sentinel.domain.deadline import zone_of
from sentinel.domain.retention import Record, due

SUFFIX = ".backup"
KINDS = ("daily", "weekly", "monthly")
_NAME = re.compile(r"sentinel-(daily|weekly|monthly)-(\d{8}T\d{6}Z)-([0-9a-f]{8})\.backup")
_STAMP = "%Y%m%dT%H%M%SZ"


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A backup, as its name tells. ``made_at``: UTC."""

    path: Path
    kind: str
    made_at: datetime
    size: int

    def due(self, zone: str) -> date:
        """Return the first day on which it must go."""
        day = self.made_at.astimezone(zone_of(zone)).date()
        return due(Record(kind=f"backup_{self.kind}", day=day)).purge_not_before


def name_of(kind: str, made_at: datetime, mark: str) -> str:
    """Return the file name of an archive. ``mark``: 8 hex digits."""
    return f"sentinel-{kind}-{made_at.astimezone(UTC).strftime(_STAMP)}-{mark}{SUFFIX}"


def archives(folder: Path) -> list[Archive]:
    """Return the archives of a folder, oldest first; other files are no archives."""
    found = []
    for path in folder.glob(f"sentinel-*{SUFFIX}") if folder.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match is not None:
            made_at = datetime.strptime(match[2], _STAMP).replace(tzinfo=UTC)
            found.append(
                Archive(path=path, kind=match[1], made_at=made_at, size=path.stat().st_size)
            )
    return sorted(found, key=lambda one: (one.made_at, one.path.name))


def overdue(found: Iterable[Archive], today: date, zone: str) -> list[Archive]:
    """Return the archives that must go on ``today``."""
    return [one for one in found if one.due(zone) <= today]


def gone_everywhere(found: Iterable[Archive], today: date, zone: str) -> date:
    """Return the day from which no archive holds what is purged on ``today``."""
    return max([one.due(zone) for one in found], default=today)


def kind_for(found: Iterable[Archive], today: date, zone: str) -> str:
    """Return what today's archive is: the first of a month monthly, of a week weekly, else daily.

    The first that is made counts, whatever its day: a missed Monday takes nothing away.
    """
    made = [(one.kind, one.made_at.astimezone(zone_of(zone)).date()) for one in found]
    months = {(day.year, day.month) for kind, day in made if kind == "monthly"}
    if (today.year, today.month) not in months:
        return "monthly"
    weeks = {day.isocalendar()[:2] for kind, day in made if kind != "daily"}
    return "daily" if today.isocalendar()[:2] in weeks else "weekly"
