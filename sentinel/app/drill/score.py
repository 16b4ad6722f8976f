"""What a drill is judged by: simulated times, steps, unknowns, roles, and nothing outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from sentinel.app.drill.acts import Done
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline
from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Incident
from sentinel.domain.runbook import Runbook
from sentinel.domain.scenario import Scenario
from sentinel.respond.qualify import open_questions
from sentinel.store.ports import CaseTx

ACTIONS = {
    "incident.opened": "opened",
    "incident.breach_confirmed": "confirmed",
    "incident.qualified": "qualified",
    "incident.filing_recorded": "notified",
    "incident.persons_recorded": "informed",
    "incident.closed": "closed",
    "alert.acknowledged": "acknowledged",
}


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was judged. ``took``, ``within``: seconds of simulated time, for a target."""

    id: str
    passed: bool
    detail: str = ""
    took: int | None = None
    within: int | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The result. ``points``: share of the marks that passed, 0 to 100.

    ``unknown``: questions of the qualification without an answer. ``left``: what tried to leave the
    sandbox, which fails the drill whatever else it reached. ``steps``: those that were played.
    """

    scenario: str
    version: str
    reference: str
    drill: bool
    points: int
    passed: bool
    moments: dict[str, datetime]
    marks: tuple[Mark, ...]
    missed: tuple[Done, ...]
    unknown: tuple[str, ...]
    left: tuple[str, ...]
    steps: tuple[Done, ...]
    messages: int
    alarms: int


def moments_of(tx: CaseTx, scenario: Scenario, alert: Alert, incident: Incident | None) -> Moments:
    """Return when each moment was first reached, by the journal."""
    found = {"occurred": scenario.occurred, "detected": alert.created_at}
    for name in (alert.id, incident.id if incident else ""):
        for line in tx.journal.lines(object_id=name) if name else ():
            moment = ACTIONS.get(line.action)
            if moment:
                found.setdefault(moment, line.recorded_at)
    return found


Moments = dict[str, datetime]


def target_marks(scenario: Scenario, moments: Mapping[str, datetime]) -> list[Mark]:
    """Return a mark for each target of the scenario."""
    marks = []
    for target in scenario.targets:
        within = int(parse_duration(target.within).total_seconds())
        since, until = moments.get(target.since), moments.get(target.until)
        if since is None or until is None:
            marks.append(Mark(id=target.id, passed=False, detail="never reached", within=within))
            continue
        took = int((until - since).total_seconds())
        marks.append(Mark(id=target.id, passed=took <= within, took=took, within=within))
    return marks


def work_marks(
    scenario: Scenario,
    done: Sequence[Done],
    incident: Incident | None,
    book: Runbook | None,
    clocks: Sequence[Deadline],
) -> list[Mark]:
    """Return the marks of steps, runbook, roles and clocks."""
    missed = [one.id for one in done if one.refused]
    kept = set(incident.steps) if incident else set()
    open_steps = [one.id for one in book.steps if one.id not in kept] if book else ["runbook"]
    reached = {one.by for one in done if not one.refused}
    absent = [role.value for role in scenario.roles if role.value not in reached]
    late = [
        one.obligation
        for one in clocks
        if one.hard and one.met_at is not None and one.met_at > one.due_at
    ]
    running = [one.obligation for one in clocks if one.open]
    return [
        Mark(id="steps", passed=not missed, detail=", ".join(missed)),
        Mark(id="runbook", passed=not open_steps, detail=", ".join(open_steps)),
        Mark(id="roles", passed=not absent, detail=", ".join(absent)),
        Mark(id="on_time", passed=not late, detail=", ".join(late)),
        Mark(id="no_open_clock", passed=not running, detail=", ".join(running)),
        Mark(
            id="marked_drill",
            passed=incident is not None and incident.drill,
            detail="" if incident else "no case was opened",
        ),
    ]


def unknowns(incident: Incident | None) -> tuple[str, ...]:
    """Return the ids of the questions that nobody answered."""
    return tuple(str(one) for one in open_questions(incident)) if incident else ()


def points(marks: Sequence[Mark]) -> int:
    """Return the share of marks that passed, in whole percent, never rounded up to 100."""
    return 100 * sum(one.passed for one in marks) // len(marks) if marks else 0
