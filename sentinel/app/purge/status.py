"""Where retention stands: the last run, what is due, what is held, when it is gone everywhere."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from sentinel.app.backup import cycle
from sentinel.app.purge import certificates
from sentinel.config import Settings
from sentinel.domain.deadline import zone_of
from sentinel.domain.hold import Hold
from sentinel.domain.retention import PERIODS
from sentinel.respond.holds import overdue, standing
from sentinel.store.ports import CaseTx

LATE_DAYS = 2


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``late``: no run for two days or more. ``gone_everywhere``: what is purged today, by then.

    ``backups``: how many archives there are, by kind; None where none are made.
    """

    last_run: datetime | None
    last_day: date | None
    number: int
    late: bool
    holds: tuple[Hold, ...]
    reviews_overdue: tuple[str, ...]
    backups: dict[str, int] | None
    last_backup: datetime | None
    gone_everywhere: date | None
    periods: dict[str, str]


def status(tx: CaseTx, settings: Settings, now: datetime) -> Status:
    """Return where retention stands at ``now``."""
    last = certificates.last_run(tx)
    today = now.astimezone(zone_of(settings.timezone)).date()
    folder = settings.backup.dir
    found = cycle.archives(folder) if folder is not None else []
    counts = {kind: sum(one.kind == kind for one in found) for kind in cycle.KINDS}
    return Status(
        last_run=last.at if last else None,
        last_day=last.day if last else None,
        number=last.number if last else 0,
        late=last is not None and (today - last.day).days >= LATE_DAYS,
        holds=tuple(standing(tx)),
        reviews_overdue=tuple(one.name for one in overdue(tx, today)),
        backups=counts if folder is not None else None,
        last_backup=found[-1].made_at if found else None,
        gone_everywhere=cycle.gone_everywhere(found, today, settings.timezone) if folder else None,
        periods={kind: str(period) for kind, period in PERIODS.items()},
    )
