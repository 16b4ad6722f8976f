"""The notification to the authority (GDPR art. 33). A person files; this records what was filed.

A filing made outside is always recordable: missing reasons for lateness, or a missing second
person, become overdue tasks that block closing, so that nobody is stopped at three in the morning.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.deadline import Obligation
from sentinel.domain.incident import (
    Actor,
    Authority,
    Filing,
    FilingKind,
    Incident,
    Legal,
    Outcome,
)
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.legal.rulesets import in_force
from sentinel.respond.humans import same_human
from sentinel.respond.workflow import clocks
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.lateness import ask_for_late_reasons
from sentinel.store.ports import CaseTx


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a filing: ids of frozen dossier and receipt, account of who approved."""

    dossier: str = ""
    receipt: str = ""
    approved_by: str = ""


def record_filing(  # noqa: PLR0913 - what a receipt says, each by name
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    kind: str,
    number: str,
    filed_at: datetime,
    now: datetime,
    reasons: str = "",
    proof: Proof | None = None,
) -> Incident:
    """Record a filing: ``kind`` is a FilingKind, ``number`` as the receipt says it.

    Meets CNIL-72 (and CNIL-COMP) at ``filed_at``. ``reasons``: for the delay, in the words of the
    filing. Where it was late and the case has no reasons with dated facts and evidence (see
    `lateness.explain_lateness`), the task LATE-REASONS opens; FILING-APPROVAL waits for a second
    person, unless ``proof`` names who approved the dossier that was filed. Neither stops the
    recording.
    """
    case = Case(tx, actor, incident_id, now)
    filing = _filing(actor, kind, number, filed_at, now, reasons)
    if proof is not None:
        filing = msgspec.structs.replace(
            filing, dossier=proof.dossier, receipt=proof.receipt, approved_by=proof.approved_by
        )
    row = case.permit(f"file_{filing.kind}", Track.AUTHORITY)
    target = Authority(row.target) if row.target else case.incident.authority
    again = _taken_up_again(case)
    _stop_clocks(tx, case.incident.id, filing)
    if not filing.approved_by:
        basis = "four eyes on a filing with the authority"
        clocks.task(tx, case.incident.id, Obligation.FILING_APPROVAL, basis, now)
    ask_for_late_reasons(tx, case.incident, now)
    return case.save(
        "incident.filing_recorded",
        {
            "kind": filing.kind,
            "number": number,
            "filed_at": isoformat(filing.filed_at),
            "reasons": reasons,
            "reopened": bool(again),
            "dossier": filing.dossier,
            "receipt": filing.receipt,
            "approved_by": filing.approved_by,
        },
        at=filing.filed_at,
        authority=target,
        filings=(*case.incident.filings, filing),
        **again,
    )


def _taken_up_again(case: Case) -> dict[str, object]:
    """Return what changes where the case was closed: its tasks must find it open."""
    if case.incident.legal is not Legal.CLOSED:
        return {}
    known = case.incident.aware_at is not None
    row = case.permit("reopen_breach_by_filing" if known else "reopen_by_filing", Track.LEGAL)
    return {"legal": Legal(row.target), "outcome": Outcome.NONE, "closed_at": None}


def approve_filing(tx: CaseTx, actor: Actor, incident_id: str, *, now: datetime) -> Incident:
    """Stand for the filings that others recorded, as the second person."""
    case = Case(tx, actor, incident_id, now)
    case.permit("approve_filing", Track.AUTHORITY)
    waiting = [one for one in case.incident.filings if not one.approved_by]
    if any(same_human(tx, one.recorded_by, actor) for one in waiting):
        raise Refused("approve_filing: the author cannot be the approver")
    clocks.meet(tx, case.incident.id, [Obligation.FILING_APPROVAL], now)
    approved = tuple(
        one if one.approved_by else msgspec.structs.replace(one, approved_by=actor.id)
        for one in case.incident.filings
    )
    return case.save("incident.filing_approved", {"filings": len(approved)}, filings=approved)


def decide_no_notification(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    reasons: str,
    now: datetime,
    approved_by: Actor | None = None,
) -> Incident:
    """Decide, as two people, that no risk is likely: nothing is filed, the register keeps why."""
    case = Case(tx, actor, incident_id, now)
    case.permit("decide_no_notification", Track.AUTHORITY, reason=reasons, approver=approved_by)
    clocks.waive(tx, case.incident.id, [Obligation.CNIL_72], reasons, now)
    return case.save(
        "incident.notification_waived",
        {"reasons": reasons, "approved_by": approved_by.id if approved_by else ""},
        authority=Authority.NOT_DUE,
    )


def _filing(
    actor: Actor, kind: str, number: str, filed_at: datetime, now: datetime, reasons: str
) -> Filing:
    if kind not in list(FilingKind):
        raise Refused(f"record_filing: {kind!r} is none of {', '.join(FilingKind)}")
    if not number.strip():
        raise Refused("record_filing: the number on the receipt is missing")
    if filed_at.tzinfo is None or filed_at > now:
        raise Refused("record_filing: filed_at needs an offset and lies in the past")
    return Filing(
        kind=FilingKind(kind),
        number=number.strip(),
        filed_at=filed_at.astimezone(UTC),
        recorded_at=now,
        recorded_by=actor.id,
        late_reasons=reasons,
    )


def _stop_clocks(tx: CaseTx, incident_id: str, filing: Filing) -> None:
    if filing.kind is FilingKind.WITHDRAW:
        reason = "the notification was withdrawn"
        clocks.waive(tx, incident_id, [Obligation.CNIL_COMP], reason, filing.recorded_at)
        return
    stopped = [Obligation.CNIL_72]
    if filing.kind is not FilingKind.INITIAL:
        stopped.append(Obligation.CNIL_COMP)
    clocks.meet(tx, incident_id, stopped, filing.filed_at)
    if filing.kind is FilingKind.INITIAL:
        rules = in_force(filing.filed_at)
        clocks.start(tx, incident_id, rules, Obligation.CNIL_COMP, filing.filed_at)
