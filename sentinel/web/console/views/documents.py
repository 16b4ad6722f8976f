"""The documents of a case: shown, framed or handed out, always with their hash checked."""

from __future__ import annotations

from aiohttp import web

from sentinel.domain.incident import Document, Incident
from sentinel.errors import NotFound
from sentinel.respond.filing import guard_document
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.shell import FRAMED


def latest(documents: list[Document]) -> list[Document]:
    """Return the newest document of each kind, language and media type, in a stable order."""
    newest = {(one.kind, one.language, one.media_type): one for one in documents}
    return [newest[key] for key in sorted(newest)]


def case_documents(tx: CaseTx, asked: str) -> tuple[Incident, list[Document]]:
    """Return a case and its documents, oldest first. Raises NotFound."""
    incident = tx.incidents.get(asked)
    return incident, tx.incidents.documents(incident.id)


@case_content
async def download(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/documents/{document}``: as an attachment."""
    document, content = await _open(request)
    response = web.Response(body=content, content_type=document.media_type.partition(";")[0])
    response.headers["Content-Disposition"] = f'attachment; filename="{document.name}"'
    return response


@case_content
async def preview(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/documents/{document}/preview``: HTML, for a sandboxed frame only."""
    document, content = await _open(request)
    if not document.media_type.startswith("text/html"):
        raise web.HTTPNotFound
    response = web.Response(body=content, content_type="text/html", charset="utf-8")
    response[FRAMED] = True
    return response


async def _open(request: web.Request) -> tuple[Document, bytes]:
    service = request.app[CONSOLE]
    asked, wanted = request.match_info["id"], request.match_info["document"]

    def query(tx: CaseTx) -> Document:
        document = tx.incidents.get_document(wanted)
        if document.incident_id != tx.incidents.get(asked).id:
            raise NotFound("this case has no such document")
        guard_document(tx, document, service.clock.now())
        return document

    document = await service.in_store(query)
    return document, await service.document_bytes(document)
