"""A client that lies gets the right status, and the next honest one is served."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from ship_house import House, certificates, client_context, free_port, until

from sentinel.clock import ManualClock

SOURCES = [{"name": "app", "token": "token-app", "format": "json", "profile": "generic-json"}]
LIMIT = 1_000_000


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    settings = {"sources": SOURCES, "collector": {"max_body_bytes": LIMIT}}
    running = await House(tmp_path, settings).start()
    yield running
    await running.stop()


async def honest(house: House, **options: Any) -> None:
    """Send one good line, which must be served at once."""
    headers = {"Authorization": "Bearer token-app", "Content-Type": "text/plain"}
    before = house.spool.last_offset
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{house.url}/v1/events", data=b'{"a":1}', headers=headers, **options) as one,
    ):
        assert one.status == 200, await one.text()
    assert house.spool.last_offset == before + 1


def head(house: House, path: str, *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", "Authorization: Bearer token-app",
             "Content-Type: application/json", *more, "", "")  # fmt: skip
    return "\r\n".join(lines).encode()


async def raw(house: House, data: bytes, *, until_closed: bool = False) -> bytes:
    """Send bytes, return the answer's first line."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await (reader.read() if until_closed else reader.readline())
    writer.close()
    return answer.split(b"\r\n")[0].strip()


PATHS = ["/v1/events", "/_bulk", "/v1/logs"]


@pytest.mark.parametrize("path", PATHS)
async def test_two_gigabytes_are_refused_before_they_are_read(house: House, path: str) -> None:
    answer = await raw(house, head(house, path, f"Content-Length: {2 << 30}"))
    assert answer.startswith(b"HTTP/1.1 413")
    await honest(house)


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_without_end_is_refused_at_the_limit(house: House, path: str) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    body = head(house, path, "Transfer-Encoding: chunked") + chunk * (2 * LIMIT // 0x10000)
    assert (await raw(house, body)).startswith(b"HTTP/1.1 413")
    await honest(house)


@pytest.mark.parametrize("path", PATHS)
async def test_a_gzip_bomb_is_refused(house: House, path: str) -> None:
    bomb = gzip.compress(bytes(30 * LIMIT))
    assert len(bomb) < LIMIT
    size = f"Content-Length: {len(bomb)}"
    answer = await raw(house, head(house, path, size, "Content-Encoding: gzip") + bomb)
    assert answer.startswith(b"HTTP/1.1 413")
    await honest(house)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_what_is_not_compressed_is_refused(house: House, path: str, encoding: str) -> None:
    size = ["Content-Length: 7", f"Content-Encoding: {encoding}"]
    answer = await raw(house, head(house, path, *size) + b"not zip")
    assert answer.startswith(b"HTTP/1.1 400")
    await honest(house)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic !!!", "ApiKey \xff", ""])
async def test_a_wrong_token_is_refused(house: House, path: str, header: str) -> None:
    headers = {"Authorization": header, "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(house.url + path, data=b"{}", headers=headers) as answer,
    ):
        assert answer.status == 401
        assert "WWW-Authenticate" in answer.headers
    assert house.counted("requests_refused", status="401") == 1
    await honest(house)


async def test_bad_utf8_is_kept_and_not_refused(house: House) -> None:
    body = b'{"a":"\xff\xfe"}'
    answer = await raw(house, head(house, "/v1/events", f"Content-Length: {len(body)}") + body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert len(house.events()) == 1
    bulk = b'{"create":{"_index":"a"}}\n{"a":"\xff\xfe"}\n'
    answer = await raw(house, head(house, "/_bulk", f"Content-Length: {len(bulk)}") + bulk)
    assert answer.startswith(b"HTTP/1.1 200")
    await honest(house)


@pytest.mark.parametrize("path", PATHS)
async def test_a_slow_loris_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("sentinel.collect.door.BODY_SECONDS", 0.3)
    lories = [
        asyncio.create_task(raw(house, head(house, path, "Content-Length: 1000") + b"{"))
        for _ in range(50)
    ]
    await honest(house)  # while they hang
    answers = await asyncio.gather(*lories)
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
    await honest(house)


async def test_a_loris_that_never_ends_its_headers_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.collect.http.IDLE_SECONDS", 0.4)
    house = await House(tmp_path, {"sources": SOURCES}).start()
    half = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    waiting = [asyncio.create_task(raw(house, half, until_closed=True)) for _ in range(50)]
    await honest(house)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [b""] * 50
    await honest(house)
    await house.stop()


async def test_a_body_that_stops_early_stores_nothing(house: House) -> None:
    port = int(house.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(house, "/v1/events", "Content-Length: 100") + b'{"a":1}\n{"a":2}\n')
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    assert house.events() == []
    await honest(house)


async def test_pressure_is_told_with_retry_after(tmp_path: Path) -> None:
    settings = {"sources": SOURCES, "collector": {"max_pending_bytes": 1000}}
    house = await House(tmp_path, settings).start()
    headers = {"Authorization": "Bearer token-app", "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as client:
        for path in PATHS:
            body = json.dumps({"a": "x" * 2000}).encode()
            async with client.post(house.url + path, data=body, headers=headers) as answer:
                assert answer.status == 429
                assert answer.headers["Retry-After"]
    await honest(house)
    await house.stop()


async def test_tls_1_2_is_refused_counted_and_1_3_served(tmp_path: Path) -> None:
    made = certificates(tmp_path, "server", "client")
    collector = {
        "tls_certificate": made["server"][0],
        "tls_key": made["server"][1],
        "tls_client_ca": made["ca"][0],
    }
    mutual = {"name": "mutual", "client_certificates": ["CN=client.example.org"], "format": "json"}
    house = await House(tmp_path, {"sources": [*SOURCES, mutual], "collector": collector}).start()
    old = client_context(tmp_path / "ca.pem", version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await honest(house, ssl=old)
    await until(lambda: house.counted("tls_refused", reason="unsupported protocol") >= 1)
    await honest(house, ssl=client_context(tmp_path / "ca.pem"))
    shown = client_context(tmp_path / "ca.pem")
    shown.load_cert_chain(*made["client"])
    async with (
        aiohttp.ClientSession() as client,
        client.post(
            f"{house.url}/v1/events", data=b'{"a":1}', headers={"Content-Type": "text/plain"},
            ssl=shown,
        ) as answer,
    ):  # fmt: skip
        assert answer.status == 200
    assert house.events()[-1].source == "mutual"
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")  # no TLS at all
    assert await reader.read() == b""
    writer.close()
    await house.stop()


async def test_an_exception_lets_one_source_speak_tls_1_2_on_its_port_for_a_time(
    tmp_path: Path,
) -> None:
    made = certificates(tmp_path, "server")
    collector = {"tls_certificate": made["server"][0], "tls_key": made["server"][1]}
    until_january = {"owner": "ops", "until": date(2026, 1, 31), "port": free_port()}
    old = {"name": "old", "token": "token-old", "format": "json", "tls12": until_january}
    clock = ManualClock(datetime(2026, 1, 31, 12, tzinfo=UTC))
    settings = {"sources": [*SOURCES, old], "collector": collector}
    house = await House(tmp_path, settings, clock).start()
    speaks = client_context(tmp_path / "ca.pem", version=ssl.TLSVersion.TLSv1_2)
    url = house.inputs.where["old"]
    assert url.endswith(f":{until_january['port']}")
    assert await status_of(url, "token-old", speaks) == 200
    assert await status_of(url, "token-app", speaks) == 401  # a door for one
    assert await status_of(url, "token-old", client_context(tmp_path / "ca.pem")) == 200
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await status_of(house.url, "token-old", speaks)
    assert [e.source for e in house.events() if e.get("event.action") == "tls12.exception"] == [
        "old"
    ]
    clock.set(datetime(2026, 2, 1, tzinfo=UTC))
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await status_of(url, "token-old", speaks)
    assert await status_of(url, "token-old", client_context(tmp_path / "ca.pem")) == 200
    await house.stop()


async def status_of(url: str, token: str, context: ssl.SSLContext) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{url}/v1/events", data=b'{"a":1}', headers=headers, ssl=context) as one,
    ):
        return one.status


async def test_protobuf_without_its_extra_is_501_and_says_which(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith("opentelemetry.proto"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto", None)  # as where it is not installed
    headers = {"Authorization": "Bearer token-app", "Content-Type": "application/x-protobuf"}
    async with aiohttp.ClientSession() as client:
        url = f"{house.url}/v1/logs"
        async with client.post(url, data=b"\x0a\x00", headers=headers) as answer:
            assert answer.status == 501
            body = await answer.read()
            assert body.startswith(b"\x08\x0c\x12")  # google.rpc.Status, UNIMPLEMENTED
            assert b"otlp" in body
        headers["Content-Type"] = "application/json"
        async with client.post(url, data=b'{"resourceLogs":[]}', headers=headers) as answer:
            assert answer.status == 200  # JSON needs no extra
    await honest(house)
