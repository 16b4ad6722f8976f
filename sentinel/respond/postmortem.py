"""What a post-mortem starts from: the journal of a case, told again. Reasons are people's."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident
from sentinel.domain.record import Task
from sentinel.respond.qualify import open_questions
from sentinel.respond.timeline import Moment, timeline
from sentinel.store.ports import CaseTx

REASONED = ("reason", "reasons", "basis")
DUE_WITHIN = timedelta(days=30)
STAGES = (
    ("occurred", "detected"),
    ("detected", "investigated"),
    ("investigated", "aware"),
    ("aware", "filed"),
    ("aware", "informed"),
    ("detected", "contained"),
    ("aware", "closed"),
)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person decided, with the reason that was written then."""

    at: datetime
    by: str
    action: str
    reason: str


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """How long a stage took; None where one of its ends was never reached."""

    since: str
    until: str
    took: timedelta | None


class PostMortem(msgspec.Struct, frozen=True, kw_only=True):
    """``late``: clocks that were missed or met late. ``backdated``: moments that were recorded more
    than an hour after they happened. ``due``: by when it should be written, once closed.
    """  # noqa: D205

    incident: Incident
    moments: list[Moment]
    decisions: list[Decision]
    delays: list[Delay]
    clocks: list[Deadline]
    late: list[Deadline]
    backdated: list[Moment]
    unknown: list[str]
    tasks: list[Task]
    roles: dict[str, str]
    due: datetime | None


def post_mortem(tx: CaseTx, incident: Incident, now: datetime) -> PostMortem:
    """Return what the record says of a case at ``now``."""
    moments = timeline(tx, incident)
    clocks = tx.incidents.deadlines(incident.id)
    late = [
        one
        for one in clocks
        if one.due_at < (one.met_at or one.waived_at or now) and one.due_at > one.anchor_at
    ]
    decisions = []
    for line in tx.journal.lines(object_id=incident.id, limit=100_000):
        payload = tx.journal.opened(line)
        found = payload if isinstance(payload, dict) else {}
        reason = next((str(found[name]) for name in REASONED if found.get(name)), "")
        if reason:
            decisions.append(
                Decision(at=line.occurred_at, by=line.actor, action=line.action, reason=reason)
            )
    return PostMortem(
        incident=incident,
        moments=moments,
        decisions=decisions,
        delays=_delays(incident, moments),
        clocks=clocks,
        late=late,
        backdated=[one for one in moments if one.recorded_at - one.occurred_at > _AN_HOUR],
        unknown=open_questions(incident),
        tasks=tx.records.find(Task, incident.id),
        roles=_roles(tx, moments),
        due=incident.closed_at + DUE_WITHIN if incident.closed_at else None,
    )


_AN_HOUR = timedelta(hours=1)


def _delays(incident: Incident, moments: list[Moment]) -> list[Delay]:
    def first(action: str) -> datetime | None:
        return min((one.occurred_at for one in moments if one.action == action), default=None)

    at = {
        "occurred": incident.occurred_from,
        "detected": incident.detected_at,
        "investigated": incident.investigation_started_at,
        "aware": incident.aware_at,
        "filed": min((one.filed_at for one in incident.filings), default=None),
        "informed": first("incident.persons_recorded"),
        "contained": first("incident.contained"),
        "closed": incident.closed_at,
    }
    found = []
    for since, until in STAGES:
        begin, end = at[since], at[until]
        took = end - begin if begin is not None and end is not None else None
        found.append(Delay(since=since, until=until, took=took))
    return found


def _roles(tx: CaseTx, moments: list[Moment]) -> dict[str, str]:
    """Return the roles of whoever acted: a post-mortem looks at work, not at persons."""
    accounts = {one.id: one for one in tx.accounts.all()}
    return {
        one.actor: ", ".join(accounts[one.actor].roles)
        if one.actor in accounts
        else one.actor.rpartition(":")[2] or "Sentinel"
        for one in moments
    }
