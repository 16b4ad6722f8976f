"""The calendar of obligations, the weekly reviews of the logs, and who is on duty."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.app.obligations import local_day
from sentinel.domain.log_review import LogReview
from sentinel.domain.recurring import Standing
from sentinel.errors import NotFound
from sentinel.legal.obligations import in_force
from sentinel.respond import log_review, obligations, rota
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.pages import language_of, page

SHOWN_WEEKS = 12


class Row(msgspec.Struct, frozen=True):
    """An obligation with its name in the visitor's language."""

    standing: Standing
    title: str


class Facts(msgspec.Struct, frozen=True):
    """What the page shows. ``duty``: display name; empty: nobody, or no rota."""

    standings: list[Standing]
    reviews: list[LogReview]
    duty: str


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /calendar``. No personal data of customers stands in it."""
    service = request.app[CONSOLE]
    settings, now = service.settings, service.clock.now()
    today = local_day(settings, now)
    recurring = in_force(today, settings.calendar.file)

    def query(tx: CaseTx) -> Facts:
        found = obligations.look(tx, recurring, today, set_on=settings.calendar.since)
        return Facts(found, log_review.all_reviews(tx)[: -SHOWN_WEEKS - 1 : -1], _duty(tx))

    def _duty(tx: CaseTx) -> str:
        if not settings.rota.officer:
            return ""
        try:
            account = tx.accounts.get(rota.duty_at(tx, settings.rota.officer, now).person)
        except NotFound:
            return ""
        return account.display_name or account.name if account else ""

    facts = await service.in_store(query)
    language = language_of(request)
    return page(
        request,
        "calendar.html",
        rows=[Row(one, one.obligation.title(language)) for one in facts.standings],
        reviews=facts.reviews,
        duty=facts.duty,
        rota=bool(settings.rota.officer),
    )
