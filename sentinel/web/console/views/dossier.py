"""The CNIL dossier of a case: its newest draft, field by field, with its gaps and its files."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain.incident import FilingKind
from sentinel.legal.forms import load_form
from sentinel.notify.dossier import Dossier
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.answers import sections_of
from sentinel.web.console.pages import language_of, page
from sentinel.web.console.views import filing
from sentinel.web.console.views.documents import case_documents, latest
from sentinel.web.console.views.forms import back_to

KIND = "dossier_initial"


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/dossier``."""
    service = request.app[CONSOLE]
    asked = request.match_info["id"]
    incident, documents = await service.in_store(lambda tx: case_documents(tx, asked))
    frozen = await service.in_store(lambda tx: filing.rows(tx, asked))
    files = latest([one for one in documents if one.kind == KIND])
    dossier: Dossier | None = None
    for document in files:
        if document.media_type == "application/json":
            content = await service.document_bytes(document)
            dossier = msgspec.json.decode(content, type=Dossier)
    language = language_of(request)
    sections = sections_of(dossier, load_form(dossier.form), language) if dossier else []
    rows = [row for section in sections for row in section.rows]
    return page(
        request,
        "dossier.html",
        incident=incident,
        frozen=frozen,
        kinds=list(FilingKind),
        files=files,
        drafted=max(files, key=lambda one: one.created_at, default=None),
        dossier=dossier,
        sections=sections,
        mend=[row for row in rows if row.gaps],
        later=[row for row in rows if row.shown.state == "unknown" and not row.gaps],
    )


@case_action
async def draft(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/dossier``: draft anew; earlier drafts stay."""
    incident_id = request.match_info["id"]
    await request.app[CONSOLE].draft_dossier(signed_in(request).actor, incident_id)
    back_to(f"/incidents/{incident_id}/dossier", "dossier")
