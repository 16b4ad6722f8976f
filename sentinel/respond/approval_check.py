"""Whether an approval whose row says "approved" still holds: its end, its people, the journal."""

from __future__ import annotations

from datetime import datetime

from sentinel.clock import isoformat
from sentinel.domain.approval import Approval
from sentinel.respond.humans import human_behind
from sentinel.store.ports import CaseTx

ASKED, GIVEN, REFUSED, VOIDED = (
    "approval.asked",
    "approval.given",
    "approval.refused",
    "approval.voided",
)
EVERY_LINE = 1_000_000
RESTORED = "restore.done"
"""What the journal says of a restore from a backup."""


def not_in_force(tx: CaseTx, approval: Approval, now: datetime) -> str:
    """Return why an approval whose row says "approved" holds no longer, or nothing."""
    if approval.approved is None or approval.expires_at is None:
        return "the approval lacks its second side"
    if now >= approval.expires_at:
        return f"the approval ended on {isoformat(approval.expires_at)}"
    if now < approval.approved.at:
        return "the approval lies in the future: the clock of this host went back"
    sides = {approval.created_by, *approval.authors}
    humans = {approval.asked.human, *(human_behind(tx, one) for one in sides)}
    second = approval.approved
    if {second.human, human_behind(tx, second.account)} & humans:
        return "both sides of the approval are one human"
    return _against_journal(tx, approval)


def _against_journal(tx: CaseTx, approval: Approval) -> str:
    seq, last = _last_said(tx, approval)
    if last.get("mac") != approval.mac:
        return "the journal says otherwise: the approval was set back to an earlier state"
    since = tx.journal.lines(after=seq, limit=EVERY_LINE)
    if any(line.action == RESTORED for line in since):
        return "the data were restored since: what was withdrawn after the backup is not known"
    return ""


def _last_said(tx: CaseTx, approval: Approval) -> tuple[int, dict[str, object]]:
    """Return number and payload of the newest journal line about an approval; 0 and {}: none."""
    found: tuple[int, dict[str, object]] = 0, {}
    for line in tx.journal.lines(
        object_id=approval.incident_id or approval.bound.object_id, limit=EVERY_LINE
    ):
        if line.action in (ASKED, GIVEN, REFUSED, VOIDED):
            payload = tx.journal.opened(line)
            if isinstance(payload, dict) and payload.get("approval") == approval.id:
                found = line.seq, payload
    return found
