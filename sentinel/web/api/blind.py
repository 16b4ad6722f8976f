"""The blind-window ledger over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from sentinel.domain import blind_words
from sentinel.domain.deadline import resolve_local
from sentinel.web.api.bodies import answer_json
from sentinel.web.auth.gatekeeper import CONSOLE

MOST = 10_000


def add_routes(application: web.Application, prefix: str) -> None:
    """Add the route under ``prefix``."""
    application.router.add_get(f"{prefix}/blind-windows", show)


async def show(request: web.Request) -> web.Response:
    """``GET .../blind-windows?source=&since=&until=&open=``: newest begin first.

    Instants: ISO 8601; without an offset, in the zone of the settings. A source's own windows come
    with those that concern all sources (``source`` empty).
    """
    service = request.app[CONSOLE]
    zone = service.settings.timezone
    since, until = (_instant(request.query.get(name, ""), zone) for name in ("since", "until"))
    open_only = request.query.get("open", "") in ("1", "true")
    found = await service.in_store(
        lambda tx: tx.blind.find(since=since, until=until, open_only=open_only, limit=MOST)
    )
    source = request.query.get("source")
    windows = [
        blind_words.record(one) for one in found if source is None or one.source in (source, "")
    ]
    return answer_json({"windows": windows, "complete": len(found) < MOST})


def _instant(text: str, zone: str) -> datetime | None:
    return resolve_local(text, zone).astimezone(UTC) if text else None
