"""Approval by two people, bound to exact bytes, each with a fresh second factor.

What stands here is asked again at every use (`Approvals.require`): the state in the row, the MAC
over it, the line in the journal, the people behind the accounts, the bytes as they are now. A row
that was altered, taken from elsewhere, or set back to an earlier version approves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.approval import SIDES, Approval, ApprovalState, Bound, Signature
from sentinel.domain.guards import Attempt, written_reason
from sentinel.domain.incident import Actor, Role
from sentinel.errors import Refused
from sentinel.ids import uuid7
from sentinel.respond.approval_check import ASKED, GIVEN, REFUSED, VOIDED, not_in_force
from sentinel.respond.humans import human_behind
from sentinel.respond.second_factor import Factor
from sentinel.store.ports import CaseTx

PURPOSE = "approval/v1"
VALID = timedelta(hours=72)


class Approvals:
    """Approvals under one key: ``derive_key(master, PURPOSE)``, 32 bytes, not in the database."""

    def __init__(self, key: bytes, *, valid: timedelta = VALID) -> None:
        self._key = key
        self._valid = valid

    def ask(
        self,
        tx: CaseTx,
        actor: Actor,
        factor: Factor,
        bound: Bound,
        *,
        authors: Collection[str] = (),
        now: datetime,
    ) -> Approval:
        """Ask a second person to stand for ``bound``. ``authors``: accounts that wrote it.

        An older approval of the same object that still waits, or holds for other bytes, is void
        from now on.
        """
        check_role(actor, SIDES[bound.subject].ask, f"asking for approval of a {bound.subject}")
        factor.check(actor.id, now)
        _hashes(bound)
        case = case_id(tx, bound)
        for older in self.of(tx, case, bound.object_id):
            if older.state is ApprovalState.PENDING or (
                older.state is ApprovalState.APPROVED and older.bound != bound
            ):
                self._end(tx, older, ApprovalState.VOID, actor.id, "asked again", now)
        approval = Approval(
            id=uuid7(),
            incident_id=case,
            created_at=now,
            created_by=actor.id,
            bound=msgspec.structs.replace(bound, incident_id=case),
            authors=tuple(sorted({*authors})),
            asked=_signature(actor, factor, now),
        )
        return self._put(tx, approval, ASKED, actor.id, now)

    def approve(
        self,
        tx: CaseTx,
        actor: Actor,
        factor: Factor,
        approval_id: str,
        *,
        present: Bound,
        now: datetime,
    ) -> Approval:
        """Stand for it as the second person. ``present``: the object as its bytes are now.

        Raises Refused where the person asked for it or wrote it, under whatever account, and
        where anything was edited since.
        """
        approval = self._pending(tx, approval_id)
        check_role(actor, SIDES[approval.bound.subject].approve, "approving")
        factor.check(actor.id, now)
        if present != approval.bound:
            raise Refused(
                "what you are about to approve is not what was asked: it was edited since",
                hint="it has to be asked for again",
            )
        sides = {approval.created_by, *approval.authors}
        if actor.id in sides or actor.human in {human_behind(tx, one) for one in sides}:
            raise Refused("the author cannot be the approver")
        given = msgspec.structs.replace(
            approval,
            approved=_signature(actor, factor, now),
            state=ApprovalState.APPROVED,
            expires_at=now + self._valid,
            version=approval.version + 1,
        )
        return self._put(tx, given, GIVEN, actor.id, now)

    def refuse(
        self, tx: CaseTx, actor: Actor, approval_id: str, *, reason: str, now: datetime
    ) -> Approval:
        """Refuse to approve, with a written reason."""
        approval = self._pending(tx, approval_id)
        check_role(actor, SIDES[approval.bound.subject].approve, "refusing an approval")
        _written(actor, reason, now)
        return self._end(tx, approval, ApprovalState.REFUSED, actor.id, reason, now)

    def withdraw(
        self, tx: CaseTx, actor: Actor, approval_id: str, *, reason: str, now: datetime
    ) -> Approval:
        """End an approval that waits or holds: the asker, the approver or another decider."""
        approval = self.intact(tx, approval_id)
        sides = SIDES[approval.bound.subject]
        check_role(actor, sides.ask | sides.approve, "withdrawing an approval")
        _written(actor, reason, now)
        if approval.state not in (ApprovalState.PENDING, ApprovalState.APPROVED):
            raise Refused(f"the approval is {approval.state}")
        return self._end(tx, approval, ApprovalState.VOID, actor.id, reason, now)

    def edited(
        self, tx: CaseTx, actor: Actor, incident_id: str, object_id: str, *, now: datetime
    ) -> list[Approval]:
        """Void what was asked for or given for an object that was edited; return it."""
        live = (ApprovalState.PENDING, ApprovalState.APPROVED)
        return [
            self._end(tx, one, ApprovalState.VOID, actor.id, "edited", now)
            for one in self.of(tx, incident_id, object_id)
            if one.state in live
        ]

    def require(self, tx: CaseTx, present: Bound, *, now: datetime) -> Approval:
        """Return the approval that holds for exactly ``present``, now. Raises Refused.

        To be called by whatever leaves the house, with hashes taken from the bytes at hand.
        """
        case = case_id(tx, present)
        present = msgspec.structs.replace(present, incident_id=case)
        found = [one for one in self.of(tx, case, present.object_id) if self._mac_fits(one)]
        given = [one for one in found if one.state is ApprovalState.APPROVED]
        same = [one for one in given if one.bound == present]
        if not same:
            raise Refused(
                "it was edited after its approval"
                if given
                else f"nobody has approved this {present.subject} yet",
                hint="two people, each with a fresh second factor, must stand for it as it is now",
            )
        approval = same[-1]
        refusal = not_in_force(tx, approval, now)
        if refusal:
            raise Refused(refusal, hint="it has to be asked for again")
        return approval

    def of(self, tx: CaseTx, incident_id: str, object_id: str = "") -> list[Approval]:
        """Return the approvals of a case, or of one object in it, oldest first."""
        case = tx.incidents.get(incident_id).id if incident_id else ""
        found = tx.records.find(Approval, case)
        return [one for one in found if object_id in ("", one.bound.object_id)]

    def intact(self, tx: CaseTx, approval_id: str) -> Approval:
        """Return an approval whose MAC fits. Raises NotFound, Refused."""
        found = tx.records.get(Approval, approval_id)
        if not self._mac_fits(found):
            raise Refused("the approval was altered outside Sentinel: it holds for nothing")
        return found

    def _pending(self, tx: CaseTx, approval_id: str) -> Approval:
        approval = self.intact(tx, approval_id)
        if approval.state is not ApprovalState.PENDING:
            raise Refused(f"the approval is {approval.state}")
        return approval

    def _end(
        self,
        tx: CaseTx,
        approval: Approval,
        state: ApprovalState,
        by: str,
        reason: str,
        now: datetime,
    ) -> Approval:
        ended = msgspec.structs.replace(
            approval,
            state=state,
            ended_at=now,
            ended_by=by,
            ended_reason=reason,
            version=approval.version + 1,
        )
        action = REFUSED if state is ApprovalState.REFUSED else VOIDED
        return self._put(tx, ended, action, by, now)

    def _put(self, tx: CaseTx, approval: Approval, action: str, by: str, now: datetime) -> Approval:
        sealed = msgspec.structs.replace(approval, mac=self._mac(approval))
        tx.records.put(sealed)
        tx.journal.append(
            occurred_at=now,
            actor=by,
            action=action,
            object_id=sealed.incident_id or sealed.bound.object_id,
            payload={
                "approval": sealed.id,
                "subject": sealed.bound.subject,
                "object": sealed.bound.object_id,
                "sha256": sealed.bound.sha256,
                "audience": sealed.bound.audience,
                "mac": sealed.mac,
                "reason": sealed.ended_reason,
                "expires_at": isoformat(sealed.expires_at) if sealed.expires_at else "",
            },
        )
        return sealed

    def _mac(self, approval: Approval) -> str:
        return hmac.new(self._key, approval.signed_bytes(), hashlib.sha256).hexdigest()

    def _mac_fits(self, approval: Approval) -> bool:
        return hmac.compare_digest(self._mac(approval), approval.mac)


def case_id(tx: CaseTx, bound: Bound) -> str:
    """Return the id of the case; empty for what belongs to none, such as a notice of a change."""
    return tx.incidents.get(bound.incident_id).id if bound.incident_id else ""


def _signature(actor: Actor, factor: Factor, now: datetime) -> Signature:
    return Signature(
        account=actor.id,
        human=actor.human,
        roles=tuple(sorted(actor.roles)),
        at=now,
        factor_at=factor.at,
    )


def _hashes(bound: Bound) -> None:
    for name, text in (("sha256", bound.sha256), ("audience", bound.audience or "0" * 64)):
        if len(text) != 64 or set(text) - set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256, hex
            raise Refused(f"{name} is no SHA-256 in hex")


def check_role(actor: Actor, roles: frozenset[Role], what: str) -> None:
    """Raise Refused where the actor holds none of ``roles``, or a role that never acts."""
    if actor.has(Role.ADMIN):
        raise Refused(f"{what}: an administrator has no access to cases")
    if actor.has(Role.AUDITOR):
        raise Refused(f"{what}: an auditor reads and writes nothing")
    if not actor.has(*roles):
        raise Refused(f"{what} takes the role {' or '.join(sorted(roles))}")


def _written(actor: Actor, reason: str, now: datetime) -> None:
    refusal = written_reason(Attempt(actor=actor, now=now, reason=reason))
    if refusal:
        raise Refused(refusal)
