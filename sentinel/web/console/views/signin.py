"""Sign in with password and one-time code; sign out."""

from __future__ import annotations

import secrets

from aiohttp import web

from sentinel.domain.account import Account
from sentinel.web.auth.accounts import Gate
from sentinel.web.auth.gatekeeper import (
    CONSOLE,
    FORM_COOKIE,
    SIGN_IN,
    behind_tls,
    local_path,
    session_cookie,
    signed_in,
    visitor_of,
)
from sentinel.web.auth.sessions import close_session, open_session
from sentinel.web.console.i18n import LANGUAGES
from sentinel.web.console.pages import LANGUAGE_COOKIE, page
from sentinel.web.service import Service

GATE: web.AppKey[Gate] = web.AppKey("gate", Gate)
MAX_FIELD = 200


async def show(request: web.Request) -> web.Response:
    """``GET /sign-in``."""
    if visitor_of(request) is not None:
        raise web.HTTPSeeOther("/")
    return _form(request, status=200, refused=False, name="")


async def enter(request: web.Request) -> web.Response:
    """``POST /sign-in``: one answer for every refusal."""
    service = request.app[CONSOLE]
    form = await request.post()
    name, password, code = (str(form.get(key, "")) for key in ("name", "password", "code"))
    account = None
    if max(len(name), len(password), len(code)) <= MAX_FIELD:
        account = await request.app[GATE].verify(name.strip(), password, code)
    if account is None:
        return _form(request, status=401, refused=True, name=name[:MAX_FIELD])
    response = web.HTTPSeeOther(local_path(str(form.get("next", "/"))))
    _give_cookie(service, response, await _open(service, account))
    raise response


async def leave(request: web.Request) -> web.Response:
    """``POST /sign-out``."""
    service = request.app[CONSOLE]
    visitor, now = signed_in(request), service.clock.now()
    await service.in_store(lambda tx: close_session(tx, visitor, now))
    response = web.HTTPSeeOther(SIGN_IN)
    response.del_cookie(
        session_cookie(service),
        path="/",
        secure=behind_tls(service),
        httponly=True,
        samesite="Strict",
    )
    raise response


async def _open(service: Service, account: Account) -> str:
    now, settings = service.clock.now(), service.settings.console
    return await service.in_store(lambda tx: open_session(tx, account, now, settings))


def _give_cookie(service: Service, response: web.HTTPSeeOther, token: str) -> None:
    response.set_cookie(
        session_cookie(service),
        token,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=behind_tls(service),
    )


def _form(request: web.Request, *, status: int, refused: bool, name: str) -> web.Response:
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    response = page(
        request,
        "signin.html",
        status=status,
        token=token,
        refused=refused,
        name=name,
        next=local_path(request.query.get("next", "/")),
    )
    secure = behind_tls(request.app[CONSOLE])
    response.set_cookie(
        FORM_COOKIE, token, path="/", httponly=True, samesite="Strict", secure=secure
    )
    chosen = request.query.get("language", "")
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, path="/", samesite="Strict", secure=secure)
    return response
