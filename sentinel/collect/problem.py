"""Refusals of the collector as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sentinel.collect.body import BadBody, BodyTooLarge
from sentinel.collect.spool import SpoolFull
from sentinel.errors import SentinelError, StorageError
from sentinel.obs.fault import describe
from sentinel.obs.metrics import Metrics

RETRY_AFTER_SECONDS = 5

_STATUS: tuple[tuple[type[SentinelError], HTTPStatus], ...] = (
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (BadBody, HTTPStatus.BAD_REQUEST),
    (SpoolFull, HTTPStatus.SERVICE_UNAVAILABLE),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
)


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return a problem document. A 503 asks to come again."""
    extra = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        extra["Retry-After"] = str(RETRY_AFTER_SECONDS)
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/problem+json",
        headers=extra,
    )


def problems(metrics: Metrics | None) -> Middleware:
    """Return the middleware that turns every refusal and fault into a problem document."""
    log = structlog.get_logger("collector")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            kept = {
                name: value
                for name, value in error.headers.items()
                if name in ("Allow", "Location")
            }
            answer = problem(error.status, error.reason, kept)
        except SentinelError as error:
            status = next((code for kind, code in _STATUS if isinstance(error, kind)), None)
            if status is None:
                status = HTTPStatus.UNPROCESSABLE_ENTITY
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                log.error("batch_not_stored", reason=error.message)
            # Where a file of ours lies is not the sender's business.
            answer = problem(status, error.message)
        except Exception as error:  # its words may quote a line: they go nowhere
            log.error("batch_failed", fault=describe(error))
            answer = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "nothing of this batch was stored")
        if metrics is not None:
            metrics.refused.labels(str(answer.status)).inc()
        return answer

    return middleware
