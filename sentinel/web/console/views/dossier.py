"""The CNIL dossier of a case: its newest draft, field by field, with its gaps and its files."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain.incident import Document
from sentinel.legal.forms import load_form
from sentinel.notify.dossier import Dossier
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.answers import SectionRows, sections_of
from sentinel.web.console.pages import PAGES, language_of, page
from sentinel.web.console.views.documents import case_documents, latest
from sentinel.web.console.views.forms import back_to

KIND = "dossier_initial"


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/dossier``."""
    service = request.app[CONSOLE]
    asked = request.match_info["id"]
    incident, documents = await service.read(lambda tx: case_documents(tx, asked))
    files = latest([one for one in documents if one.kind == KIND])
    dossier: Dossier | None = None
    for document in files:
        if document.media_type == "application/json":
            content = await service.document_bytes(document)
            dossier = msgspec.json.decode(content, type=Dossier)
    sections = _sections(request, dossier) if dossier else []
    gaps = [row for section in sections for row in section.rows if row.state == "unknown"]
    missing = [
        row
        for section in sections
        for row in section.rows
        if row.state == "missing" and row.required
    ]
    return page(
        request,
        "dossier.html",
        incident=incident,
        files=files,
        drafted=_newest(files),
        dossier=dossier,
        sections=sections,
        gaps=gaps,
        missing=missing,
    )


def _newest(files: list[Document]) -> Document | None:
    return max(files, key=lambda one: one.created_at, default=None)


def _sections(request: web.Request, dossier: Dossier) -> list[SectionRows]:
    pages, language = request.app[PAGES], language_of(request)
    return sections_of(
        dossier, load_form(dossier.form), pages.formats[language], pages.words[language].gettext
    )


@case_action
async def draft(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/dossier``: draft anew; earlier drafts stay."""
    incident_id = request.match_info["id"]
    await request.app[CONSOLE].draft_dossier(signed_in(request).actor, incident_id)
    back_to(f"/incidents/{incident_id}/dossier", "dossier")
