"""Errors of the API: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web


def problem(
    status: int, detail: str = "", extension: Mapping[str, object] | None = None
) -> web.Response:
    """Return ``application/problem+json``; ``detail`` is left out where empty.

    ``extension``: further members of the object, as RFC 9457, section 3.2 allows.
    """
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    if detail:
        body["detail"] = detail
    return web.Response(
        body=msgspec.json.encode({**body, **(extension or {})}),
        status=status,
        content_type="application/problem+json",
    )
