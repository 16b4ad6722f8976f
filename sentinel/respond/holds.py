"""Legal holds at work: proposed, approved by another human, reviewed, released (promise R-55)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from sentinel.domain.event import SUBJECT, USER
from sentinel.domain.guards import Attempt, written_reason
from sentinel.domain.hold import REVIEW_DAYS, Hold, HoldReview, HoldScope, HoldState
from sentinel.domain.hunt import ALWAYS, All, Any_, Condition, Test
from sentinel.domain.hunt import SOURCE as SOURCE_FIELD
from sentinel.domain.hunt import Op as Operator
from sentinel.domain.incident import Actor, Role
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx

PROPOSERS = (Role.DPO, Role.LEGAL, Role.COMMANDER)
APPROVERS = (Role.DPO, Role.LEGAL, Role.DIRECTOR)
OF_NO_CASE = "holds"


def propose(
    tx: CaseTx,
    actor: Actor,
    *,
    name: str,
    reason: str,
    scope: HoldScope,
    review_by: date,
    now: datetime,
) -> Hold:
    """Ask for a hold; it protects for a few days until a second person approves. Raises Refused."""
    _permit(actor, PROPOSERS, "propose")
    _reasoned(actor, reason, now)
    _review_day(review_by, now)
    if scope.empty:
        raise Refused("hold: name what is held: a case, a person, a source or a time")
    if scope.since and scope.until and scope.since >= scope.until:
        raise Refused("hold: its time ends before it begins")
    if not name.strip() or any(one.name == name.strip() for one in standing(tx)):
        raise Refused("hold: a name of its own is needed")
    if scope.case:
        scope = msgspec.structs.replace(scope, case=tx.incidents.get(scope.case).id)
    made = Hold(
        id=uuid7(),
        incident_id=OF_NO_CASE,
        created_at=now,
        created_by=actor.id,
        name=name.strip(),
        reason=reason.strip(),
        scope=scope,
        review_by=review_by,
        human=actor.human,
    )
    return _save(tx, actor, made, "hold.proposed", reason, now)


def approve(tx: CaseTx, actor: Actor, hold_id: str, *, now: datetime) -> Hold:
    """Put a proposed hold into force, as the second person. Raises Refused, NotFound."""
    hold = _in_state(named(tx, hold_id), HoldState.PROPOSED)
    _permit(actor, APPROVERS, "approve")
    if actor.human == hold.human or actor.id == hold.created_by:
        raise Refused("hold: the author cannot be the approver")
    changed = msgspec.structs.replace(
        hold, state=HoldState.IN_FORCE, approved_at=now, approved_by=actor.id
    )
    return _save(tx, actor, _next(changed), "hold.approved", "", now)


def review(
    tx: CaseTx, actor: Actor, hold_id: str, *, reason: str, next_by: date, now: datetime
) -> Hold:
    """Say why a hold stays, and when to look again. Raises Refused, NotFound."""
    hold = _in_state(named(tx, hold_id), HoldState.IN_FORCE)
    _permit(actor, APPROVERS, "review")
    _reasoned(actor, reason, now)
    _review_day(next_by, now)
    looked = HoldReview(at=now, by=actor.id, reason=reason.strip(), next_by=next_by)
    changed = msgspec.structs.replace(hold, reviews=(*hold.reviews, looked), review_by=next_by)
    return _save(tx, actor, _next(changed), "hold.reviewed", reason, now)


def end(tx: CaseTx, actor: Actor, hold_id: str, *, reason: str, now: datetime) -> Hold:
    """Release a hold, or refuse a proposed one: the next purge takes what is due."""
    hold = named(tx, hold_id)
    states = {HoldState.IN_FORCE: HoldState.RELEASED, HoldState.PROPOSED: HoldState.REFUSED}
    if hold.state not in states:
        raise Refused(f"hold: it is {hold.state} already")
    _permit(actor, APPROVERS, "end")
    _reasoned(actor, reason, now)
    changed = msgspec.structs.replace(
        hold,
        state=states[hold.state],
        ended_at=now,
        ended_by=actor.id,
        ended_reason=reason.strip(),
    )
    return _save(tx, actor, _next(changed), f"hold.{changed.state}", reason, now)


def named(tx: CaseTx, hold_id: str) -> Hold:
    """Return a hold by its id, or by its name where one that stands has it. Raises NotFound."""
    for one in tx.records.find(Hold):
        if one.id == hold_id or (one.name == hold_id and one in standing(tx)):
            return one
    raise NotFound(f"hold {hold_id}", hint="sentinel hold list")


def standing(tx: CaseTx) -> list[Hold]:
    """Return the holds that are proposed or in force, oldest first."""
    ended = (HoldState.RELEASED, HoldState.REFUSED)
    return [one for one in tx.records.find(Hold) if one.state not in ended]


def protecting(tx: CaseTx, now: datetime) -> list[Hold]:
    """Return the holds that keep the purge away at ``now``."""
    return [one for one in tx.records.find(Hold) if one.protects(now)]


def overdue(tx: CaseTx, today: date) -> list[Hold]:
    """Return the holds whose review is missing."""
    return [one for one in tx.records.find(Hold) if one.overdue(today)]


def condition(scope: HoldScope) -> Condition:
    """Return which events a hold is about, but for their time."""
    parts: list[Condition] = []
    if scope.person:
        fields = (USER, SUBJECT)
        parts.append(Any_(tuple(Test(name, Operator.IS, scope.person) for name in fields)))
    if scope.source:
        parts.append(Test(SOURCE_FIELD, Operator.IS, scope.source))
    return All(tuple(parts)) if parts else ALWAYS


def holds_case(holds: Iterable[Hold], incident_id: str) -> Hold | None:
    """Return the hold that keeps a case, if one does."""
    return next((one for one in holds if one.scope.case == incident_id), None)


def _permit(actor: Actor, roles: tuple[Role, ...], act: str) -> None:
    if not actor.has(*roles) or actor.has(Role.ADMIN):
        wanted = ", ".join(role.value for role in roles)
        raise Refused(f"hold: to {act} it takes one of the roles {wanted}")


def _reasoned(actor: Actor, reason: str, now: datetime) -> None:
    refused = written_reason(Attempt(actor=actor, now=now, reason=reason))
    if refused:
        raise Refused(f"hold: {refused}")


def _review_day(day: date, now: datetime) -> None:
    today = now.date()
    if not today < day <= today + timedelta(days=REVIEW_DAYS):
        raise Refused(f"hold: it is reviewed within {REVIEW_DAYS} days, and not today")


def _in_state(hold: Hold, state: HoldState) -> Hold:
    if hold.state is not state:
        raise Refused(f"hold: it is {hold.state}, not {state}")
    return hold


def _next(hold: Hold) -> Hold:
    return msgspec.structs.replace(hold, version=hold.version + 1)


def _save(tx: CaseTx, actor: Actor, hold: Hold, action: str, reason: str, now: datetime) -> Hold:
    tx.records.put(hold)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=action,
        object_id=f"hold:{hold.id}",
        payload={"hold": msgspec.to_builtins(hold), "reason": reason.strip()},
    )
    return hold
