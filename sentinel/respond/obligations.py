"""The calendar at work: what was done, with its proof; what rings because it was not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.incident import Actor, Role
from sentinel.domain.outbox import Message
from sentinel.domain.recurring import Completion, Recurring, Standing, State, standings
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.respond.own_alarm import OwnAlarm, Route, enqueue
from sentinel.store.ports import CaseTx

WATCH = "sentinel:calendar"
SINCE, RUNG = "calendar:since", "calendar:rung"
KIND = "calendar_alarm"
HEX = 64


def since(tx: CaseTx, today: date, *, set_on: date | None = None) -> date:
    """Return from when what was never done counts: the setting, else the day of the first look."""
    if set_on is not None:
        return set_on
    stored = tx.state.get(SINCE)
    return date.fromisoformat(stored.decode()) if stored else today


def look(
    tx: CaseTx, obligations: Sequence[Recurring], today: date, *, set_on: date | None = None
) -> list[Standing]:
    """Return where every obligation stands, the most urgent first."""
    done = tx.records.find(Completion)
    return standings(obligations, done, since=since(tx, today, set_on=set_on), today=today)


def complete(
    tx: CaseTx,
    actor: Actor,
    obligation: Recurring,
    *,
    done_on: date,
    proof: str,
    sha256: str,
    now: datetime,
    note: str = "",
) -> Completion:
    """Record that an obligation was met, with the SHA-256 of what proves it. Raises Refused."""
    if not actor.has(obligation.owner, Role.DPO, Role.DIRECTOR) or actor.has(Role.ADMIN):
        raise Refused(f"{obligation.id} takes the role {obligation.owner}, dpo or director")
    return record(
        tx, actor, obligation, done_on=done_on, proof=proof, sha256=sha256, now=now, note=note
    )


def record(
    tx: CaseTx,
    actor: Actor,
    obligation: Recurring,
    *,
    done_on: date,
    proof: str,
    sha256: str,
    now: datetime,
    note: str = "",
) -> Completion:
    """Record it for somebody whose right to it was checked already: a review that was signed."""
    if done_on > now.date() + timedelta(days=1):
        raise Refused("what is still to come was not done")
    if len(sha256) != HEX or not proof.strip():
        raise Refused(f"{obligation.id}: name the file that proves it")
    made = Completion(
        id=uuid7(),
        incident_id=f"calendar:{obligation.id}",
        created_at=now,
        created_by=actor.id,
        obligation=obligation.id,
        done_on=done_on,
        proof=proof.strip(),
        sha256=sha256,
        note=note.strip(),
    )
    tx.records.put(made)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="calendar.done",
        object_id=made.incident_id,
        payload={"on": done_on.isoformat(), "proof": made.proof, "sha256": sha256, "note": note},
    )
    return made


def named(obligations: Sequence[Recurring], name: str) -> Recurring:
    """Return an obligation by its id. Raises NotFound."""
    for one in obligations:
        if one.id == name:
            return one
    raise NotFound(f"obligation {name}", hint=", ".join(one.id for one in obligations))


def ring(
    tx: CaseTx,
    obligations: Sequence[Recurring],
    now: datetime,
    *,
    today: date,
    route: Route,
    set_on: date | None = None,
) -> list[Message]:
    """Write a message for each obligation that comes near or is overdue; each stage rings once.

    The journal tells that it rang even where ``route`` names no channel.
    """
    if set_on is None and tx.state.get(SINCE) is None:
        tx.state.put(SINCE, today.isoformat().encode())
    stored = tx.state.get(RUNG)
    rung = msgspec.json.decode(stored, type=dict[str, str]) if stored else {}
    messages: list[Message] = []
    for one in look(tx, obligations, today, set_on=set_on):
        stage = one.stage(today)
        if stage and rung.get(one.obligation.id) != stage:
            rung[one.obligation.id] = stage
            messages += _ring(tx, one, stage, now, today, route)
    tx.state.put(RUNG, msgspec.json.encode(rung))
    return messages


def _ring(
    tx: CaseTx, one: Standing, stage: str, now: datetime, today: date, route: Route
) -> list[Message]:
    about = f"calendar:{one.obligation.id}"
    context: dict[str, object] = {
        "obligation": one.obligation.id,
        "title": {"fr": one.obligation.fr, "en": one.obligation.en},
        "owner": one.obligation.owner.value,
        "basis": one.obligation.basis,
        "due": one.due.isoformat(),
        "overdue": one.state is State.OVERDUE,
        "days": abs((today - one.due).days),
        "last": one.last.done_on.isoformat() if one.last else "",
    }
    tx.journal.append(
        occurred_at=now,
        actor=WATCH,
        action="calendar.alarm",
        object_id=about,
        payload={"stage": stage, "at": isoformat(now)},
    )
    told = OwnAlarm(
        kind=KIND,
        about=about,
        key=f"{about}:{stage}",
        obligation="CALENDAR",
        basis=one.obligation.basis,
        context=context,
    )
    return enqueue(tx, told, route, now)
