"""What a list is asked for: a state, a page."""

from __future__ import annotations

from aiohttp import web

from sentinel.domain.alert import AlertState

PER_PAGE = 50


def wanted_state(request: web.Request) -> AlertState | None:
    """Return the state asked for in the query; None = every state."""
    asked = request.query.get("state", "")
    return AlertState(asked) if asked in set(AlertState) else None


def wanted_page(request: web.Request) -> int:
    """Return the page asked for, from 1."""
    asked = request.query.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1  # noqa: PLR2004
