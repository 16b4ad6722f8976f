"""Four eyes at a distance: one person proposes, a second approves, and only then it happens.

What is approved is what was asked: the proposal carries a hash of command and arguments, and the
command runs in the name of its author, with the roles that the author holds at that moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from sentinel.domain.deadline import resolve_local
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.domain.record import Proposal, ProposalState
from sentinel.domain.transitions import Track
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.humans import same_human
from sentinel.respond.workflow.authority import decide_no_notification
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.closing import close
from sentinel.respond.workflow.investigation import amend_awareness
from sentinel.store.ports import CaseTx


def _close(case: Case, author: Actor, approver: Actor, given: Mapping[str, Any]) -> Incident:
    return close(
        case.tx,
        author,
        case.incident.id,
        outcome=str(given["outcome"]),
        reason=str(given["reason"]),
        now=case.now,
        approved_by=approver,
    )


def _no_notification(
    case: Case, author: Actor, approver: Actor, given: Mapping[str, Any]
) -> Incident:
    return decide_no_notification(
        case.tx,
        author,
        case.incident.id,
        reasons=str(given["reasons"]),
        now=case.now,
        approved_by=approver,
    )


def _awareness(case: Case, author: Actor, approver: Actor, given: Mapping[str, Any]) -> Incident:
    return amend_awareness(
        case.tx,
        author,
        case.incident.id,
        aware_at=resolve_local(str(given["aware_at"]), ""),
        basis=str(given["basis"]),
        now=case.now,
        approvals=(approver,),
    )


Run = Callable[[Case, Actor, Actor, Mapping[str, Any]], Incident]

PROPOSABLE: Mapping[str, tuple[frozenset[str], Run]] = MappingProxyType(
    {
        "close": (frozenset({"outcome", "reason"}), _close),
        "decide_no_notification": (frozenset({"reasons"}), _no_notification),
        "amend_awareness": (frozenset({"aware_at", "basis"}), _awareness),
    }
)


def digest(command: str, incident_id: str, arguments: Mapping[str, object]) -> str:
    """Return what an approval binds: the SHA-256 of case, command and arguments, hex."""
    canonical = msgspec.json.encode([incident_id, command, dict(arguments)], order="sorted")
    return hashlib.sha256(canonical).hexdigest()


def propose(
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    command: str,
    arguments: Mapping[str, object],
    now: datetime,
) -> Incident:
    """Ask for something that takes two people. ``arguments``: JSON-able, of the command."""
    case = Case(tx, actor, incident_id, now)
    case.permit("propose", Track.LEGAL)
    if command not in PROPOSABLE:
        raise Refused(f"propose: {command} takes one person", hint=", ".join(PROPOSABLE))
    needed = PROPOSABLE[command][0]
    if set(arguments) != needed:
        raise Refused(f"propose: {command} takes {', '.join(sorted(needed))}")
    if "aware_at" in arguments:
        resolve_local(str(arguments["aware_at"]), "")
    given = digest(command, case.incident.id, arguments)
    waiting = pending(tx, case.incident.id)
    if any(one.digest == given for one in waiting):
        raise Refused("propose: this waits for a second person already")
    proposal = Proposal(
        id=uuid7(),
        incident_id=case.incident.id,
        created_at=now,
        created_by=actor.id,
        command=command,
        arguments=dict(arguments),
        digest=given,
        roles=tuple(sorted(actor.roles)),
    )
    tx.records.put(proposal)
    return case.save(
        "incident.proposed",
        {"proposal": proposal.id, "command": command, "arguments": proposal.arguments},
    )


def approve_proposal(
    tx: CaseTx, actor: Actor, incident_id: str, *, proposal_id: str, now: datetime
) -> Incident:
    """Approve, as the second person: the command runs now, under all its guards."""
    case, proposal = _pending(tx, actor, incident_id, proposal_id, now)
    case.permit("approve_proposal", Track.LEGAL)
    if same_human(tx, proposal.created_by, actor):
        raise Refused("approve_proposal: the author cannot be the approver")
    if digest(proposal.command, case.incident.id, proposal.arguments) != proposal.digest:
        raise Refused("approve_proposal: it is not what was proposed")
    author = _author(tx, proposal)
    _decide(tx, proposal, ProposalState.APPROVED, actor, now, "")
    return PROPOSABLE[proposal.command][1](case, author, actor, proposal.arguments)


def refuse_proposal(
    tx: CaseTx, actor: Actor, incident_id: str, *, proposal_id: str, reason: str, now: datetime
) -> Incident:
    """Refuse a proposal, with a written reason."""
    case, proposal = _pending(tx, actor, incident_id, proposal_id, now)
    case.permit("refuse_proposal", Track.LEGAL, reason=reason)
    _decide(tx, proposal, ProposalState.REFUSED, actor, now, reason)
    return case.save("incident.proposal_refused", {"proposal": proposal.id, "reason": reason})


def withdraw_proposal(
    tx: CaseTx, actor: Actor, incident_id: str, *, proposal_id: str, now: datetime
) -> Incident:
    """Take one's own proposal back."""
    case, proposal = _pending(tx, actor, incident_id, proposal_id, now)
    case.permit("withdraw_proposal", Track.LEGAL)
    if proposal.created_by != actor.id:
        raise Refused("withdraw_proposal: only its author takes it back")
    _decide(tx, proposal, ProposalState.WITHDRAWN, actor, now, "")
    return case.save("incident.proposal_withdrawn", {"proposal": proposal.id})


def pending(tx: CaseTx, incident_id: str | None = None) -> list[Proposal]:
    """Return what waits for a second person, oldest first."""
    found = tx.records.find(Proposal, incident_id)
    return [one for one in found if one.state is ProposalState.PENDING]


def _pending(
    tx: CaseTx, actor: Actor, incident_id: str, proposal_id: str, now: datetime
) -> tuple[Case, Proposal]:
    case = Case(tx, actor, incident_id, now)
    proposal = tx.records.get(Proposal, proposal_id)
    if proposal.incident_id != case.incident.id:
        raise Refused(f"the proposal is not of {case.incident.reference}")
    if proposal.state is not ProposalState.PENDING:
        raise Refused(f"the proposal is {proposal.state}")
    return case, proposal


def _author(tx: CaseTx, proposal: Proposal) -> Actor:
    account = tx.accounts.get(proposal.created_by)
    if account is None:
        return Actor(proposal.created_by, frozenset(Role(role) for role in proposal.roles))
    if account.disabled:
        raise Refused("approve_proposal: the account of its author is disabled")
    return account.actor


def _decide(
    tx: CaseTx, proposal: Proposal, state: ProposalState, actor: Actor, now: datetime, reason: str
) -> None:
    tx.records.put(
        msgspec.structs.replace(
            proposal,
            state=state,
            decided_at=now,
            decided_by=actor.id,
            decided_reason=reason,
            version=proposal.version + 1,
        )
    )
