"""Documents of a case on disk: written once, hashed, recorded, journalled.

A draft is never overwritten: each drafting has a folder of its own, so that what a person looked
at an hour ago is still what it was. With a sealer the file is encrypted: who keeps the disk or a
backup reads neither a case nor the names of an audience.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.domain.incident import SEALED, Actor, Document, Incident
from sentinel.errors import StorageError
from sentinel.ids import uuid7
from sentinel.store.ports import CaseTx, Sealer
from sentinel.store.private_file import keep_new


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered file that waits to be filed: its ``name`` within the drafting, its bytes."""

    kind: str
    language: str
    media_type: str
    name: str
    content: bytes


def file_drafts(
    tx: CaseTx,
    *,
    root: Path,
    incident: Incident,
    drafts: Sequence[Draft],
    actor: Actor,
    now: datetime,
    sealer: Sealer | None = None,
    state: str = "draft",
) -> list[Document]:
    """Write ``drafts`` into one new folder ``root/documents/<reference>/…``; record and journal.

    Files are private to the service's user and durable before the rows are committed.
    Raises StorageError where the disk refuses.
    """
    drafting = f"{now.strftime('%Y%m%dT%H%M%SZ')}-{uuid7()[-6:]}"
    folder = Path("documents") / incident.reference / drafting
    documents = []
    for draft in drafts:
        document = Document(
            id=uuid7(),
            incident_id=incident.id,
            kind=draft.kind,
            language=draft.language,
            media_type=draft.media_type,
            path=str(folder / f"{draft.name}{SEALED if sealer else ''}"),
            sha256=hashlib.sha256(draft.content).hexdigest(),
            created_at=now,
            created_by=actor.id,
            state=state,
            sealed=sealer is not None,
        )
        _keep(root, document, draft.content, sealer)
        documents.append(document)
    for document in documents:
        tx.incidents.put_document(document)
    tx.journal.append(
        occurred_at=now,
        actor=actor.id,
        action="document.drafted",
        object_id=incident.id,
        payload=[{"id": d.id, "kind": d.kind, "sha256": d.sha256} for d in documents],
    )
    return documents


def _keep(root: Path, document: Document, content: bytes, sealer: Sealer | None) -> None:
    kept = sealer.seal(content, context=document_context(document.id)) if sealer else content
    keep_new(root / document.path, kept)


def document_context(document_id: str) -> str:
    """Return the context that binds a sealed file to its document."""
    return f"document:{document_id}"


def read_document(root: Path, document: Document, sealer: Sealer | None = None) -> bytes:
    """Return a document's bytes. Raises StorageError where they are gone or were altered."""
    path = root / document.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(error.strerror or str(error), where=str(path)) from error
    if document.sealed:
        if sealer is None:
            raise StorageError("the document is sealed, and no key is at hand", where=str(path))
        content = sealer.open(content, context=document_context(document.id))
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise StorageError("the file is not the one that was recorded", where=str(path))
    return content
