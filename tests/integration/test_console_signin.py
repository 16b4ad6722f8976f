"""Sign-in over real sockets: both factors, cookies, origin, token, time-outs, languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from console_house import House, browsing, code_of, furnish, signed_in_as

from sentinel.config import ConsoleSettings, Settings
from sentinel.domain.incident import Role

PAGES = ["/", "/alerts", "/alerts/alert-1", "/incidents", "/incidents/incident-1", "/account"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    furnish(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("path", [*PAGES, "/alerts.csv", "/incidents/incident-1/dossier"])
async def test_nothing_opens_without_a_session(house: House, path: str) -> None:
    async with browsing(house) as browser:
        response = await browser.client.get(path, allow_redirects=False)
        assert response.status == 303
        assert response.headers["Location"].startswith("/sign-in?next=")
        assert "INC-2026" not in await response.text()


async def test_both_factors_open_and_lead_back(house: House) -> None:
    made = house.account()
    async with browsing(house) as browser:
        response = await browser.sign_in(made, next="/alerts?state=open")
        assert (response.status, response.headers["Location"]) == (303, "/alerts?state=open")
        assert (await browser.get("/alerts?state=open"))[0] == 200


@pytest.mark.parametrize("target", ["//evil.example.org", "https://example.org/", "/\\example.org"])
async def test_sign_in_leads_nowhere_else(house: House, target: str) -> None:
    made = house.account()
    async with browsing(house) as browser:
        assert (await browser.sign_in(made, next=target)).headers["Location"] == "/"


@pytest.mark.parametrize("changes", [{"password": "x"}, {"code": "000000"}, {"name": "nobody"}])
async def test_every_refusal_reads_the_same(house: House, changes: dict[str, str]) -> None:
    made = house.account()
    async with browsing(house) as browser:
        response = await browser.sign_in(made, **changes)
        body = await response.text()
        assert response.status == 401
        assert "l’identifiant, le mot de passe ou le code est inexact" in body
        assert "sentinel_session" not in response.headers.getall("Set-Cookie", [""])[0]
        assert made.password not in body


async def test_the_code_that_opened_one_session_opens_no_other(house: House) -> None:
    made = house.account()
    code = code_of(made, house.clock.now())
    async with browsing(house) as browser:
        assert (await browser.sign_in(made, code=code)).status == 303
    async with browsing(house) as thief:
        assert (await thief.sign_in(made, code=code)).status == 401


async def test_the_cookie_is_for_the_browser_only(house: House) -> None:
    made = house.account()
    async with browsing(house) as browser:
        response = await browser.sign_in(made)
        cookie = SimpleCookie(response.headers["Set-Cookie"])["sentinel_session"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert not cookie["secure"], "plain HTTP on loopback"


async def test_behind_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    behind = Settings(console=ConsoleSettings(behind_tls_proxy=True))
    house = House(tmp_path, behind)
    made = house.account()
    async with browsing(house) as browser:
        page = await browser.client.get("/sign-in")
        form = SimpleCookie(page.headers["Set-Cookie"])["sentinel_form"]
        assert form["secure"]
        response = await browser.client.post(
            "/sign-in",
            data={
                "csrf": form.value,
                "name": made.account.name,
                "password": made.password,
                "code": code_of(made, house.clock.now()),
            },
            headers={"Origin": browser.origin, "Cookie": f"sentinel_form={form.value}"},
            allow_redirects=False,
        )
        assert response.status == 303
        cookie = SimpleCookie(response.headers["Set-Cookie"])["__Host-sentinel"]
        assert cookie["secure"]
    house.close()


async def test_a_session_ends_when_idle(house: House) -> None:
    async with signed_in_as(house) as browser:
        house.clock.advance(timedelta(minutes=29))
        assert (await browser.get("/"))[0] == 200
        house.clock.advance(timedelta(minutes=30))
        assert (await browser.get("/"))[0] == 303


async def test_signing_out_ends_the_session_on_the_server(house: House) -> None:
    async with signed_in_as(house) as browser:
        cookies = browser.client.session.cookie_jar.filter_cookies(browser.client.make_url("/"))
        token = cookies["sentinel_session"].value
        response = await browser.post("/sign-out")
        assert (response.status, response.headers["Location"]) == (303, "/sign-in")
        status, _ = await browser.get("/", Cookie=f"sentinel_session={token}")
        assert status == 303


@pytest.mark.parametrize(
    ("origin", "token"),
    [("https://evil.example.org", ""), ("null", ""), (None, ""), ("same", "wrong"), ("same", "-")],
)
async def test_a_form_from_elsewhere_changes_nothing(
    house: House, origin: str | None, token: str
) -> None:
    async with signed_in_as(house) as browser:
        real = await browser.token("/account")
        data = {"language": "fr"} if token == "-" else {"language": "fr", "csrf": token or real}
        given = browser.origin if origin == "same" else origin
        headers = {"Origin": given} if given else {}
        response = await browser.client.post(
            "/account/language", data=data, headers=headers, allow_redirects=False
        )
        assert response.status == 403
        assert "did not come from a fresh page" in await response.text()
    account = house.now_in_store(lambda tx: tx.accounts.by_name("c.durand"))
    assert account is not None
    assert account.language == "en"


async def test_the_sign_in_form_itself_needs_its_token(house: House) -> None:
    made = house.account()
    async with browsing(house) as browser:
        assert (await browser.sign_in(made, csrf="x" * 43)).status == 403


async def test_a_link_in_a_web_mail_brings_the_strict_cookie_along(house: House) -> None:
    async with browsing(house) as browser:
        crossing = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        status, body = await browser.get("/incidents/incident-1", **crossing)
        assert status == 200
        assert "http-equiv='refresh'" in body
        assert (await browser.get("/incidents/incident-1"))[0] == 303


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/static/console.css"])
async def test_every_answer_is_hardened(house: House, path: str) -> None:
    async with browsing(house) as browser:
        response = await browser.client.get(path, allow_redirects=False)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        expected = "no-cache" if path.startswith("/static/") else "no-store"
        assert response.headers["Cache-Control"] == expected


async def test_pages_need_no_inline_code(house: House) -> None:
    async with signed_in_as(house) as browser:
        for path in PAGES:
            _, body = await browser.get(path)
            assert "<style" not in body
            assert " style=" not in body
            assert " onclick=" not in body
            assert body.count("<script") == body.count('<script src="/static/')


@pytest.mark.parametrize(
    ("header", "language", "title"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.5", "fr", "Connexion"),
        ("en-GB", "en", "Sign in"),
        ("de;q=0.9, en;q=0.1", "en", "Sign in"),
        ("de", "fr", "Connexion"),
        (";;q=x,", "fr", "Connexion"),
    ],
)
async def test_the_browser_s_language_greets(
    house: House, header: str, language: str, title: str
) -> None:
    async with browsing(house) as browser:
        _, body = await browser.get("/sign-in", **{"Accept-Language": header})
        assert f'<html lang="{language}">' in body
        assert f"<title>{title}" in body


async def test_a_chosen_language_stays(house: House) -> None:
    async with browsing(house) as browser:
        await browser.get("/sign-in?language=en")
        _, body = await browser.get("/sign-in", **{"Accept-Language": "fr"})
        assert '<html lang="en">' in body


async def test_the_account_s_language_wins_and_can_be_changed(house: House) -> None:
    async with signed_in_as(house, Role.ANALYST, language="fr") as browser:
        assert "Aujourd’hui" in (await browser.get("/"))[1]
        response = await browser.post("/account/language", language="en")
        assert response.status == 303
        assert "Today" in (await browser.get("/"))[1]
        assert (await browser.post("/account/language", language="de")).status == 400
    lines = house.now_in_store(lambda tx: [line.action for line in tx.journal.lines()])
    assert lines.count("account.language") == 1
