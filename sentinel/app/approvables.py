"""What is about to be approved, as its bytes are now: dossiers and documents of a case.

A campaign of letters brings its own hashes (`sentinel.app.campaign`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from sentinel.config import Settings
from sentinel.domain.approval import Bound, Subject
from sentinel.domain.frozen_dossier import FrozenDossier
from sentinel.domain.incident import Document
from sentinel.errors import NotFound, Refused
from sentinel.respond.documents import read_document
from sentinel.store.ports import CaseTx, Sealer

BY_KIND: Mapping[str, Subject] = MappingProxyType(
    {
        "processor_notice": Subject.PROCESSOR_NOTICE,
        "disclosure": Subject.DISCLOSURE,
        "public_communication": Subject.PUBLIC_COMMUNICATION,
    }
)


def present(
    tx: CaseTx, settings: Settings, sealer: Sealer, incident_id: str, object_id: str
) -> tuple[Bound, str]:
    """Return what an approval of this object binds now, and the account that made it.

    ``object_id``: of a frozen dossier, or of a document. Raises NotFound, StorageError where the
    bytes were altered, Refused for what is not approved here.
    """
    incident = tx.incidents.get(incident_id)
    frozen = next(
        (one for one in tx.records.find(FrozenDossier, incident.id) if one.id == object_id), None
    )
    document = _document(tx, incident.id, frozen.json_id if frozen is not None else object_id)
    subject = Subject.DOSSIER if frozen is not None else BY_KIND.get(document.kind)
    if subject is None:
        raise Refused(f"a document of the kind {document.kind} is not approved by itself")
    content = read_document(settings.data_dir, document, sealer)
    bound = Bound(
        incident_id=incident.id,
        subject=subject,
        object_id=object_id,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return bound, document.created_by


def _document(tx: CaseTx, incident_id: str, document_id: str) -> Document:
    for document in tx.incidents.documents(incident_id):
        if document.id == document_id:
            return document
    raise NotFound(f"dossier or document {document_id}", hint="sentinel dossier list")
