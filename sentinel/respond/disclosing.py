"""Disclosures of a case: prepared, approved by a second person, handed out once, in a register."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sentinel.domain.approval import SIDES, Bound, Subject
from sentinel.domain.disclosure import Disclosure
from sentinel.domain.incident import Actor
from sentinel.errors import Refused
from sentinel.respond.approval import Approvals, check_role
from sentinel.store.ports import CaseTx

PREPARED, GIVEN = "disclosure.prepared", "disclosure.given"


def prepare(tx: CaseTx, actor: Actor, disclosure: Disclosure, *, now: datetime) -> Disclosure:
    """Keep a prepared disclosure. Raises Refused without a request and a legal basis."""
    check_role(actor, SIDES[Subject.DISCLOSURE].ask, "a disclosure")
    if not (disclosure.request.strip() and disclosure.basis.strip() and disclosure.name.strip()):
        raise Refused("a disclosure names its recipient, the request and the legal basis (R-21)")
    tx.records.put(disclosure)
    _journal(tx, actor, PREPARED, disclosure, now)
    return disclosure


def give(
    tx: CaseTx,
    actor: Actor,
    disclosure: Disclosure,
    *,
    approvals: Approvals,
    present: Bound,
    now: datetime,
) -> Disclosure:
    """Record that an extract is handed out now. Raises Refused without approval of its bytes."""
    check_role(actor, SIDES[Subject.DISCLOSURE].ask, "a disclosure")
    if disclosure.given_at is not None:
        raise Refused("this extract was handed out already: prepare another one")
    approval = approvals.require(tx, present, now=now)
    given = msgspec.structs.replace(
        disclosure,
        given_at=now,
        given_by=actor.id,
        approved_by=approval.approved.account if approval.approved else "",
        version=disclosure.version + 1,
    )
    tx.records.put(given)
    _journal(tx, actor, GIVEN, given, now)
    return given


def _journal(tx: CaseTx, actor: Actor, action: str, disclosure: Disclosure, now: datetime) -> None:
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action=action,
        object_id=disclosure.incident_id,
        payload={
            "disclosure": disclosure.id,
            "recipient": disclosure.recipient,
            "request": disclosure.request,
            "basis": disclosure.basis,
            "parts": list(disclosure.parts),
            "sha256": disclosure.sha256,
            "approved_by": disclosure.approved_by,
        },
    )
