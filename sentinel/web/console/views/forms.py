"""Forms: required text, instants typed in local time, the way back after an action."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from aiohttp import web

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
    """Return the instant typed as local time of ``zone`` in ``name``.

    ``<name>_offset`` (``+01:00``) decides in the hour that the autumn change repeats. Raises
    BadForm for a local time that does not exist, or is ambiguous without an offset.
    """
    typed = await text(request, name)
    offset = await text(request, f"{name}_offset", required=False)
    try:
        local = datetime.fromisoformat(typed + offset)
    except ValueError:
        raise BadForm(f"{name} is not a date and time: {typed[:40]!r}") from None
    if local.tzinfo is not None:
        return local
    early = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    late = early.replace(fold=1)
    if early.astimezone(UTC).astimezone(early.tzinfo).replace(tzinfo=None) != local:
        raise BadForm(f"{typed} does not exist in {zone}: the clocks went forward")
    if early.utcoffset() != late.utcoffset():
        raise BadForm(f"{typed} happened twice in {zone}", hint="choose an offset")
    return early


def back_to(path: str, done: str) -> NoReturn:
    """Send the browser to ``path`` (RFC 9110, 303), which says what was done."""
    raise web.HTTPSeeOther(f"{path}?done={done}")
