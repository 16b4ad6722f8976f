"""The blind-window ledger over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from sentinel.clock import isoformat
from sentinel.domain import blind_words
from sentinel.domain.blind import BlindWindow
from sentinel.domain.deadline import resolve_local
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
    windows = [record(one) for one in found if source is None or one.source in (source, "")]
    body = msgspec.json.encode({"windows": windows, "complete": len(found) < MOST})
    return web.Response(body=body, content_type="application/json")


def record(window: BlindWindow) -> dict[str, object]:
    """Return a window as data, with its words in French and English. ``to`` null: it goes on."""
    return {
        "id": window.id,
        "cause": window.cause.value,
        "source": window.source,
        "from": isoformat(window.begin),
        "to": isoformat(window.end) if window.end else None,
        "seen": isoformat(window.seen),
        "count": window.count,
        "detail": window.detail,
        "title": {code: blind_words.title(window.cause, code) for code in ("fr", "en")},
        "means": {code: blind_words.meaning(window.cause, code) for code in ("fr", "en")},
    }


def _instant(text: str, zone: str) -> datetime | None:
    return resolve_local(text, zone).astimezone(UTC) if text else None
