"""What the pages of a case share: its head, a look into the store, the frame around it all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from sentinel.domain.incident import Incident
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE
from sentinel.web.console.pages import page
from sentinel.web.console.views.clocks import ClockRow, clock_row

T = TypeVar("T")


class Head(msgspec.Struct, frozen=True):
    """What stands on top of each of these pages: the case, and its running clocks."""

    incident: Incident
    running: list[ClockRow]


def head(tx: CaseTx, asked: str, now: datetime) -> Head:
    """Return the head of a case. Raises NotFound."""
    incident = tx.incidents.get(asked)
    rows = [
        clock_row(one, now=now, href="", label=incident.reference)
        for one in tx.incidents.deadlines(incident.id, open_only=True)
    ]
    return Head(incident, rows)


async def look_up(request: web.Request, look: Callable[[CaseTx, Incident], T]) -> tuple[Head, T]:
    """Return the head of the case that the address names, and what ``look`` finds of it.

    Raises NotFound.
    """
    service = request.app[CONSOLE]
    now, asked = service.clock.now(), request.match_info["id"]

    def query(tx: CaseTx) -> tuple[Head, T]:
        found = head(tx, asked, now)
        return found, look(tx, found.incident)

    return await service.in_store(query)


def show_page(request: web.Request, template: str, top: Head, **facts: object) -> web.Response:
    """Return a page of a case, with its head on top."""
    known = {"incident": top.incident, "head": top, "specs": SPECS} | facts
    return page(request, template, status=200, **known)
