"""Errors of the API: problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web


def problem(status: int, detail: str = "") -> web.Response:
    """Return ``application/problem+json``; ``detail`` is left out where empty."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    if detail:
        body["detail"] = detail
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/problem+json"
    )
