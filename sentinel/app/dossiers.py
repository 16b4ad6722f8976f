"""Dossiers of a case: prepared from the record, frozen and signed, handed out, verified.

Rendering takes a while and holds no transaction: what is looked at, rendered and kept are three
steps, and a case that changed in between is looked at again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.app.casework import limits_of
from sentinel.app.dossier_files import HandedOut, files_of, reading_copy
from sentinel.app.duties import signer_of
from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow
from sentinel.domain.deadline import Deadline
from sentinel.domain.frozen_dossier import FORMAT, FrozenDossier, signed_text
from sentinel.domain.incident import Actor, Document, FilingKind, Incident
from sentinel.errors import Conflict, Refused
from sentinel.ids import uuid7
from sentinel.notify.dossier import LATE_REASONS, Dossier
from sentinel.notify.dossier_build import build_dossier, standing
from sentinel.notify.dossier_check import Gap, validate
from sentinel.notify.dossier_pdf import Frozen, dossier_pdf
from sentinel.notify.dossier_phrases import phrases
from sentinel.respond import filing
from sentinel.respond.documents import Draft, file_drafts, read_document
from sentinel.store.ports import CaseTx, Sealer

KIND = "dossier_"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a dossier is made from, as it was seen in one transaction."""

    incident: Incident
    clocks: list[Deadline]
    limits: list[BlindWindow]
    before: Dossier | None
    english: dict[str, str]


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier as it would be filed, and the English of what the record says in it and before."""

    dossier: Dossier
    english: dict[str, str]


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered dossier that waits to be kept; ``seen``: version of the case that it tells of."""

    dossier: Dossier
    gaps: tuple[Gap, ...]
    record: FrozenDossier
    drafts: tuple[Draft, ...]
    seen: int


class Dossiers:
    """The dossiers of one house."""

    def __init__(self, settings: Settings, sealer: Sealer) -> None:
        self._settings = settings
        self._sealer = sealer

    def look(self, tx: CaseTx, incident_id: str) -> Seen:
        """Return what a dossier of the case is made from."""
        incident = tx.incidents.get(incident_id)
        filed = standing(incident)
        last = next((one.dossier for one in reversed(filed) if one.dossier), "")
        before = filing.frozen_of(tx, incident.id, last) if last else None
        return Seen(
            incident=incident,
            clocks=tx.incidents.deadlines(incident.id),
            limits=limits_of(tx, incident),
            before=self.frozen(tx, before) if before is not None else None,
            english=before.english if before is not None else {},
        )

    def build(self, seen: Seen, kind: FilingKind, counted: Affected | None, now: datetime) -> Built:
        """Prepare a dossier. Raises Refused where no such filing is possible."""
        filed = standing(seen.incident)
        if kind in (FilingKind.COMPLEMENT, FilingKind.WITHDRAW) and not filed:
            raise Refused(f"nothing is filed yet: a {kind} follows a filing", hint="--kind initial")
        if kind is FilingKind.INITIAL and filed:
            raise Refused("an initial filing is recorded already", hint="--kind complement")

        def made(language: str) -> Dossier:
            return build_dossier(
                seen.incident,
                kind=kind,
                deadlines=seen.clocks,
                affected=counted,
                organisation=self._settings.organisation,
                now=now,
                notifiers=self._settings.notifiers_path,
                limits=seen.limits,
                before=seen.before,
                language=language,
            )

        french = made("fr")
        return Built(dossier=french, english=seen.english | phrases(french, made("en")))

    def ready(
        self, seen: Seen, built: Built, actor: Actor, now: datetime, *, render: bool = True
    ) -> Ready:
        """Sign and render a dossier; nothing is kept yet. ``render``: without it, only look."""
        dossier = built.dossier
        content, signer = dossier.canonical(), signer_of(self._settings)
        signature = signer.sign_bytes(signed_text(content)) if signer else ""
        mark = Frozen(key_id=signer.key_id if signer else "", signature=signature)
        gaps = tuple(validate(dossier))
        name = f"{dossier.reference}-cnil-{dossier.kind}"
        kind = f"{KIND}{dossier.kind}"
        pdf = dossier_pdf(dossier, self._settings.notifiers_path, mark) if render else b""
        record = FrozenDossier(
            id=uuid7(),
            incident_id=seen.incident.id,
            created_at=now,
            created_by=actor.id,
            kind=FilingKind(dossier.kind),
            form=dossier.form,
            sha256=dossier.sha256,
            json_id="",
            pdf_id="",
            key_id=mark.key_id,
            signature=signature,
            late=dossier.late,
            reasons=isinstance(dossier.answers.get(LATE_REASONS), str),
            gaps=tuple(gap.field for gap in gaps),
            unknown=len(dossier.unknown),
            english=built.english,
        )
        return Ready(
            dossier=dossier,
            gaps=gaps,
            record=record,
            drafts=(
                _draft(kind, "application/json", f"{name}.json", content),
                _draft(kind, "application/pdf", f"{name}.pdf", pdf),
            ),
            seen=seen.incident.version,
        )

    def freeze(self, tx: CaseTx, actor: Actor, ready: Ready, now: datetime) -> FrozenDossier:
        """Keep a rendered dossier: from now on its bytes are what is approved, copied, filed.

        Raises Refused where something still stands against filing, with the paragraph that is
        missing, and Conflict where the case changed since it was looked at.
        """
        refuse_gaps(ready.gaps)
        incident = tx.incidents.get(ready.record.incident_id)
        if incident.version != ready.seen:
            raise Conflict("the case changed while its dossier was rendered", hint="do it again")
        json, pdf = file_drafts(
            tx,
            root=self._settings.data_dir,
            incident=incident,
            drafts=ready.drafts,
            actor=actor,
            now=now,
            sealer=self._sealer,
            state="frozen",
        )
        kept = msgspec.structs.replace(ready.record, json_id=json.id, pdf_id=pdf.id)
        filing.freeze(tx, actor, kept, now=now)
        return kept

    def content(self, tx: CaseTx, document_id: str) -> tuple[Document, bytes]:
        """Return a document of a case and its bytes. Raises StorageError where it was altered."""
        document = tx.incidents.get_document(document_id)
        return document, read_document(self._settings.data_dir, document, self._sealer)

    def frozen(self, tx: CaseTx, record: FrozenDossier) -> Dossier:
        """Return a frozen dossier. Raises Refused where its bytes are not those of its record."""
        _, content = self.content(tx, record.json_id)
        if hashlib.sha256(content).hexdigest() != record.sha256:
            raise Refused("the dossier is not the one that was frozen")
        return msgspec.json.decode(content, type=Dossier)

    def hand_out(
        self, tx: CaseTx, actor: Actor, record: FrozenDossier, now: datetime
    ) -> list[HandedOut]:
        """Return the files of a frozen dossier, journalled. Raises Refused where it may not leave.

        The JSON and its signature, the PDF, and the same in DPV and in the EDPB's draft.
        """
        filing.hand_out(tx, actor, record, now=now)
        dossier = self.frozen(tx, record)
        json, pdf = (self.content(tx, one) for one in (record.json_id, record.pdf_id))
        signature = msgspec.json.encode(self.signature(record)) + b"\n"
        return files_of(dossier, json, pdf, signature, self._settings.notifiers_path)

    def reading_copy(self, record: FrozenDossier, files: Sequence[HandedOut]) -> HandedOut:
        """Return the English PDF of what was handed out; takes a while, needs no transaction."""
        return reading_copy(record, files, self._settings.notifiers_path)

    def signature(self, record: FrozenDossier) -> dict[str, str]:
        """Return what goes beside the JSON: who signed what, when, and the public key."""
        signer = signer_of(self._settings)
        ours = signer is not None and signer.key_id == record.key_id
        return {
            "format": FORMAT,
            "sha256": record.sha256,
            "frozen_at": isoformat(record.created_at),
            "key_id": record.key_id,
            "signature": record.signature,
            "public_key": signer.public_pem() if signer is not None and ours else "",
        }


def refuse_gaps(gaps: tuple[Gap, ...]) -> None:
    """Raise Refused where something stands against a filing: each gap with its paragraph."""
    if gaps:
        told = [
            f"{gap.field}{f' (art. {gap.paragraph})' if gap.paragraph else ''}: {gap.message_en}"
            for gap in gaps
        ]
        raise Refused(f"the dossier cannot be filed yet: {'; '.join(told)}")


def _draft(kind: str, media_type: str, name: str, content: bytes) -> Draft:
    return Draft(kind=kind, language="fr", media_type=media_type, name=name, content=content)
