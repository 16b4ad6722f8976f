"""A visit: what one member of staff did with one person's file on one day.

Three hundred look-ups of the same person are one story, so the ranking, the budget and the analyst
work with visits. A visit is reviewed the next morning, with the facts recorded by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import msgspec

REVIEW_AT = time(6, tzinfo=UTC)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One access to one person's data. ``act``: the event's action.

    ``instant``: in UTC, or in the zone whose days and hours count. ``agent``: a digest of the
    network address and program that it came from; empty = unknown.
    """

    event: str
    actor: str
    role: str
    team: str
    subject: str
    act: str
    instant: datetime
    agent: str = ""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """The looks of one actor at one person on one day, in time order."""

    day: date
    actor: str
    role: str
    team: str
    subject: str
    looks: tuple[Look, ...]

    @property
    def first(self) -> datetime:
        """When the first look was."""
        return self.looks[0].instant

    @property
    def last(self) -> datetime:
        """When the last look was."""
        return self.looks[-1].instant

    @property
    def pair(self) -> tuple[str, str]:
        """Who visited whom."""
        return self.actor, self.subject


class Person(msgspec.Struct, frozen=True):
    """What the ranking may know of a data subject. ``place`` empty = unknown."""

    place: str = ""
    public_figure: bool = False


def review_instant(day: date) -> datetime:
    """Return when the visits of ``day`` are reviewed: 06:00 UTC on the next one."""
    return datetime.combine(day + timedelta(days=1), REVIEW_AT)


def visits_by_day(looks: Iterable[Look]) -> dict[date, list[Visit]]:
    """Fold looks into visits, by day, in the order of their first look."""
    grouped: dict[tuple[date, str, str], list[Look]] = {}
    for look in sorted(looks, key=lambda one: (one.instant, one.event)):
        grouped.setdefault((look.instant.date(), look.actor, look.subject), []).append(look)
    days: dict[date, list[Visit]] = {}
    for (day, actor, subject), found in grouped.items():
        days.setdefault(day, []).append(
            Visit(
                day=day,
                actor=actor,
                role=found[0].role,
                team=found[0].team,
                subject=subject,
                looks=tuple(found),
            )
        )
    return days
