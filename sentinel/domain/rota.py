"""Who stands in for whom: absences with a deputy, and who is on duty at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from sentinel.domain.record import CaseRecord

ROTA = "rota"


class Absence(CaseRecord, kw_only=True):
    """Somebody is away in ``[since, until)`` (UTC). ``person``, ``deputy``: account ids.

    ``ended_at``: came back before ``until``.
    """

    person: str
    deputy: str
    since: datetime
    until: datetime
    ended_at: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Tell whether the person is away at ``at``."""
        end = min(self.until, self.ended_at) if self.ended_at else self.until
        return self.since <= at < end


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on duty. ``person``: account id, empty where everybody is away. ``through``: those
    whose place it takes, in order.
    """  # noqa: D205

    person: str
    through: tuple[str, ...] = ()


def on_duty(absences: Iterable[Absence], person: str, at: datetime) -> Duty:
    """Return who is on duty for ``person`` at ``at``: the deputy of a deputy where need be.

    The newest of two absences that overlap decides.
    """
    away: dict[str, str] = {}
    for one in sorted(absences, key=lambda absence: absence.created_at):
        if one.covers(at):
            away[one.person] = one.deputy
    through: list[str] = []
    while person in away and person not in through:
        through.append(person)
        person = away[person]
    return Duty(person="" if person in through else person, through=tuple(through))
