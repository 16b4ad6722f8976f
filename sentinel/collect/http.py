"""The collector: ``POST /v1/events``. A 200 means that every line lies on the disk.

A sender is known by its token, or its client certificate, which names the source; what cannot be
taken now (503 with ``Retry-After``) was not taken in part either, so the sender sends the same
batch again, under the same ``Idempotency-Key`` if it wants equal event ids for lines without an id
of their own. `inputs.bulk` and `inputs.otlp` serve other protocols on the same port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from sentinel.collect.batch import Batch, Spooler
from sentinel.collect.body import lines_of
from sentinel.collect.door import Door
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs.bulk import add_bulk
from sentinel.collect.inputs.otlp import add_otlp
from sentinel.collect.intake import Intake
from sentinel.collect.problem import NotSupported, problem, problems
from sentinel.collect.senders import Senders
from sentinel.config import CollectorSettings, SourceSettings
from sentinel.ids import uuid7
from sentinel.obs.metrics import Metrics

CONTENT_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/octet-stream",
    "application/x-www-form-urlencoded",  # what curl says of --data-binary when told nothing
    "text/csv",
    "text/plain",
)
IDLE_SECONDS = 75.0  # a connection without a whole request, or between two, is closed after this
_FIRST_REASONS = 5
_LONGEST_KEY = 255


def collector_app(
    *,
    sources: Iterable[SourceSettings],
    intakes: Mapping[str, Intake],
    spool: Spooler,
    settings: CollectorSettings,
    metrics: Metrics | None = None,
    only: str | None = None,
) -> web.Application:
    """Return the application. ``intakes``: by name of source; ``only``: the one that may send.

    Raises ConfigError where two sources share a token.
    """
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        middlewares=[problems(metrics)],
        # Bodies arrive as sent: aiohttp would take a gzip stream that ends too early for whole.
        handler_args={"auto_decompress": False, "keepalive_timeout": IDLE_SECONDS},
    )
    door = Door(Senders(sources), settings, only=only)
    ingest = Ingest(intakes, spool, metrics)
    app.router.add_post("/v1/events", _Events(door, ingest).take)
    add_otlp(app, door, ingest)
    add_bulk(app, door, ingest)
    app.router.add_get("/healthz", _healthy)
    if metrics is not None:
        app.router.add_get("/metrics", _exposition(metrics))
    return app


class _Events:
    def __init__(self, door: Door, ingest: Ingest) -> None:
        self._door = door
        self._ingest = ingest

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a batch."""
        sources = self._door.sources(request)
        if len(sources) > 1:
            raise NotSupported("this token is of several sources, which only _bulk tells apart")
        if request.content_type not in CONTENT_TYPES:
            kinds = ", ".join(CONTENT_TYPES)
            raise web.HTTPUnsupportedMediaType(
                reason=f"Content-Type is one of {kinds}", headers={"Accept-Post": kinds}
            )
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > _LONGEST_KEY:
            raise web.HTTPBadRequest(
                reason=f"Idempotency-Key has at most {_LONGEST_KEY} characters"
            )
        most, content_type = self._door.settings.max_batch_lines, request.content_type
        async with self._door.body(request) as body:
            lines = await asyncio.to_thread(lines_of, body, content_type, most=most)
            taken = await self._ingest.take(
                sources[0].name, lines, f"key:{key}" if key else uuid7()
            )
        return _answer(taken.batch, taken.offset)


def _answer(batch: Batch, offset: int) -> web.Response:
    document: dict[str, Any] = {
        "accepted": batch.accepted,
        "unparsed": len(batch.unparsed),
        "first_reasons": [
            {"line": line.line_number, "reason": line.reason}
            for line in batch.unparsed[:_FIRST_REASONS]
        ],
        "offset": offset,
    }
    return web.json_response(body=msgspec.json.encode(document))


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _exposition(metrics: Metrics) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the page that Prometheus reads: counts by source, rule and channel, on this host."""

    async def show(request: web.Request) -> web.Response:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        if peer is None or not ip_address(str(peer[0]).partition("%")[0]).is_loopback:
            return problem(HTTPStatus.FORBIDDEN, "metrics are read on this host only")
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    return show
