"""The daily review: which accesses of staff a person looks at, why, and what was cut."""

from __future__ import annotations

from datetime import date

from aiohttp import web

from sentinel.domain.review import Review
from sentinel.respond.reviews import load_review, review_days
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE, case_content
from sentinel.web.console.pages import language_of, page

SHOWN_DAYS = 31


@case_content
async def show(request: web.Request) -> web.Response:
    """``GET /reviews`` and ``/reviews/{day}``: the newest review, or that of a day."""
    service = request.app[CONSOLE]
    wanted = _day(request.match_info.get("day", ""))

    def query(tx: CaseTx) -> tuple[list[date], Review | None]:
        days = review_days(tx)
        day = wanted or (days[-1] if days else None)
        return days, load_review(tx, service.sealer, day) if day else None

    days, review = await service.in_store(query)
    if wanted is not None and review is None:
        raise web.HTTPNotFound
    language = language_of(request)
    return page(
        request,
        "review.html",
        review=review,
        days=days[:-SHOWN_DAYS:-1],
        live=service.settings.scope.staff.live,
        missing=service.settings.scope.staff.missing,
        reasons=[
            [reason.text(language) for reason in entry.reasons]
            for entry in (review.entries if review else ())
        ],
    )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise web.HTTPNotFound from error
