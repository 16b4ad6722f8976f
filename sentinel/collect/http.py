"""The collector: ``POST /v1/events``. A 200 means that every line lies on the disk.

A sender is known by its bearer token, which names the source; what cannot be taken now (503 with
``Retry-After``) was not taken in part either, so the sender sends the same batch again, under the
same ``Idempotency-Key`` if it wants equal event ids for lines without an id of their own.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from sentinel.collect.body import ENCODINGS, decompressed, lines_of
from sentinel.collect.intake import Batch, Intake, Spooler
from sentinel.collect.problem import problem, problems
from sentinel.config import CollectorSettings, SourceSettings
from sentinel.errors import ConfigError
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
BODY_SECONDS = 60.0  # a body that drips in holds its memory and its connection no longer
_FIRST_REASONS = 5
_LONGEST_KEY = 255


def collector_app(
    *,
    sources: Iterable[SourceSettings],
    intakes: Mapping[str, Intake],
    spool: Spooler,
    settings: CollectorSettings,
    metrics: Metrics | None = None,
) -> web.Application:
    """Return the application. ``intakes``: by name of source.

    Raises ConfigError where two sources share a token.
    """
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        middlewares=[problems(metrics)],
        # Bodies arrive as sent: aiohttp would take a gzip stream that ends too early for whole.
        handler_args={"auto_decompress": False},
    )
    collector = _Collector(_tokens(sources), intakes, spool, settings, metrics)
    app.router.add_post("/v1/events", collector.take)
    app.router.add_get("/healthz", _healthy)
    if metrics is not None:
        app.router.add_get("/metrics", _exposition(metrics))
    return app


class _Collector:
    def __init__(
        self,
        tokens: Mapping[bytes, str],
        intakes: Mapping[str, Intake],
        spool: Spooler,
        settings: CollectorSettings,
        metrics: Metrics | None,
    ) -> None:
        self._tokens = tokens
        self._intakes = intakes
        self._spool = spool
        self._settings = settings
        self._metrics = metrics

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take a batch."""
        source = self._source(request)
        if source is None:
            return self._refused(
                HTTPStatus.UNAUTHORIZED,
                "a bearer token of a declared source is needed",
                {"WWW-Authenticate": 'Bearer realm="collector"'},
            )
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            return self._refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Content-Encoding is gzip, zstd or none",
                {"Accept-Encoding": "gzip, zstd"},
            )
        if request.content_type not in CONTENT_TYPES:
            return self._refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Content-Type is one of " + ", ".join(CONTENT_TYPES),
                {"Accept-Post": ", ".join(CONTENT_TYPES)},
            )
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > _LONGEST_KEY:
            return self._refused(
                HTTPStatus.BAD_REQUEST, f"Idempotency-Key has at most {_LONGEST_KEY} characters"
            )
        lines = await self._lines(request, encoding)
        batch = await self._parsed(source, lines, f"key:{key}" if key else uuid7())
        offset = await self._spool.append(batch.events)
        self._count(source, batch)
        return _answer(batch, offset)

    def _source(self, request: web.Request) -> str | None:
        """Return whose token this is, in a time that does not depend on how much of it fits."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token.strip())
        found: str | None = None
        for known, source in self._tokens.items():
            if hmac.compare_digest(known, given):
                found = source
        return found if scheme.lower() == "bearer" else None

    async def _lines(self, request: web.Request, encoding: str) -> list[bytes]:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        settings, content_type = self._settings, request.content_type

        def unpack() -> list[bytes]:
            whole = decompressed(body, encoding, limit=settings.max_body_bytes)
            return lines_of(whole, content_type, most=settings.max_batch_lines)

        return await asyncio.to_thread(unpack)

    async def _parsed(self, source: str, lines: list[bytes], batch_id: str) -> Batch:
        """Parse in slices: other requests, and the clocks, run in between."""
        whole = Batch.empty()
        for part in self._intakes[source].slices(lines, batch_id):
            whole.add(part)
            await asyncio.sleep(0)
        return whole

    def _refused(
        self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        if self._metrics is not None:
            self._metrics.refused.labels(str(status.value)).inc()
        return problem(status, detail, headers)

    def _count(self, source: str, batch: Batch) -> None:
        if self._metrics is None:
            return
        self._metrics.accepted.labels(source).inc(batch.accepted)
        self._metrics.unparsed.labels(source).inc(len(batch.unparsed))
        self._metrics.dropped.labels(source).inc(batch.dropped_fields.total())


def _tokens(sources: Iterable[SourceSettings]) -> dict[bytes, str]:
    """Return the digest of each source's token; a source without one cannot send."""
    tokens: dict[bytes, str] = {}
    for source in sources:
        secret = source.token.get_secret_value() if source.token else ""
        if not secret:
            continue
        digest = _digest(secret)
        if digest in tokens:
            raise ConfigError(
                f"sources {tokens[digest]} and {source.name} have the same token",
                hint="the token says which source sends",
            )
        tokens[digest] = source.name
    return tokens


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


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
