"""The webhook against a real HTTP server: signed, recognisable, and never past the allow-list."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from sentinel.clock import ManualClock
from sentinel.notify.channel import Rendered, TransportError
from sentinel.notify.channels.webhook import WebhookChannel
from sentinel.notify.egress import EgressPolicy

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
RENDERED = Rendered(
    subject="s", text="t", html="h", payload={"kind": "alert", "title": {"fr": "é", "en": "e"}}
)


class Receiver:
    """Records requests and answers with ``status``."""

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    receiver.port = unused_port()
    await web.TCPSite(runner, "127.0.0.1", receiver.port).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as running:
        yield running


def channel(port: int, secret: str = "shared secret", host: str = "127.0.0.1") -> WebhookChannel:
    scheme = "http" if host == "127.0.0.1" else "https"
    url = f"{scheme}://{host}:{port}/hook"
    return WebhookChannel("webhook", url, secret, EgressPolicy([]), ManualClock(NOW))


async def test_a_message_arrives_signed_and_with_its_key(receiver: Receiver) -> None:
    receipt = await channel(receiver.port).send(RENDERED, key="alert:1:webhook")
    assert receipt == "204 No Content"
    ((headers, body),) = receiver.requests
    assert json.loads(body) == RENDERED.payload
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Idempotency-Key"] == "alert:1:webhook"
    stamp = int(NOW.timestamp())
    expected = hmac.new(b"shared secret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Sentinel-Signature"] == f"t={stamp},v1={expected}"


async def test_without_a_secret_nothing_pretends_to_be_signed(receiver: Receiver) -> None:
    await channel(receiver.port, secret="").send(RENDERED, key="k")
    assert "Sentinel-Signature" not in receiver.requests[0][0]


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (408, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
    ],
)
async def test_the_answer_decides_whether_to_try_again(
    receiver: Receiver, status: int, permanent: bool
) -> None:
    receiver.status = status
    with pytest.raises(TransportError, match=str(status)) as raised:
        await channel(receiver.port).send(RENDERED, key="k")
    assert raised.value.permanent is permanent


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    async with listening() as elsewhere:
        receiver.status = 307
        receiver.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        with pytest.raises(TransportError, match="307") as raised:
            await channel(receiver.port).send(RENDERED, key="k")
        assert raised.value.permanent
        assert elsewhere.requests == []


async def test_a_closed_port_is_tried_again() -> None:
    with pytest.raises(TransportError) as raised:
        await channel(unused_port()).send(RENDERED, key="k")
    assert not raised.value.permanent


async def test_a_host_that_is_not_listed_is_never_reached() -> None:
    with pytest.raises(TransportError, match="egress allow-list") as raised:
        await channel(443, host="hooks.example.org").send(RENDERED, key="k")
    assert raised.value.permanent
