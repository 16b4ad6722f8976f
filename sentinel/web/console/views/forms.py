"""Forms: required text, instants typed in local time, the way back after an action."""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from aiohttp import web

from sentinel.domain.deadline import resolve_local
from sentinel.errors import SentinelError

MAX_TEXT = 4_000


class BadForm(SentinelError):
    """The form is not complete."""


async def text(request: web.Request, name: str, *, required: bool = True) -> str:
    """Return a field, trimmed. Raises BadForm where it is missing or too long."""
    value = (await request.post()).get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadForm(f"{name} is not a text of at most {MAX_TEXT} characters")
    if required and not value.strip():
        raise BadForm(f"{name} is required")
    return value.strip()


async def instant(request: web.Request, name: str, zone: str) -> datetime:
    """Return the instant, UTC, typed as local time of ``zone`` in ``name``.

    ``<name>_offset`` (``+01:00``) decides in the hour that the autumn change repeats. Raises
    InvalidInstant for a local time that does not exist, or occurs twice without an offset.
    """
    typed = await text(request, name)
    offset = await text(request, f"{name}_offset", required=False)
    return resolve_local(typed + offset, zone)


def back_to(path: str, done: str) -> NoReturn:
    """Send the browser to ``path`` (RFC 9110, 303), which says what was done."""
    raise web.HTTPSeeOther(f"{path}?done={done}")
