"""What surrounds every answer: security headers, and errors in words instead of traces."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from sentinel.errors import Conflict, NotFound, Refused, SentinelError, StorageError
from sentinel.obs import log
from sentinel.obs.fault import describe
from sentinel.web.api.problem import problem
from sentinel.web.auth.gatekeeper import Forbidden
from sentinel.web.console.pages import page

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# A letter is shown as its reader will see it, in a frame that runs nothing and reaches nothing.
FRAMED_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
FRAMED: web.ResponseKey[bool] = web.ResponseKey("framed", bool)


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add the security headers to every answer, redirects and errors included."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        _harden(request, answer)
        raise
    _harden(request, response)
    return response


def _harden(request: web.Request, response: web.StreamResponse) -> None:
    framed = response.get(FRAMED, False)
    response.headers["Content-Security-Policy"] = FRAMED_POLICY if framed else POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if framed else "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    static = request.path.startswith("/static/")
    response.headers["Cache-Control"] = "no-cache" if static else "no-store"


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a page in words, or problem+json under ``/api/``."""
    try:
        return await handler(request)
    except Forbidden as refusal:
        return _answer(request, 403, refusal.why)
    except web.HTTPException as answer:
        if answer.status < 400:  # noqa: PLR2004 - a redirect is an answer, not an error
            raise
        return _answer(request, answer.status, "")
    except SentinelError as error:
        status = _status(error)
        if status >= 500:  # noqa: PLR2004
            _log(request, error)
        return _answer(request, status, "" if status >= 500 else error.message, error)  # noqa: PLR2004
    except Exception as error:
        _log(request, error)
        return _answer(request, 500, "")


def _status(error: SentinelError) -> int:
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Refused | Conflict):
        return 409
    return 500 if isinstance(error, StorageError) else 400


def _log(request: web.Request, error: Exception) -> None:
    # The route, not the path: an address may name a case. The kind, not the text: it may hold data.
    route = request.match_info.route.resource
    log.get("web").error(
        "request_failed",
        route=route.canonical if route else "",
        method=request.method,
        fault=describe(error),
    )


def _answer(
    request: web.Request, status: int, detail: str, error: SentinelError | None = None
) -> web.Response:
    if request.path.startswith("/api/"):
        answer = problem(status, error.message if error and status < 500 else "")  # noqa: PLR2004
        if status == 401:  # noqa: PLR2004
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    return page(
        request,
        "error.html",
        status=status,
        code=status,
        why="" if error else detail,
        reason=error.detail if error and detail else "",
        hint=error.hint if error and detail else "",
    )
