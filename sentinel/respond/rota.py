"""The rota of the data protection officer: absences, who is on duty, where the alarms go.

A deputy acts under an account of his own, with the role of the officer. Being on duty gives nobody
a second pair of eyes: author and approver are compared by account, whoever stands in for whom.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.account import Account
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Actor, Role
from sentinel.domain.rota import ROTA, Absence, Duty, on_duty
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx

KEEPERS = (Role.DPO, Role.DIRECTOR, Role.LEGAL)
Route = Callable[[Deadline], Sequence[str]]


def account(tx: CaseTx, name: str) -> Account:
    """Return an account by sign-in name or id. Raises NotFound."""
    found = tx.accounts.by_name(name) or tx.accounts.get(name)
    if found is None:
        raise NotFound(f"account {name}")
    return found


def record_absence(
    tx: CaseTx,
    actor: Actor,
    *,
    person: str,
    deputy: str,
    since: datetime,
    until: datetime,
    now: datetime,
) -> Absence:
    """Write down that somebody is away, and who stands in. Raises Refused, NotFound."""
    _require_keeper(actor)
    away, stands_in = account(tx, person), account(tx, deputy)
    if until <= since or until <= now:
        raise Refused("an absence ends after it begins, and after now")
    if stands_in.id == away.id:
        raise Refused("nobody is a deputy of himself")
    if stands_in.disabled or Role.DPO not in stands_in.roles:
        raise Refused(f"{stands_in.name} cannot stand in: an account with the role dpo is needed")
    made = Absence(
        id=uuid7(),
        incident_id=ROTA,
        created_at=now,
        created_by=actor.id,
        person=away.id,
        deputy=stands_in.id,
        since=since,
        until=until,
    )
    known = [*absences(tx), made]
    for instant in {since} | {one.since for one in known if since <= one.since < until}:
        if not on_duty(known, away.id, instant).person:
            raise Refused("then nobody would be on duty: the deputies stand in for each other")
    tx.records.put(made)
    _journal(
        tx, actor, now, "rota.absence",
        {"person": away.id, "deputy": stands_in.id, "since": isoformat(since),
         "until": isoformat(until)},
    )  # fmt: skip
    return made


def end_absence(tx: CaseTx, actor: Actor, *, person: str, now: datetime) -> list[Absence]:
    """Write down that somebody is back; return the absences that this ended."""
    _require_keeper(actor)
    back = account(tx, person)
    ended = [
        msgspec.structs.replace(one, ended_at=now, version=one.version + 1)
        for one in absences(tx)
        if one.person == back.id and one.ended_at is None and one.until > now
    ]
    for one in ended:
        tx.records.put(one)
    if ended:
        _journal(tx, actor, now, "rota.back", {"person": back.id})
    return ended


def absences(tx: CaseTx) -> list[Absence]:
    """Return every absence on record."""
    return tx.records.find(Absence, ROTA)


def duty_at(tx: CaseTx, officer: str, at: datetime) -> Duty:
    """Return who is on duty for the officer (sign-in name) at ``at``. Raises NotFound."""
    return on_duty(absences(tx), account(tx, officer).id, at)


def route_to_duty(
    tx: CaseTx,
    route: Route,
    *,
    officer: str,
    channels: Mapping[str, str],
    live: Collection[str],
    now: datetime,
) -> Route:
    """Return ``route``, by which alarms reach the deputy where the officer is away.

    ``channels``: sign-in name -> channel of that person. ``live``: channels that can send. Where
    the deputy has no channel that can send, the officer keeps receiving: an alarm is never lost.
    """
    known = tx.accounts.by_name(officer) if officer else None
    if known is None:
        return route
    duty = on_duty(absences(tx), known.id, now)
    deputy = tx.accounts.get(duty.person) if duty.person and duty.through else None
    theirs = channels.get(deputy.name, "") if deputy else ""
    if not theirs or theirs not in live:
        return route
    officers = channels.get(known.name, "")

    def to_duty(deadline: Deadline) -> list[str]:
        others = [one for one in route(deadline) if one not in (officers, theirs)]
        return [theirs, *others]

    return to_duty


def _require_keeper(actor: Actor) -> None:
    if not actor.has(*KEEPERS) or actor.has(Role.ADMIN):
        raise Refused("the rota takes the role " + " or ".join(sorted(KEEPERS)))


def _journal(
    tx: CaseTx, actor: Actor, now: datetime, action: str, payload: dict[str, object]
) -> None:
    tx.journal.append(
        occurred_at=now, actor=actor.id, action=action, object_id=ROTA, payload=payload
    )
