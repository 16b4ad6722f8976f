"""What comes back by the calendar: reviews, drills, tests; when it is due, and what proves it.

Periods are counted from the day of the last completion, not from the day it was due: what was done
late moves the next one. A month ends where the month ends (`calendar.add_months`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from sentinel.domain.calendar import add_months
from sentinel.domain.incident import Role
from sentinel.domain.record import CaseRecord

_PERIOD = re.compile(r"P(?P<count>[1-9]\d{0,2})(?P<unit>[DWMY])")
OVERDUE_EVERY = 7


class State(StrEnum):
    """Where an obligation stands."""

    AHEAD = "ahead"
    SOON = "soon"
    OVERDUE = "overdue"


class Recurring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One obligation, in force in ``[valid_from, valid_to)``. ``every``: P1W, P3M, P1Y.

    ``owner``: the role that sees to it. ``basis``: promise or article. ``lead_days``: how long
    before the due day it is called to mind. ``fr``, ``en``: its name.
    """

    id: str
    every: str
    owner: Role
    basis: str
    valid_from: date
    fr: str
    en: str
    lead_days: int = 14
    valid_to: date | None = None

    def __post_init__(self) -> None:
        """Refuse a period that is none. Raises ValueError."""
        if not _PERIOD.fullmatch(self.every):
            raise ValueError(f"{self.id}: {self.every!r} is no period such as P1W, P3M or P1Y")
        if self.lead_days < 0 or not self.id:
            raise ValueError(f"{self.id}: an id, and lead_days from 0")

    def title(self, language: str) -> str:
        """Return its name in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en

    def after(self, day: date) -> date:
        """Return the day by which it is due again where it was done on ``day``."""
        found = _PERIOD.fullmatch(self.every)
        count, unit = (int(found["count"]), found["unit"]) if found else (1, "Y")
        if unit in "DW":
            return day + timedelta(days=count * (7 if unit == "W" else 1))
        return add_months(day, count * (12 if unit == "Y" else 1))

    def holds_on(self, day: date) -> bool:
        """Tell whether it is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, other: Recurring) -> bool:
        """Tell whether both are in force on one day."""
        return (other.valid_to is None or self.valid_from < other.valid_to) and (
            self.valid_to is None or other.valid_from < self.valid_to
        )


class Completion(CaseRecord, kw_only=True):
    """That an obligation was met. ``incident_id`` is ``calendar:<id>``.

    ``sha256``: of the file that proves it, hex; the file stays with its owner.
    """

    obligation: str
    done_on: date
    proof: str
    sha256: str
    note: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An obligation today. ``due``: the last day on which it is in time."""

    obligation: Recurring
    state: State
    due: date
    last: Completion | None = None

    def stage(self, today: date) -> str:
        """Return what is to be called to mind now; empty: nothing. It changes when it rings anew.

        Once when it comes near, once on the day after it was due, then every week.
        """
        if self.state is State.AHEAD:
            return ""
        if self.state is State.SOON:
            return f"{self.due}:soon"
        return f"{self.due}:overdue:{((today - self.due).days - 1) // OVERDUE_EVERY}"


def standings(
    obligations: Iterable[Recurring], done: Iterable[Completion], *, since: date, today: date
) -> list[Standing]:
    """Return every obligation, the most urgent first.

    ``since``: from when what was never done counts.
    """
    newest: dict[str, Completion] = {}
    for one in done:
        known = newest.get(one.obligation)
        if known is None or (one.done_on, one.created_at) >= (known.done_on, known.created_at):
            newest[one.obligation] = one
    found = []
    for obligation in obligations:
        last = newest.get(obligation.id)
        due = obligation.after(last.done_on if last else max(since, obligation.valid_from))
        found.append(
            Standing(
                obligation=obligation, state=_state(obligation, due, today), due=due, last=last
            )
        )
    return sorted(found, key=lambda one: (one.due, one.obligation.id))


def _state(obligation: Recurring, due: date, today: date) -> State:
    if today > due:
        return State.OVERDUE
    return State.SOON if today >= due - timedelta(days=obligation.lead_days) else State.AHEAD
