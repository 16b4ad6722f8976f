"""Papers to others than authority and persons: our notice as processor, extracts on demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.app.approvables import present
from sentinel.app.register import names_of
from sentinel.config import Settings
from sentinel.domain.deadline import Deadline, Obligation
from sentinel.domain.disclosure import Disclosure, Recipient
from sentinel.domain.incident import Actor, Document, Incident
from sentinel.domain.transitions import WRITERS
from sentinel.errors import NotFound, Refused
from sentinel.ids import uuid7
from sentinel.notify.disclosure_extract import MINIMUM, extract
from sentinel.notify.notice_facts import Part
from sentinel.notify.paper import Paper
from sentinel.notify.processor_notice import processor_notice
from sentinel.respond import disclosing
from sentinel.respond.approval import Approvals, check_role
from sentinel.respond.documents import Draft, file_drafts, read_document
from sentinel.store.ports import CaseTx, Sealer

LANGUAGES = ("fr", "en")


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, by whom, by which law; ``parts`` empty: the minimum."""

    recipient: Recipient
    name: str
    request: str
    basis: str
    parts: tuple[Part, ...] = ()


def draft_processor_notice(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    actor: Actor,
    incident_id: str,
    *,
    controller: str,
    now: datetime,
) -> tuple[list[Document], Deadline | None]:
    """Draft our notice to a controller (GDPR art. 33(2)) in both languages; return the clock too.

    Raises Refused where nobody is named, or the clock of the notice was never started.
    """
    check_role(actor, WRITERS, "a processor's notice")
    incident = tx.incidents.get(incident_id)
    if not controller.strip():
        raise Refused("name the controller who is told")
    clock = _clock(tx, incident)
    if clock is None:
        raise Refused(
            "we are not the processor in this case: the clock of the notice does not run",
            hint="sentinel incident start-processor-notice",
        )
    names = names_of(tx, settings, sealer, incident)
    drafts = [
        draft
        for language in LANGUAGES
        for draft in _drafts(
            processor_notice(
                incident,
                controller.strip(),
                clock,
                settings.organisation,
                language,
                now,
                names=names,
                notifiers=settings.notifiers_path,
            ),
            incident,
            "processor_notice",
            settings,
            now,
        )
    ]
    return _file(tx, settings, sealer, actor, incident, drafts, now), clock


def draft_extract(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    actor: Actor,
    incident_id: str,
    demand: Demand,
    *,
    language: str,
    now: datetime,
) -> Disclosure:
    """Prepare an extract for police or insurer: filed, not handed out."""
    incident = tx.incidents.get(incident_id)
    parts = demand.parts or MINIMUM
    paper = extract(
        incident,
        demand.recipient,
        demand.request,
        parts,
        settings.organisation,
        language,
        now,
        names=names_of(tx, settings, sealer, incident),
        notifiers=settings.notifiers_path,
    )
    drafts = [one for one in _drafts(paper, incident, "disclosure", settings, now) if _pdf(one)]
    (document,) = _file(tx, settings, sealer, actor, incident, drafts, now)
    made = Disclosure(
        id=uuid7(),
        incident_id=incident.id,
        created_at=now,
        created_by=actor.id,
        recipient=demand.recipient,
        name=demand.name.strip(),
        request=demand.request.strip(),
        basis=demand.basis.strip(),
        parts=tuple(part.value for part in parts),
        document=document.id,
        sha256=document.sha256,
    )
    return disclosing.prepare(tx, actor, made, now=now)


def hand_out_extract(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    approvals: Approvals,
    actor: Actor,
    disclosure_id: str,
    *,
    now: datetime,
) -> tuple[str, bytes]:
    """Return name and bytes of an approved extract, once; it stands in the register then."""
    found = tx.records.get(Disclosure, disclosure_id)
    bound, _ = present(tx, settings, sealer, found.incident_id, found.document)
    disclosing.give(tx, actor, found, approvals=approvals, present=bound, now=now)
    document = tx.incidents.get_document(found.document)
    return document.name, read_document(settings.data_dir, document, sealer)


def document_bytes(
    tx: CaseTx, settings: Settings, sealer: Sealer, incident_id: str, document_id: str
) -> tuple[Document, bytes]:
    """Return a document of a case and its bytes. Raises NotFound, StorageError."""
    incident = tx.incidents.get(incident_id)
    document = tx.incidents.get_document(document_id)
    if document.incident_id != incident.id:
        raise NotFound(f"document {document_id} of {incident.reference}")
    return document, read_document(settings.data_dir, document, sealer)


def _clock(tx: CaseTx, incident: Incident) -> Deadline | None:
    running = tx.incidents.deadlines(incident.id)
    return next((one for one in running if one.obligation == Obligation.PROC), None)


def _drafts(
    paper: Paper, incident: Incident, kind: str, settings: Settings, now: datetime
) -> list[Draft]:
    stem = f"{incident.reference}-{kind.replace('_', '-')}-{paper.language}"
    contents = (
        ("md", "text/markdown", paper.markdown().encode()),
        ("pdf", "application/pdf", paper.pdf(now, settings.notifiers_path)),
    )
    return [
        Draft(
            kind=kind,
            language=paper.language,
            media_type=media_type,
            name=f"{stem}.{ending}",
            content=content,
        )
        for ending, media_type, content in contents
    ]


def _pdf(draft: Draft) -> bool:
    return draft.media_type == "application/pdf"


def _file(
    tx: CaseTx,
    settings: Settings,
    sealer: Sealer,
    actor: Actor,
    incident: Incident,
    drafts: Sequence[Draft],
    now: datetime,
) -> list[Document]:
    return file_drafts(
        tx,
        root=settings.data_dir,
        incident=incident,
        drafts=drafts,
        actor=actor,
        now=now,
        sealer=sealer,
    )
