"""Forms: text, instants typed in local time, what a command takes, the way back after it."""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest
from typing import NoReturn

from aiohttp import web
from multidict import MultiMapping

from sentinel.domain.deadline import resolve_local
from sentinel.domain.lateness import DatedFact
from sentinel.errors import SentinelError
from sentinel.respond.workflow.spec import Argument, Kind
from sentinel.web.auth.gatekeeper import CONSOLE

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


async def fields(request: web.Request, arguments: tuple[Argument, ...]) -> dict[str, object]:
    """Return the fields of a form as a command takes them; empty optional ones are left out."""
    zone = request.app[CONSOLE].settings.timezone
    posted = await request.post()
    found: dict[str, object] = {}
    for one in arguments:
        if one.kind is Kind.TEXTS:
            found[one.name] = [str(value) for value in posted.getall(one.name, [])]
        elif one.kind is Kind.FLAG:
            found[one.name] = posted.get(one.name) == "1"
        elif one.kind is Kind.FACTS:
            found[one.name] = dated_facts(posted, one.name, zone)
        elif not str(posted.get(one.name, "")).strip() and not one.required:
            continue
        elif one.kind is Kind.INSTANT:
            found[one.name] = await instant(request, one.name, zone)
        elif one.kind is Kind.WHOLE:
            typed = await text(request, one.name)
            if not (typed.isascii() and typed.isdigit() and len(typed) < 7):  # noqa: PLR2004
                raise BadForm(f"{one.name} is a whole number")
            found[one.name] = int(typed)
        else:
            found[one.name] = await text(request, one.name)
    return found


def back_to(path: str, done: str) -> NoReturn:
    """Send the browser to ``path`` (RFC 9110, 303), which says what was done."""
    raise web.HTTPSeeOther(f"{path}?done={done}")
