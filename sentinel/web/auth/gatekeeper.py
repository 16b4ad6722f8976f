"""What stands before every page: the session, the CSRF token, the origin, the roles.

Nothing but the sign-in page, the static files and the liveness probe is reached without a session,
and a session is only opened by both factors (promise R-33).
"""

from __future__ import annotations

import functools
import hmac
import re
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from sentinel.web.auth.roles import acts_on_cases, reads_cases
from sentinel.web.auth.sessions import Visitor, resume
from sentinel.web.auth.tokens import bearer
from sentinel.web.service import Service

CONSOLE: web.AppKey[Service] = web.AppKey("service", Service)
VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)
SIGN_IN = "/sign-in"
OPEN_PATHS = frozenset({SIGN_IN, "/api/v1/health"})
FORM_COOKIE = "sentinel_form"
# The one form that carries a file; larger ones come by the API.
EVIDENCE = re.compile(r"/incidents/[^/]+/evidence")
EVIDENCE_BYTES = 16 * 1024 * 1024


class Forbidden(web.HTTPForbidden):
    """The visitor's roles do not open this page. ``why`` is a key of the error page."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__()


def visitor_of(request: web.Request) -> Visitor | None:
    """Return who is signed in, if anybody is."""
    return request.get(VISITOR)


def signed_in(request: web.Request) -> Visitor:
    """Return who is signed in; the gatekeeper has made sure that somebody is."""
    return request[VISITOR]


def behind_tls(service: Service) -> bool:
    """Tell whether browsers reach the console by TLS."""
    settings = service.settings.console
    return settings.tls_certificate is not None or settings.behind_tls_proxy


def session_cookie(service: Service) -> str:
    """Return the cookie's name; ``__Host-`` binds it to this host and to TLS (RFC 6265bis)."""
    return "__Host-sentinel" if behind_tls(service) else "sentinel_session"


@web.middleware
async def gatekeeper(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through with its visitor, or send it to the sign-in page."""
    service = request.app[CONSOLE]
    given = request.headers.get("Authorization", "")
    if request.path.startswith("/api/") and given:
        return await handler(await _by_token(request, given))
    token = request.cookies.get(session_cookie(service), "")
    if token:
        now = service.clock.now()
        console = service.settings.console
        visitor = await service.in_store(lambda tx: resume(tx, token, now, console))
        if visitor is not None:
            request[VISITOR] = visitor
    if request.method not in {"GET", "HEAD"}:
        if visitor_of(request) is not None and EVIDENCE.fullmatch(request.path):
            request = request.clone(client_max_size=EVIDENCE_BYTES)
        await check_form(request)
    if visitor_of(request) is None and not _is_open(request.path):
        return _turn_away(request)
    return await handler(request)


async def _by_token(request: web.Request, given: str) -> web.Request:
    """Let in who carries a token: no cookie is looked at, so that no other site can borrow it."""
    service = request.app[CONSOLE]
    scheme, _, text = given.partition(" ")
    now = service.clock.now()
    visitor = None
    if scheme.lower() == "bearer":
        visitor = await service.in_store(lambda tx: bearer(tx, text.strip(), now))
    if visitor is None:
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
    request[VISITOR] = visitor
    return request


async def check_form(request: web.Request) -> None:
    """Refuse a form that does not come from our own page. Raises Forbidden.

    Before sign-in the token is that of the form cookie, afterwards that of the session.
    """
    if not same_origin(request):
        raise Forbidden("origin")
    visitor = visitor_of(request)
    expected = visitor.session.csrf_token if visitor else request.cookies.get(FORM_COOKIE, "")
    if visitor and request.path == SIGN_IN:
        expected = request.cookies.get(FORM_COOKIE, "")
    given = (await request.post()).get("csrf", "")
    if not expected or not isinstance(given, str) or not _same(given, expected):
        raise Forbidden("csrf")


def same_origin(request: web.Request) -> bool:
    """Tell whether ``Origin`` (RFC 6454) names this console; an absent one does not."""
    origin = urlsplit(request.headers.get("Origin", ""))
    public = urlsplit(request.app[CONSOLE].settings.console.public_url)
    return bool(origin.netloc) and origin.netloc in {request.host, public.netloc}


def case_content(handler: Handler) -> Handler:
    """Open a page to those who may read cases. Raises Forbidden."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not reads_cases(signed_in(request).account.roles):
            raise Forbidden("content")
        return await handler(request)

    return guarded


def case_action(handler: Handler) -> Handler:
    """Open an action to those who may change cases. Raises Forbidden."""

    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        roles = signed_in(request).account.roles
        if not acts_on_cases(roles):
            raise Forbidden("action" if reads_cases(roles) else "content")
        return await handler(request)

    return guarded


def local_path(target: str) -> str:
    """Return ``target`` if it is a path of this console, else the home page (no open redirect)."""
    parts = urlsplit(target)
    foreign = parts.scheme or parts.netloc or not target.startswith("/")
    return "/" if foreign or target.startswith("//") or "\\" in target else target


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith("/static/")


def _turn_away(request: web.Request) -> web.StreamResponse:
    if request.path.startswith("/api/"):
        raise web.HTTPUnauthorized
    if _came_by_link(request):
        # SameSite=Strict keeps the cookie back when a link in a web mail is followed; the same
        # address asked for from our own page brings it along.
        return web.Response(
            text="<!doctype html><meta http-equiv='refresh' content='0'><title>Sentinel</title>",
            content_type="text/html",
        )
    if request.method != "GET":
        raise web.HTTPSeeOther(SIGN_IN)
    raise web.HTTPSeeOther(f"{SIGN_IN}?next={quote(request.path_qs, safe='')}")


def _came_by_link(request: web.Request) -> bool:
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Site") == "cross-site"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
    )
