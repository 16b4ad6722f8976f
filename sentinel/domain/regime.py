"""The clocks of one regime, step by step, from the instant of awareness: pure arithmetic.

A step may count from awareness, from an earlier step, or from something that happens outside (a
classification, a fix). What has not been done yet is taken at its own limit, and said to be
provisional: done earlier, the next step is due earlier too. Durations are elapsed (`due_strict`);
months end with the last hour of a day (Regulation 1182/71 art. 3(2)(c)).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from sentinel.domain.calendar import (
    IsHoliday,
    add_months,
    due_3_5_full,
    due_3_5_touch,
    end_of_day,
    is_weekend,
    working_day_from,
)
from sentinel.domain.deadline import due_1182, due_strict, zone_of
from sentinel.domain.duration import parse_duration
from sentinel.errors import InvalidInstant, NotFound

AWARENESS = "awareness"
AN_HOUR = timedelta(hours=1)
NOON = time(12)


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time limit: ``due`` (ISO 8601, whole hours or days, elapsed) or ``months``, ``after`` what.

    ``after``: ``awareness``, the name of an earlier step, or of something that happens outside.
    """

    after: str = AWARENESS
    due: str = ""
    months: int = 0

    def __post_init__(self) -> None:
        if bool(self.due) is bool(self.months) or self.months < 0:
            raise ValueError(f"a limit after {self.after} is either due or months")
        if self.due and parse_duration(self.due) % AN_HOUR:
            raise ValueError(f"{self.due} is not a number of whole hours")

    @property
    def hours(self) -> int:
        """The length in elapsed hours; 0 for months."""
        return parse_duration(self.due) // AN_HOUR if self.due else 0


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One notice. Of several limits the earliest known one binds.

    ``alarms``: ISO 8601, after what it counts from; then again every ``repeat``.
    ``noon_option``: certain entities may move an end on a week-end to noon of the next working day.
    """

    name: str
    basis: str
    limits: tuple[Limit, ...]
    alarms: tuple[str, ...] = ()
    repeat: str = ""
    noon_option: bool = False


class Regime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A law with clocks. ``valid_from``: the day from which it applies."""

    id: str
    valid_from: date
    steps: tuple[Step, ...]

    def happenings(self) -> list[str]:
        """Return what can be said to have been done: the steps, and what happens outside."""
        names = [step.name for step in self.steps]
        outside = [limit.after for step in self.steps for limit in step.limits]
        return list(dict.fromkeys(name for name in [*names, *outside] if name != AWARENESS))


class StepDue(msgspec.Struct, frozen=True, kw_only=True):
    """When a step is due, in UTC. ``due_strict`` None: it waits for ``after``.

    ``provisional``: ``anchor_at`` is a limit, not yet a fact. ``due_1182``: None for months.
    ``due_3_5_touch``, ``due_3_5_full``: contested; None below two days and for months.
    ``last_day``, ``last_day_3_4``: of months, as it falls and after art. 3(4).
    ``movable_to``: where a week-end end may move, for entities that may.
    """

    step: Step
    after: str
    anchor_at: datetime | None = None
    provisional: bool = False
    due_strict: datetime | None = None
    due_1182: datetime | None = None
    due_3_5_touch: datetime | None = None
    due_3_5_full: datetime | None = None
    last_day: date | None = None
    last_day_3_4: date | None = None
    movable_to: datetime | None = None
    alarms: tuple[datetime, ...] = ()


def clocks(
    regime: Regime,
    aware_at: datetime,
    is_holiday: IsHoliday,
    *,
    zone: str = "Europe/Paris",
    done: Mapping[str, datetime] | None = None,
) -> tuple[StepDue, ...]:
    """Return when each step is due. ``done``: instants of steps and happenings that are facts.

    Raises NotFound for a happening that the regime does not know, InvalidInstant past the year
    9999 and for an unknown zone.
    """
    facts = {AWARENESS: aware_at.astimezone(UTC), **(done or {})}
    known = regime.happenings()
    for name in facts.keys() - {AWARENESS, *known}:
        raise NotFound(f"{regime.id} knows no {name}", hint=", ".join(known))
    assumed: dict[str, datetime] = {}
    rows = []
    try:
        for step in regime.steps:
            row = _row(step, facts, assumed, is_holiday, zone)
            if row.due_strict is not None:
                assumed[step.name] = row.due_strict
            rows.append(row)
    except OverflowError as error:
        raise InvalidInstant("it is too near the end of the calendar") from error
    return tuple(rows)


def _row(
    step: Step,
    facts: Mapping[str, datetime],
    assumed: Mapping[str, datetime],
    is_holiday: IsHoliday,
    zone: str,
) -> StepDue:
    candidates = [
        _after(step, limit, anchor, is_holiday, zone, provisional=limit.after not in facts)
        for limit in step.limits
        if (anchor := facts.get(limit.after, assumed.get(limit.after))) is not None
    ]
    if not candidates:
        return StepDue(step=step, after=step.limits[0].after)
    return min(candidates, key=lambda row: row.due_strict or datetime.max.replace(tzinfo=UTC))


def _after(
    step: Step,
    limit: Limit,
    anchor: datetime,
    is_holiday: IsHoliday,
    zone: str,
    *,
    provisional: bool,
) -> StepDue:
    row = StepDue(step=step, after=limit.after, anchor_at=anchor, provisional=provisional)
    if limit.months:
        last_day = add_months(anchor.astimezone(zone_of(zone)).date(), limit.months)
        end = end_of_day(last_day, zone)
        row = msgspec.structs.replace(
            row,
            due_strict=end,
            last_day=last_day,
            last_day_3_4=working_day_from(last_day, is_holiday),
        )
    else:
        end = due_strict(anchor, limit.hours)
        last_day = end.astimezone(zone_of(zone)).date()
        row = msgspec.structs.replace(
            row,
            due_strict=end,
            due_1182=due_1182(anchor, limit.hours, zone),
            due_3_5_touch=due_3_5_touch(anchor, limit.hours, is_holiday, zone),
            due_3_5_full=due_3_5_full(anchor, limit.hours, is_holiday, zone),
            alarms=tuple(anchor + parse_duration(alarm) for alarm in step.alarms),
        )
    if step.noon_option and is_weekend(last_day):
        noon = datetime.combine(working_day_from(last_day, is_holiday), NOON, zone_of(zone))
        row = msgspec.structs.replace(row, movable_to=noon.astimezone(UTC))
    return row
