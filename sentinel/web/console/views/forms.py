"""Forms: required text, instants typed in local time, the way back after an action."""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import NoReturn

from aiohttp import web
from multidict import MultiMapping

from sentinel.domain.deadline import resolve_local
from sentinel.domain.lateness import DatedFact
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


def dated_facts(posted: MultiMapping[object], name: str, zone: str) -> list[DatedFact]:
    """Return the rows ``<name>_at``, ``<name>_at_offset``, ``<name>_text`` that say something."""
    columns = [posted.getall(f"{name}_{one}", []) for one in ("at", "at_offset", "text")]
    found = []
    for at, offset, told in zip_longest(*columns, fillvalue=""):
        if not all(isinstance(one, str) for one in (at, offset, told)):
            raise BadForm(f"{name} is not a list of texts")
        if not str(at).strip() and not str(told).strip():
            continue
        if not str(at).strip() or not str(told).strip():
            raise BadForm("a dated fact has an instant and says what happened")
        found.append(
            DatedFact(at=resolve_local(f"{at}{offset}", zone), text=str(told).strip()[:MAX_TEXT])
        )
    return found


def back_to(path: str, done: str) -> NoReturn:
    """Send the browser to ``path`` (RFC 9110, 303), which says what was done."""
    raise web.HTTPSeeOther(f"{path}?done={done}")
