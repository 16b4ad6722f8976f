"""Freezing a dossier, handing it out to be copied, and proving what was filed.

Two doors, two rules. What leaves the house late leaves with its reasons (GDPR art. 33(1)). What a
person filed already is recorded, whatever it lacks: its gaps are tasks that block closing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sentinel.domain.approval import Bound, Subject
from sentinel.domain.deadline import Deadline
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Actor, Document, FilingKind, Incident
from sentinel.domain.record import Evidence
from sentinel.domain.transitions import Track
from sentinel.errors import NotFound, Refused, StorageError
from sentinel.respond.approval import Approvals
from sentinel.respond.workflow.authority import Proof, record_filing
from sentinel.respond.workflow.change import Case
from sentinel.respond.workflow.lateness import notified_late
from sentinel.store.ports import CaseTx

EXPLAIN = "sentinel incident explain-lateness: ground, dated facts, evidence, reasons"


def refuse_without_reasons(incident: Incident, clocks: Sequence[Deadline], now: datetime) -> None:
    """Raise Refused where the notification is late and nobody wrote why, with facts and proof."""
    if incident.lateness is None and notified_late(clocks, now):
        raise Refused(
            "the notification is late: a late dossier leaves only with the reasons for the delay "
            "(GDPR art. 33(1))",
            hint=EXPLAIN,
        )


def freeze(tx: CaseTx, actor: Actor, frozen: FrozenDossier, *, now: datetime) -> Incident:
    """Keep a frozen dossier of a case. Raises Refused where the case cannot be filed so."""
    case = Case(tx, actor, frozen.incident_id, now)
    case.permit("freeze_dossier", Track.LEGAL)
    if frozen.kind is not FilingKind.WITHDRAW:
        refuse_without_reasons(case.incident, tx.incidents.deadlines(case.incident.id), now)
    tx.records.put(frozen)
    return case.save(
        "dossier.frozen",
        {
            "dossier": frozen.id,
            "kind": frozen.kind,
            "sha256": frozen.sha256,
            "late": frozen.late,
            "gaps": list(frozen.gaps),
            "unknown": frozen.unknown,
        },
    )


def frozen_of(tx: CaseTx, incident_id: str, dossier_id: str = "") -> FrozenDossier:
    """Return a frozen dossier of a case by its id, or the newest. Raises NotFound."""
    incident = tx.incidents.get(incident_id)
    found = tx.records.find(FrozenDossier, incident.id)
    named = [one for one in found if dossier_id in ("", one.id)]
    if not named:
        raise NotFound(
            f"frozen dossier {dossier_id} of {incident.reference}",
            hint="sentinel dossier freeze makes one",
        )
    return named[-1]


def hand_out(tx: CaseTx, actor: Actor, frozen: FrozenDossier, *, now: datetime) -> Incident:
    """Let a frozen dossier out, journalled; to be called before its bytes are given.

    A dossier that was in time when it was frozen, and is late by now, has to say why first.
    """
    case = Case(tx, actor, frozen.incident_id, now)
    case.permit("export_dossier", Track.LEGAL)
    if frozen.kind is not FilingKind.WITHDRAW:
        clocks = tx.incidents.deadlines(case.incident.id)
        refuse_without_reasons(case.incident, clocks, now)
        if notified_late(clocks, now) and not frozen.reasons:
            raise Refused(
                "it was frozen without the reasons for the delay, and it is late by now",
                hint="sentinel dossier freeze: freeze it again, with them",
            )
    return case.save("dossier.exported", {"dossier": frozen.id, "sha256": frozen.sha256})


def bound_to(frozen: FrozenDossier) -> Bound:
    """Return what an approval of a frozen dossier is bound to."""
    return Bound(
        incident_id=frozen.incident_id,
        subject=Subject.DOSSIER,
        object_id=frozen.id,
        sha256=frozen.sha256,
    )


def record(  # noqa: PLR0913 - what a receipt says, each by name
    tx: CaseTx,
    actor: Actor,
    incident_id: str,
    *,
    approvals: Approvals,
    kind: str,
    number: str,
    filed_at: datetime,
    now: datetime,
    dossier: FrozenDossier | None = None,
    receipt: Evidence | None = None,
) -> Incident:
    """Record what a person filed: number, instant, receipt, and the dossier that was copied.

    Where two people stood for exactly that dossier, the second one is known already; else the task
    FILING-APPROVAL opens. Nothing that is missing stops the recording.
    """
    approved_by = ""
    if dossier is not None:
        try:
            given = approvals.require(tx, bound_to(dossier), now=now).approved
        except (Refused, StorageError):  # an approval that was forged is none, and stops nothing
            given = None
        approved_by = given.account if given is not None else ""
    proof = Proof(
        dossier=dossier.id if dossier is not None else "",
        receipt=receipt.id if receipt is not None else "",
        approved_by=approved_by,
    )
    return record_filing(
        tx, actor, incident_id, kind=kind, number=number, filed_at=filed_at, now=now, proof=proof
    )


def guard_document(tx: CaseTx, document: Document, now: datetime) -> None:
    """Raise Refused where a document may not be taken out as it is.

    A dossier that is late leaves with its reasons only; an extract by `disclosing.give` only.
    """
    if document.kind == "disclosure":
        raise Refused("an extract is handed out by `sentinel dossier disclose`, once, approved")
    if document.kind.startswith("dossier_") and document.kind != "dossier_withdraw":
        incident = tx.incidents.get(document.incident_id)
        clocks = tx.incidents.deadlines(incident.id)
        refuse_without_reasons(incident, clocks, now)
        lateness = incident.lateness
        if (
            lateness is not None
            and document.created_at < lateness.at
            and notified_late(clocks, now)
        ):
            raise Refused("it was made before the reasons for the delay: make it again, with them")
