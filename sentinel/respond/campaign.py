"""The commands on a campaign of letters: who may, from which state, with which journal line.

Nothing here sends. A state and its line are one transaction; what lets letters out is the gate of
the ledger, which the caller sets: shut before the line is written, opened only after it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.approval import Approval
from sentinel.domain.campaign import (
    COVERAGE_AFTER,
    COVERAGE_WANTED,
    Campaign,
    CampaignKind,
    CampaignState,
)
from sentinel.domain.incident import Actor, Role
from sentinel.domain.record import Task
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.respond.campaign_rules import (
    EVERYBODY,
    KEEPERS,
    MOVES,
    PREPARERS,
    READERS,
    SYSTEM,
    check,
    in_time,
    may,
    reasoned,
)
from sentinel.store.ports import CaseTx

__all__ = [
    "EVERYBODY",
    "KEEPERS",
    "MOVES",
    "PREPARERS",
    "READERS",
    "SYSTEM",
    "check",
    "in_time",
    "may",
    "reasoned",
]
_S = CampaignState


def put_new(tx: CaseTx, actor: Actor, campaign: Campaign, now: datetime) -> Campaign:
    """Record a campaign that was prepared. Raises Refused."""
    may(actor, PREPARERS, "preparing a campaign")
    if campaign.kind is CampaignKind.CHANGE_NOTICE:
        if campaign.effective_at is None:
            raise Refused("a change notice says from when the change holds")
        in_time(campaign, now)
    tx.records.put(campaign)
    _journal(
        tx,
        actor,
        campaign,
        "campaign.prepared",
        now,
        kind=campaign.kind.value,
        letter_sha256=campaign.letter_sha256,
        audience_sha256=campaign.audience_sha256,
        audience_query=campaign.audience_query,
        persons=campaign.audience_count,
        effective_at=isoformat(campaign.effective_at) if campaign.effective_at else "",
        **campaign.audience_counts,
    )
    return campaign


def get(tx: CaseTx, campaign_id: str) -> Campaign:
    """Return a campaign by its id or the end of it (6 characters or more). Raises NotFound."""
    if len(campaign_id) < 36:  # noqa: PLR2004 - of a UUID
        found = [one for one in tx.records.find(Campaign) if one.id.endswith(campaign_id)]
        if len(found) == 1 and len(campaign_id) >= 6:  # noqa: PLR2004
            return found[0]
        raise NotFound(f"campaign {campaign_id}")
    return tx.records.get(Campaign, campaign_id)


def start(
    tx: CaseTx,
    actor: Actor,
    campaign: Campaign,
    approval: Approval,
    *,
    again: str = "",
    now: datetime,
) -> Campaign:
    """Let the first letters out. ``again``: why persons of this case are written to once more."""
    check(actor, campaign, "start", "", now)
    if campaign.kind is CampaignKind.CHANGE_NOTICE:
        in_time(campaign, now)
    others = [
        one
        for one in tx.records.find(Campaign, campaign.incident_id)
        if one.id != campaign.id and one.started_at is not None and campaign.incident_id
    ]
    if others:
        reasoned(actor, again, now, "letters of this case have been sent before: --again")
    given = approval.approved.account if approval.approved else ""
    return save(
        tx,
        actor,
        campaign,
        "campaign.started",
        now,
        {"approval": approval.id, "canary": campaign.canary, "again": again},
        state=_S.CANARY,
        started_at=now,
        approval_id=approval.id,
        approved_by=(approval.created_by, given),
    )


def release(tx: CaseTx, actor: Actor, campaign: Campaign, now: datetime) -> Campaign:
    """Let the others out after a person has looked at what became of the first ones."""
    check(actor, campaign, "continue", "", now)
    return save(tx, actor, campaign, "campaign.continued", now, {}, state=_S.RUNNING)


def resume(tx: CaseTx, actor: Actor, campaign: Campaign, now: datetime) -> Campaign:
    """Go on after a pause, where it was."""
    check(actor, campaign, "resume", "", now)
    state = _S.CANARY if campaign.canary_ended_at is None else _S.RUNNING
    return save(tx, actor, campaign, "campaign.resumed", now, {}, state=state, reason="")


def pause(tx: CaseTx, actor: Actor, campaign: Campaign, *, reason: str, now: datetime) -> Campaign:
    """Hold the letters back that have not left."""
    if actor is not SYSTEM:
        check(actor, campaign, "pause", reason, now)
    return save(
        tx,
        actor,
        campaign,
        "campaign.paused",
        now,
        {"reason": reason},
        state=_S.PAUSED,
        reason=reason,
    )


def stop(tx: CaseTx, actor: Actor, campaign: Campaign, *, reason: str, now: datetime) -> Campaign:
    """End it for good: what has not left by now never leaves."""
    check(actor, campaign, "stop", reason, now)
    return save(
        tx,
        actor,
        campaign,
        "campaign.stopped",
        now,
        {"reason": reason},
        state=_S.STOPPED,
        reason=reason,
        ended_at=now,
    )


def canary_done(
    tx: CaseTx, campaign: Campaign, counts: Mapping[str, int], now: datetime
) -> Campaign:
    """Write that the first letters are out, and wait for a person."""
    return save(
        tx,
        SYSTEM,
        campaign,
        "campaign.canary_done",
        now,
        dict(counts),
        state=_S.CANARY_DONE,
        canary_ended_at=now,
    )


def sent(tx: CaseTx, campaign: Campaign, counts: Mapping[str, int], now: datetime) -> Campaign:
    """Write that no letter waits any more."""
    return save(
        tx, SYSTEM, campaign, "campaign.sent", now, dict(counts), state=_S.SENT, ended_at=now
    )


def ask_for_publicity(
    tx: CaseTx, campaign: Campaign, coverage: float, *, language: str, now: datetime
) -> Campaign | None:
    """Open the decision on a public communication where too few were reached after 72 hours.

    GDPR art. 34(3)(c). Once for each campaign; None where it is not time, or enough were reached.
    """
    started = campaign.started_at
    due = (
        campaign.kind is CampaignKind.BREACH_LETTER
        and started is not None
        and now - started >= COVERAGE_AFTER
        and campaign.coverage_asked_at is None
        and coverage < COVERAGE_WANTED
    )
    if not due:
        return None
    percent = f"{coverage * 100:.1f}"
    title = (
        f"Décider d’une communication publique (RGPD art. 34(3)(c)) : "
        f"{percent.replace('.', ',')} % des personnes sont atteintes après 72 heures"
        if language == "fr"
        else f"Decide on a public communication (GDPR art. 34(3)(c)): {percent}% of the persons "
        "are reached after 72 hours"
    )
    tx.records.put(
        Task(
            id=uuid7(),
            incident_id=campaign.incident_id,
            created_at=now,
            created_by=SYSTEM.id,
            title=title,
            owner=Role.DPO.value,
            due_at=now + (COVERAGE_AFTER / 3),
            origin=f"campaign:{campaign.id}",
        )
    )
    return save(
        tx,
        SYSTEM,
        campaign,
        "campaign.coverage_low",
        now,
        {"coverage_percent": percent},
        coverage_asked_at=now,
    )


def save(
    tx: CaseTx,
    actor: Actor,
    campaign: Campaign,
    action: str,
    now: datetime,
    payload: dict[str, Any],
    **changes: Any,
) -> Campaign:
    """Store ``changes`` as the next version with its journal line."""
    changed = msgspec.structs.replace(campaign, **changes, version=campaign.version + 1)
    tx.records.put(changed)
    _journal(tx, actor, changed, action, now, **payload)
    return changed


def note(
    tx: CaseTx, actor: Actor, campaign: Campaign, action: str, now: datetime, **payload: Any
) -> None:
    """Write a journal line that changes nothing of the record."""
    _journal(tx, actor, campaign, action, now, **payload)


def _journal(
    tx: CaseTx, actor: Actor, campaign: Campaign, action: str, now: datetime, **payload: Any
) -> None:
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=action,
        object_id=campaign.incident_id or campaign.id,
        payload={"campaign": campaign.id, "version": campaign.version, **payload},
    )
