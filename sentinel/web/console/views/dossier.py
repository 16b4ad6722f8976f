"""The CNIL dossier of a case: its newest draft, field by field, with its gaps and its files."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain.incident import FilingKind
from sentinel.legal.forms import load_form
from sentinel.notify.dossier import Dossier
from sentinel.notify.dossier_phrases import Phrases
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
    behind = {one.language: one for one in files if one.media_type == "application/json"}
    dossier: Dossier | None = None
    english: dict[str, str] = {}
    if "fr" in behind:
        dossier = msgspec.json.decode(await service.document_bytes(behind["fr"]), type=Dossier)
    if dossier is not None and "en" in behind:
        told = msgspec.json.decode(await service.document_bytes(behind["en"]), type=Phrases)
        english = told.english if told.sha256 == dossier.sha256 else {}
    language = language_of(request)
    sections = sections_of(dossier, load_form(dossier.form), language, english) if dossier else []
    rows = [row for section in sections for row in section.rows]
    return page(
        request,
        "dossier.html",
        incident=incident,
        frozen=frozen,
        kinds=list(FilingKind),
        files=[one for one in files if one is not behind.get("en")],
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
