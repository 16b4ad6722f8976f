"""Refusals of the collector as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sentinel.collect.body import BadBody, BodyTooLarge
from sentinel.collect.spool import SpoolFull
from sentinel.errors import MissingExtra, SentinelError, StorageError
from sentinel.obs.fault import describe
from sentinel.obs.metrics import Metrics

RETRY_AFTER_SECONDS = 5


class NotKnown(SentinelError):
    """The sender is not known."""


class NotSupported(SentinelError):
    """The request is not of a kind that this collector takes."""


class Busy(SentinelError):
    """The collector has too much to do."""


_STATUS: tuple[tuple[type[SentinelError], HTTPStatus], ...] = (
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (BadBody, HTTPStatus.BAD_REQUEST),
    (NotKnown, HTTPStatus.UNAUTHORIZED),
    (NotSupported, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (Busy, HTTPStatus.TOO_MANY_REQUESTS),
    (MissingExtra, HTTPStatus.NOT_IMPLEMENTED),
    (SpoolFull, HTTPStatus.SERVICE_UNAVAILABLE),
    (StorageError, HTTPStatus.SERVICE_UNAVAILABLE),
)


_HEADERS: dict[int, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="collector"'},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"Accept-Encoding": "gzip, zstd"},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": str(RETRY_AFTER_SECONDS)},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}


def status_of(error: SentinelError) -> HTTPStatus:
    """Return the status that tells a sender of ``error``: only 429 and 503 ask to come again."""
    found = next((code for kind, code in _STATUS if isinstance(error, kind)), None)
    return found or HTTPStatus.UNPROCESSABLE_ENTITY


def headers_of(status: int) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    return dict(_HEADERS.get(status, {}))


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return a problem document. A 429 or 503 asks to come again."""
    extra = {**headers_of(status), **(headers or {})}
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
                if name in ("Accept-Post", "Allow", "Location")
            }
            answer = problem(error.status, error.reason, kept)
        except SentinelError as error:
            status = status_of(error)
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
