"""The letters to the persons (GDPR art. 34): the newest draft in each language, as it will read."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain.incident import Document
from sentinel.web.auth.gatekeeper import CONSOLE, case_action, case_content, signed_in
from sentinel.web.console.pages import page
from sentinel.web.console.views.documents import case_documents, latest
from sentinel.web.console.views.forms import back_to

KIND = "letter"


class Letter(msgspec.Struct, kw_only=True):
    """The drafts of one language: ``text`` in clear, ``html`` to frame, ``files`` to download."""

    language: str
    text: str = ""
    html: Document | None = None
    files: list[Document] = []


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /incidents/{id}/letters``."""
    service = request.app[CONSOLE]
    asked = request.match_info["id"]
    incident, documents = await service.in_store(lambda tx: case_documents(tx, asked))
    letters: dict[str, Letter] = {}
    for document in latest([one for one in documents if one.kind == KIND]):
        letter = letters.setdefault(document.language, Letter(language=document.language))
        letter.files.append(document)
        if document.media_type.startswith("text/plain"):
            letter.text = (await service.document_bytes(document)).decode()
        elif document.media_type.startswith("text/html"):
            letter.html = document
    ordered = sorted(letters.values(), key=lambda letter: letter.language != "fr")
    return page(request, "letters.html", incident=incident, letters=ordered)


@case_action
async def draft(request: web.Request) -> web.Response:
    """``POST /incidents/{id}/letters``: draft anew; earlier drafts stay."""
    incident_id = request.match_info["id"]
    await request.app[CONSOLE].draft_letters(signed_in(request).actor, incident_id)
    back_to(f"/incidents/{incident_id}/letters", "letters")
