"""Verdicts that changed after the fact: each in the journal, and said on the alert that it touches.

An event is stored once and keeps the verdict of its day. The last line of the journal about it
says what is held now; a verdict that is held already is not written again, so that the same facts,
in any order and after any crash, leave the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.alert import Alert
from sentinel.domain.event import SCOPE_VERDICT
from sentinel.domain.reason import Reason
from sentinel.domain.scope import Revision, Verdict
from sentinel.respond.fold import MAX_REASONS
from sentinel.store.ports import CaseTx

ACTION = "access.revised"
REVISER = "sentinel:scope"
_PAGE = 200


def record_revisions(tx: CaseTx, judged: Sequence[Revision], now: datetime) -> list[Revision]:
    """Write down which of the accesses ``judged`` again have another verdict than is held.

    Returns those, with what was held as ``stored``. Each gets a journal line; the alerts that tell
    of it get a note, and a line.
    """
    changed = []
    for one in judged:
        held = held_marks(tx, one)
        if held == one.now:
            continue
        changed.append(msgspec.structs.replace(one, stored=held))
        tx.journal.append(
            occurred_at=now,
            actor=REVISER,
            action=ACTION,
            object_id=one.event,
            payload={"before": held, "now": one.now, "ref": one.ref, "fact": _told(one)},
        )
    _note(tx, {one.event: one for one in changed}, now)
    return changed


def held_marks(tx: CaseTx, one: Revision) -> dict[str, str | bool]:
    """Return the marks held for an access: those last written, else those stored with it."""
    for line in reversed(tx.journal.lines(object_id=one.event)):
        if line.action == ACTION:
            payload = tx.journal.opened(line)
            if isinstance(payload, dict) and isinstance(payload.get("now"), dict):
                return dict(payload["now"])
    return one.stored


def _told(one: Revision) -> dict[str, str] | None:
    if one.fact is None:
        return None
    recorded = isoformat(one.fact.recorded_at) if one.fact.recorded_at else ""
    return {"kind": one.fact.kind, "id": one.fact.id, "recorded_at": recorded}


def _note(tx: CaseTx, changed: dict[str, Revision], now: datetime) -> None:
    """Say on each alert, in its first reason, what is held of its accesses since."""
    if not changed:
        return
    for alert in _alerts(tx, min(one.time for one in changed.values())):
        touched = [changed[event] for event in alert.events if event in changed]
        new = _reasons(touched)
        if not new:
            continue
        old = [reason for reason in alert.reasons if reason not in new]
        noted = msgspec.structs.replace(
            alert,
            reasons=(*new, *old)[:MAX_REASONS],
            version=alert.version + 1,
        )
        tx.alerts.put(noted)
        tx.journal.append(
            occurred_at=now,
            actor=REVISER,
            action="alert.revised",
            object_id=alert.id,
            payload={"events": [one.event for one in touched], "count": len(touched)},
        )


def _reasons(touched: Sequence[Revision]) -> list[Reason]:
    found = []
    for one in touched:
        reason = reason_of(one)
        if reason is not None and reason not in found:
            found.append(reason)
    return found[: MAX_REASONS // 2]


def reason_of(one: Revision) -> Reason | None:
    """Return in words what changed: explained since, or no longer; None where neither."""
    if one.now[SCOPE_VERDICT] != Verdict.EXPLAINED.value:
        was = one.stored[SCOPE_VERDICT] == Verdict.EXPLAINED.value
        return Reason("scope.withdrawn") if was else None
    if one.fact is None:
        return None
    recorded = isoformat(one.fact.recorded_at) if one.fact.recorded_at else "-"
    values: dict[str, str | int | float] = {
        "kind": one.fact.kind,
        "id": one.fact.id,
        "recorded": recorded,
    }
    return Reason("scope.revised", values)


def _alerts(tx: CaseTx, since: datetime) -> Iterator[Alert]:
    """Yield the alerts whose last event is not older than ``since``, the newest first."""
    offset = 0
    while page := tx.alerts.find(limit=_PAGE, offset=offset):
        for alert in page:
            if alert.last < since:
                return
            yield alert
        offset += _PAGE
