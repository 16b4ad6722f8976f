"""JSON in and out: a body read as what it should be, an answer written."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from sentinel.errors import InvalidValue

T = TypeVar("T")


async def read_json(request: web.Request, kind: type[T]) -> T:
    """Return the body; an empty one is an empty object. Raises InvalidValue."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidValue(str(error)) from error


def answer_json(body: object, *, status: int = 200) -> web.Response:
    """Return ``body`` as ``application/json``."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )
