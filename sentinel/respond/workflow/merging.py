"""Alerts into cases and out again, cases into one and apart: everything has its way back.

A merge can be taken back, a moved alert moved again. Nothing that a person wrote is changed by
it, and no time is gained: of two investigations the clock that started first goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline
from sentinel.domain.guards import Attempt
from sentinel.domain.incident import Actor, Incident, Legal
from sentinel.domain.record import Merge
from sentinel.domain.transitions import Track, permit
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.legal.rulesets import in_force
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.alerts import permitted, promote_into, save_alert
from sentinel.respond.workflow.change import Case
from sentinel.store.ports import CaseTx

EVERY_ALERT = 100_000


def attach_alerts(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    alert_ids: Sequence[str],
    reason: str,
    now: datetime,
) -> Incident:
    """Take further alerts into an open case, which learns what they know."""
    case = Case(tx, actor, incident_id, now)
    case.permit("gather_alerts", Track.LEGAL, reason=reason)
    alerts = [
        permitted(tx, actor, alert_id, "attach_alert", now, reason)
        for alert_id in _named(alert_ids)
    ]
    for alert in alerts:
        promote_into(tx, actor, now, alert, case.incident.id)
    return case.save(
        "incident.alerts_attached",
        {"alerts": [one.id for one in alerts], "reason": reason},
        **learned(case.incident, alerts),
    )


def detach_alert(
    tx: CaseTx, actor: Actor, incident_id: str, *, alert_id: str, reason: str, now: datetime
) -> Incident:
    """Take an alert out of a case; it waits for a decision again, acknowledged by ``actor``."""
    case = Case(tx, actor, incident_id, now)
    case.permit("release_alerts", Track.LEGAL, reason=reason)
    alert = _of_case(tx, actor, case.incident, alert_id, "detach_alert", now, reason)
    released = msgspec.structs.replace(
        alert,
        state=AlertState.ACKNOWLEDGED,
        incident_id="",
        acknowledged_at=alert.acknowledged_at or now,
        acknowledged_by=alert.acknowledged_by or actor.id,
    )
    save_alert(tx, actor, now, released, {"reason": reason}, action="alert.detached")
    return case.save(
        "incident.alert_detached",
        {"alert": alert.id, "reason": reason},
        **_unlearned(tx, case.incident, [alert]),
    )


def move_alert(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    alert_id: str,
    to: str,
    reason: str,
    now: datetime,
) -> Incident:
    """Move an alert to another open case; returns the case that it left."""
    case, other = Case(tx, actor, incident_id, now), Case(tx, actor, to, now)
    if case.incident.id == other.incident.id:
        raise Refused("move_alert: it is in this case already")
    case.permit("release_alerts", Track.LEGAL, reason=reason)
    other.permit("gather_alerts", Track.LEGAL, reason=reason)
    alert = _of_case(tx, actor, case.incident, alert_id, "move_alert", now, reason)
    _move(tx, actor, now, [alert], other.incident.id, reason)
    other.save(
        "incident.alerts_attached",
        {"alerts": [alert.id], "from": case.incident.reference, "reason": reason},
        **learned(other.incident, [alert]),
    )
    return case.save(
        "incident.alert_detached",
        {"alert": alert.id, "to": other.incident.reference, "reason": reason},
        **_unlearned(tx, case.incident, [alert]),
    )


def split_case(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    alert_ids: Sequence[str],
    title: str,
    reason: str,
    now: datetime,
) -> Incident:
    """Make a case of its own from some alerts of a case; returns the new one.

    The instants that a person established stay with the old case; the new one is triaged anew,
    detected when its first alert was raised.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("release_alerts", Track.LEGAL, reason=reason)
    if not title.strip():
        raise Refused("split_case: a case needs a title")
    alerts = [
        _of_case(tx, actor, case.incident, alert_id, "move_alert", now, reason)
        for alert_id in _named(alert_ids)
    ]
    fresh = Incident(
        id=uuid7(),
        reference=tx.incidents.next_reference(now.year),
        title=title.strip(),
        kind=case.incident.kind,
        created_at=now,
        created_by=actor.id,
        legal=Legal.TRIAGE,
        drill=case.incident.drill,
        detected_at=min(one.created_at for one in alerts),
    )
    fresh = msgspec.structs.replace(fresh, **learned(fresh, alerts))
    tx.incidents.put(fresh)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="incident.opened",
        object_id=fresh.id,
        payload={"reference": fresh.reference, "split_from": case.incident.reference, "version": 1},
    )
    _move(tx, actor, now, alerts, fresh.id, reason)
    case.save(
        "incident.split",
        {"alerts": [one.id for one in alerts], "into": fresh.reference, "reason": reason},
        **_unlearned(tx, case.incident, alerts),
    )
    return fresh


def merge_cases(
    tx: CaseTx, actor: Actor, incident_id: str, *, into: str, reason: str, now: datetime
) -> Incident:
    """Merge a case without a breach so far into another open one; returns that other case."""
    case, other = Case(tx, actor, incident_id, now), Case(tx, actor, into, now)
    if case.incident.id == other.incident.id:
        raise Refused("merge: a case is not merged into itself")
    if case.incident.drill is not other.incident.drill:
        raise Refused("merge: a drill and a real case are never one")
    case.permit("merge", Track.LEGAL, reason=reason)
    other.permit("gather_alerts", Track.LEGAL, reason=reason)
    if _merges(tx, case.incident.id, live=True):
        raise Refused("merge: other cases were merged into this one: undo that first")
    alerts = tx.alerts.find(incident_id=case.incident.id, limit=EVERY_ALERT)
    stopped, moved = _hand_clocks_over(case, other, reason)
    _move(tx, actor, now, alerts, other.incident.id, reason)
    merge = Merge(
        id=uuid7(),
        incident_id=other.incident.id,
        created_at=now,
        created_by=actor.id,
        source_id=case.incident.id,
        reason=reason,
        alerts=tuple(one.id for one in alerts),
        stopped=stopped,
        moved=moved,
    )
    tx.records.put(merge)
    case.save(
        "incident.merged",
        {"into": other.incident.reference, "merge": merge.id, "reason": reason},
        merged_into=other.incident.reference,
    )
    detected = [one for one in (case.incident.detected_at, other.incident.detected_at) if one]
    return other.save(
        "incident.took_in",
        {"case": case.incident.reference, "merge": merge.id, "reason": reason},
        **{
            **learned(other.incident, alerts),
            "detected_at": min(detected) if detected else None,
        },
    )


def undo_merge(
    tx: CaseTx, actor: Actor, incident_id: str, *, reason: str, now: datetime
) -> Incident:
    """Take a merged case out again, with its alerts and clocks; returns it.

    An alert that was moved on meanwhile stays where it is.
    """
    case = Case(tx, actor, incident_id, now)
    case.permit("undo_merge", Track.LEGAL, reason=reason)
    if not case.incident.merged_into:
        raise Refused("undo_merge: the case was merged into none")
    other = Case(tx, actor, case.incident.merged_into, now)
    merge = next(
        one
        for one in _merges(tx, other.incident.id, live=True)
        if one.source_id == case.incident.id
    )
    inside = {
        one.id: one for one in tx.alerts.find(incident_id=other.incident.id, limit=EVERY_ALERT)
    }
    alerts = [inside[one] for one in merge.alerts if one in inside]
    _move(tx, actor, now, alerts, case.incident.id, reason)
    _give_clocks_back(tx, other.incident.id, merge, now)
    tx.records.put(
        msgspec.structs.replace(merge, undone_at=now, undone_by=actor.id, version=merge.version + 1)
    )
    other.save(
        "incident.gave_back",
        {"case": case.incident.reference, "reason": reason},
        **_unlearned(tx, other.incident, alerts),
    )
    return case.save("incident.merge_undone", {"reason": reason}, merged_into="")


def learned(incident: Incident, alerts: Sequence[Alert]) -> dict[str, Any]:
    """Return what a case knows with ``alerts``: actors, window and, until frozen, persons."""
    changes: dict[str, Any] = (
        {
            "actors": _union(incident.actors, [one.actor for one in alerts if one.actor]),
            "occurred_from": min(_known(incident.occurred_from, [one.first for one in alerts])),
            "occurred_to": max(_known(incident.occurred_to, [one.last for one in alerts])),
        }
        if alerts
        else {}
    )
    if incident.affected is None and alerts:
        changes["subjects"] = _union(incident.subjects, _each("subjects", alerts))
        changes["categories"] = _union(incident.categories, _each("categories", alerts))
    return changes


def _unlearned(tx: CaseTx, incident: Incident, gone: Sequence[Alert]) -> dict[str, Any]:
    """Return what a case knows without the alerts that left: what others tell too is kept."""
    kept = tx.alerts.find(incident_id=incident.id, limit=EVERY_ALERT)
    actors = {one.actor for one in gone} - {one.actor for one in kept}
    changes: dict[str, Any] = {"actors": tuple(one for one in incident.actors if one not in actors)}
    if incident.affected is None:
        for name in ("subjects", "categories"):
            only = set(_each(name, gone)) - set(_each(name, kept))
            changes[name] = tuple(one for one in getattr(incident, name) if one not in only)
    if kept and incident.occurred_from in {one.first for one in gone}:
        changes["occurred_from"] = min(one.first for one in kept)
    if kept and incident.occurred_to in {one.last for one in gone}:
        changes["occurred_to"] = max(one.last for one in kept)
    return changes


def _hand_clocks_over(
    case: Case, other: Case, reason: str
) -> tuple[tuple[Deadline, ...], tuple[Deadline, ...]]:
    """Stop the source's clocks; the target's investigation takes the earlier start."""
    tx, now = case.tx, case.now
    running = tuple(tx.incidents.deadlines(case.incident.id, open_only=True))
    moved: list[Deadline] = []
    for clock in running:
        same = [
            one
            for one in tx.incidents.deadlines(other.incident.id, open_only=True)
            if one.obligation == clock.obligation
        ]
        if not same and other.incident.aware_at is None:
            raise Refused(
                f"merge: {clock.obligation} runs here and not in {other.incident.reference}",
                hint="start its investigation first, or merge the other way round",
            )
        for one in same:
            if clock.anchor_at < one.anchor_at:
                moved.append(one)
                clocks.move(tx, one, in_force(clock.anchor_at), clock.anchor_at, now)
    why = f"merged into {other.incident.reference}: {reason}"
    clocks.waive(tx, case.incident.id, {clock.obligation for clock in running}, why, now)
    return running, tuple(moved)


def _give_clocks_back(tx: CaseTx, other_id: str, merge: Merge, now: datetime) -> None:
    stored = {one.id: one for one in tx.incidents.deadlines(merge.source_id)}
    for clock in merge.stopped:
        clocks.revive(tx, stored[clock.id], clock.alarms, now)
    target = {one.id: one for one in tx.incidents.deadlines(other_id, open_only=True)}
    for clock in merge.moved:
        if clock.id in target:
            rules = in_force(clock.anchor_at)
            clocks.move(tx, target[clock.id], rules, clock.anchor_at, now)


def _merges(tx: CaseTx, incident_id: str, *, live: bool) -> list[Merge]:
    found = tx.records.find(Merge, incident_id)
    return [one for one in found if not live or one.undone_at is None]


def _move(
    tx: CaseTx, actor: Actor, now: datetime, alerts: Iterable[Alert], to: str, reason: str
) -> None:
    for alert in alerts:
        moved = msgspec.structs.replace(alert, incident_id=to)
        payload: dict[str, object] = {"from": alert.incident_id, "to": to, "reason": reason}
        save_alert(tx, actor, now, moved, payload, action="alert.moved")


def _of_case(
    tx: CaseTx,
    actor: Actor,
    incident: Incident,
    alert_id: str,
    command: str,
    now: datetime,
    reason: str,
) -> Alert:
    alert = tx.alerts.get(alert_id)
    permit(command, alert.state, Attempt(actor=actor, now=now, reason=reason))
    if alert.incident_id != incident.id:
        raise Refused(f"{command}: the alert is not of {incident.reference}")
    return alert


def _named(alert_ids: Sequence[str]) -> list[str]:
    if not alert_ids:
        raise Refused("name at least one alert")
    return list(dict.fromkeys(alert_ids))


def _each(name: str, alerts: Iterable[Alert]) -> list[str]:
    return [value for alert in alerts for value in getattr(alert, name)]


def _union(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*known, *more}))


def _known(first: datetime | None, more: list[datetime]) -> list[datetime]:
    return more if first is None else [first, *more]
