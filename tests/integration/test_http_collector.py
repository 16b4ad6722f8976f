"""The collector over a real socket, with the real spool: what 200 promises, what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import zstandard
from aiohttp import web
from pydantic import SecretStr

from sentinel.clock import ManualClock
from sentinel.collect.http import collector_app
from sentinel.collect.intake import Intake
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.spool import Spool
from sentinel.config import CollectorSettings, SourceSettings
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.errors import ConfigError, StorageError
from sentinel.obs.metrics import Metrics
from sentinel.store.seal import AesGcmSealer

KEY = bytes(range(32))
LIMIT = 1_000_000
SOURCES = [
    SourceSettings(name="www", token=SecretStr("token-www"), profile="nginx-site"),
    SourceSettings(name="crm", token=SecretStr("token-crm"), profile="crm-audit"),
    SourceSettings(name="office", token=SecretStr("token-office"), profile="business-facts"),
    SourceSettings(name="mute"),
]
WEB = '192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET /{} HTTP/1.1" 200 6203 "-" "Mozilla/5.0"'
FACTS = (
    "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
    "ticket,T1,C00123,a.martin,support-1,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
)


def crm(number: int) -> dict[str, Any]:
    return {
        "id": f"crm-{number:06}",
        "time": "2026-01-02T03:04:05.678Z",
        "actor": {"id": "a.martin", "kind": "staff", "roles": ["support"], "team": "support-1"},
        "action": "customer.read",
        "customers": ["C00123"],
    }


class House:
    """A running collector and what lies behind it."""

    def __init__(self, url: str, spool: Spool, metrics: Metrics, client: aiohttp.ClientSession):
        self.url = url
        self.spool = spool
        self.metrics = metrics
        self.client = client

    async def post(
        self, body: bytes | str, source: str = "www", kind: str = "text/plain", **headers: str
    ) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
        sent = {"Authorization": f"Bearer token-{source}", "Content-Type": kind}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.url}/v1/events"
        async with self.client.post(url, data=body, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None), answer

    def stored(self) -> list[Event]:
        return [event for _, event in self.spool.read(-1)]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"sentinel_{name}_total", labels) or 0


def intakes() -> dict[str, Intake]:
    profiles = load_profiles(content_dir("rules") / "sources")
    return {
        source.name: Intake(
            source,
            profiles,
            pseudonymiser=Pseudonymiser(KEY),
            sealer=AesGcmSealer(KEY),
            clock=ManualClock(datetime(2026, 3, 1, tzinfo=UTC)),
            max_line_bytes=10_000,
        )
        for source in SOURCES
    }


def app_of(spool: Any, metrics: Metrics | None = None, limit: int = LIMIT) -> web.Application:
    return collector_app(
        sources=SOURCES,
        intakes=intakes(),
        spool=spool,
        settings=CollectorSettings(max_body_bytes=limit),
        metrics=metrics,
    )


async def serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, handler_cancellation=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    return runner, f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture(loop_scope="function")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    spool = Spool.open(tmp_path / "spool", AesGcmSealer(KEY), max_bytes=50_000_000)
    metrics = Metrics()
    runner, url = await serve(app_of(spool, metrics))
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        yield House(url, spool, metrics, client)
    await runner.cleanup()
    await spool.close()


async def test_log_lines_are_on_the_disk_when_the_answer_arrives(house: House) -> None:
    body = "\n".join(WEB.format(n) for n in range(1000)) + "\nnonsense\n"
    status, answer, _ = await house.post(body)
    assert status == 200
    assert answer["accepted"] == 1000
    assert answer["unparsed"] == 1
    assert answer["first_reasons"] == [
        {"line": 1001, "reason": "no client, identity and user at the start"}
    ]
    assert answer["offset"] == house.spool.last_offset == 1000
    stored = house.stored()
    assert [event.fields.get("url.path") for event in stored[:1000]] == [
        f"/{n}" for n in range(1000)
    ]
    assert stored[1000].fields["event.dataset"] == "sentinel.unparsed"
    assert {event.source for event in stored} == {"www"}
    assert stored[7].ref == "www#7"
    assert house.counted("events_accepted", source="www") == 1000
    assert house.counted("lines_unparsed", source="www") == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-ndjson", "\n".join(json.dumps(crm(n)) for n in range(3))),
        ("application/json", json.dumps([crm(n) for n in range(3)], indent=2)),
        ("application/json", "\n".join(json.dumps(crm(n)) for n in range(3))),
        ("application/json; charset=utf-8", json.dumps([crm(n) for n in range(3)])),
    ],
)
async def test_json_in_its_forms(house: House, kind: str, body: str) -> None:
    status, answer, _ = await house.post(body, "crm", kind)
    assert (status, answer["accepted"], answer["unparsed"]) == (200, 3, 0)
    assert [event.ref for event in house.stored()] == [f"crm#crm-{n:06}" for n in range(3)]


async def test_a_single_pretty_object(house: House) -> None:
    status, answer, _ = await house.post(json.dumps(crm(1), indent=2), "crm", "application/json")
    assert (status, answer["accepted"], answer["unparsed"]) == (200, 1, 0)


async def test_facts_as_csv(house: House) -> None:
    status, answer, _ = await house.post(FACTS, "office", "text/csv")
    assert (status, answer["accepted"]) == (200, 1)
    assert house.stored()[0].fields["fact.kind"] == "ticket"


async def test_bad_lines_do_not_spoil_good_ones(house: House) -> None:
    body = (
        json.dumps(crm(1)).encode()
        + b'\n{"id":"\xff\xfe"}\n{"id": \n'
        + json.dumps(crm(2)).encode()
    )
    status, answer, _ = await house.post(body, "crm", "application/x-ndjson")
    assert (status, answer["accepted"], answer["unparsed"]) == (200, 2, 2)
    assert [reason["line"] for reason in answer["first_reasons"]] == [2, 3]
    assert len(house.stored()) == 4


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_compressed_bodies(house: House, encoding: str) -> None:
    body = WEB.format("a").encode() + b"\n" + WEB.format("b").encode()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    status, answer, _ = await house.post(packed, Content_Encoding=encoding)
    assert (status, answer["accepted"]) == (200, 2)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_refused(house: House, encoding: str) -> None:
    bomb = b"0" * (50 * LIMIT)
    packed = gzip.compress(bomb) if encoding == "gzip" else zstandard.compress(bomb)
    assert len(packed) < LIMIT
    status, answer, response = await house.post(packed, Content_Encoding=encoding)
    assert status == answer["status"] == 413
    assert response.content_type == "application/problem+json"
    assert house.spool.last_offset == -1
    assert house.counted("requests_refused", status="413") == 1


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_damaged_compression_is_refused(house: House, encoding: str) -> None:
    body = ("\n".join(WEB.format(n) for n in range(500))).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    status, _, _ = await house.post(packed[:-9], Content_Encoding=encoding)
    assert status == 400
    assert house.spool.last_offset == -1


async def test_a_body_that_is_not_compressed_as_it_says(house: House) -> None:
    for encoding in ("gzip", "zstd"):
        status, _, _ = await house.post(WEB.format("a"), Content_Encoding=encoding)
        assert status == 400


async def test_a_large_body_is_refused(house: House) -> None:
    status, answer, response = await house.post(b"x" * (LIMIT + 1))
    assert status == answer["status"] == 413
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer token-www2", "Basic token-www", "token-www"],
)
async def test_without_its_token_nothing_is_taken(house: House, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    url = f"{house.url}/v1/events"
    async with house.client.post(url, data=WEB.format("a"), headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.content_type == "application/problem+json"
    assert house.spool.last_offset == -1


async def test_the_token_says_who_sends(house: House) -> None:
    await house.post(WEB.format("a"), "www")
    await house.post(json.dumps(crm(1)), "crm", "application/x-ndjson")
    assert [event.source for event in house.stored()] == ["www", "crm"]


async def test_an_idempotency_key_makes_a_repeat_the_same(house: House) -> None:
    for key in ("k1", "k1", "k2"):
        status, _, _ = await house.post(WEB.format("a"), Idempotency_Key=key)
        assert status == 200
    first, again, other = [event.id for event in house.stored()]
    assert first == again != other


async def test_without_a_key_each_batch_is_its_own(house: House) -> None:
    for _ in range(2):
        await house.post(WEB.format("a"))
    one, two = house.stored()
    assert one.id != two.id


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Encoding": "br"}, 415),
        ({"kind": "image/png"}, 415),
        ({"Idempotency_Key": "k" * 256}, 400),
    ],
)
async def test_what_the_headers_may_not_say(
    house: House, headers: dict[str, str], status: int
) -> None:
    got, answer, _ = await house.post(WEB.format("a"), **headers)
    assert got == answer["status"] == status
    assert house.spool.last_offset == -1


async def test_other_paths_and_methods(house: House) -> None:
    async with house.client.get(f"{house.url}/v1/events") as answer:
        assert answer.status == 405
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Allow"] == "POST"
    async with house.client.get(f"{house.url}/nope") as answer:
        assert answer.status == 404
    async with house.client.get(f"{house.url}/healthz") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_an_empty_body_is_an_empty_batch(house: House) -> None:
    status, answer, _ = await house.post(b"")
    assert (status, answer["accepted"], answer["offset"]) == (200, 0, -1)


async def test_health_is_answered_while_a_large_batch_is_read(house: House) -> None:
    body = "\n".join(WEB.format(n) for n in range(8000))
    batch = asyncio.create_task(house.post(body))
    beats = 0
    while not batch.done():
        async with house.client.get(f"{house.url}/healthz") as answer:
            assert answer.status == 200
        beats += 1
    status, answer_body, _ = await batch
    assert (status, answer_body["accepted"]) == (200, 8000)
    assert beats > 3


async def test_a_full_spool_asks_to_come_again(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "spool", AesGcmSealer(KEY), max_bytes=10)
    runner, url = await serve(app_of(spool))
    async with aiohttp.ClientSession() as client:
        status, answer, response = await House(url, spool, Metrics(), client).post(WEB.format("a"))
    assert status == answer["status"] == 503
    assert int(response.headers["Retry-After"]) > 0
    assert spool.last_offset == -1
    await runner.cleanup()
    await spool.close()


class BrokenDisk:
    """A spool whose disk refuses; it says where."""

    async def append(self, events: Sequence[Event]) -> int:
        assert events
        raise StorageError("no space left on device", where="/var/lib/x/spool/000001.seg")


async def test_a_disk_that_refuses_is_503_and_tells_no_path(tmp_path: Path) -> None:
    metrics = Metrics()
    runner, url = await serve(app_of(BrokenDisk(), metrics))
    headers = {"Authorization": "Bearer token-www", "Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{url}/v1/events", data=WEB.format("a"), headers=headers) as answer,
    ):
        assert answer.status == 503
        assert "/var/lib" not in await answer.text()
        assert "Retry-After" in answer.headers
    assert (
        metrics.registry.get_sample_value("sentinel_events_accepted_total", {"source": "www"})
        is None
    )
    await runner.cleanup()


def test_two_sources_may_not_share_a_token() -> None:
    twin = SourceSettings(name="twin", token=SecretStr("token-www"))
    with pytest.raises(ConfigError, match="www and twin"):
        collector_app(
            sources=[*SOURCES, twin],
            intakes=intakes(),
            spool=BrokenDisk(),
            settings=CollectorSettings(),
        )


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_body_of_very_many_empty_parts_is_refused_at_once(
    house: House, encoding: str
) -> None:
    part = gzip.compress(b"") if encoding == "gzip" else zstandard.compress(b"")
    async with asyncio.timeout(20):  # it took minutes, and a worker thread with it
        status, answer, _ = await house.post(part * 40_000, Content_Encoding=encoding)
    assert status == 400
    assert "compressed parts" in answer["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_body_in_several_parts_is_one_body(house: House, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    parts = [pack(f"{WEB.format(number)}\n".encode()) for number in range(1000)]
    status, answer, _ = await house.post(b"".join(parts), Content_Encoding=encoding)
    assert (status, answer["accepted"]) == (200, 1000)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/plain", b"x\n" * 300_000), ("application/json", b"[" + b"0," * 300_000 + b"0]")],
)
async def test_more_lines_than_memory_should_hold_are_refused(
    house: House, kind: str, body: bytes
) -> None:
    status, answer, _ = await house.post(body, "crm", kind)
    assert status == 413
    assert "smaller batches" in answer["detail"]
    assert house.spool.last_offset == -1


HOSTILE = {
    "nul": b'{"id":"1","action":"a\\u0000b","customers":["\\u0000"]}',
    "surrogate": b'{"id":"1","action":"\\ud800"}',
    "not utf-8": b'{"id":"\xff\xfe","action":"\xc0\x80"}',
    "deep object": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "deep list": b'{"id":"d","customers":' + b"[" * 900 + b"]" * 900 + b"}",
    "deep mixture": b'{"id":"d","customers":[' + b'{"a":[' * 400 + b"1" + b"]}" * 400 + b"]}",
    "double keys": b'{"id":"1","id":"2","actor":{"id":"u"},"actor":{"id":"v"}}',
    "huge integer": b'{"id":"1","records":' + b"9" * 4000 + b"}",
    "endless integer": b'{"id":"1","records":' + b"9" * 9000 + b"}",
    "not a number": b'{"id":"1","records":NaN}',
    "infinite": b'{"id":"1","records":1e999}',
    "wrong types": b'{"id":{"a":1},"records":1.5,"mfa":"maybe","customers":{"x":[null]}}',
    "first day": b'{"id":"1","time":"0001-01-01T00:00:00Z"}',
    "last day": b'{"id":"1","time":"9999-12-31T23:59:59.999999Z"}',
    "beyond all days": b'{"id":"1","time":1e300}',
    "no time": b'{"id":"1","time":[]}',
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_line_is_kept_and_spoils_nothing(house: House, line: bytes) -> None:
    good = json.dumps(crm(7)).encode()
    status, answer, _ = await house.post(good + b"\n" + line + b"\n" + good, "crm")
    assert status == 200
    assert answer["accepted"] + answer["unparsed"] == 3
    stored = house.stored()
    assert len(stored) == 3
    assert all(1970 <= event.time.year < 2200 for event in stored)


async def test_a_body_that_drips_in_is_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.collect.door.BODY_SECONDS", 0.2)
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-www\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf a li"
    )
    async with asyncio.timeout(20):
        assert b" 408 " in await reader.readline()
    writer.close()
    assert house.spool.last_offset == -1


async def test_a_chunked_body_that_breaks_off_stores_nothing(house: House) -> None:
    host, port = house.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    line = WEB.format("a").encode()
    writer.write(
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-www\r\n"
        b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        + f"{len(line):x}".encode()
        + b"\r\n"
        + line
        + b"\r\n"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    status, answer, _ = await house.post(WEB.format("b"))
    assert (status, answer["offset"]) == (200, 0)


async def test_metrics_count_by_source_and_name_nobody(house: House) -> None:
    async with house.client.get(f"{house.url}/metrics") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "# TYPE sentinel_events_accepted_total counter" in page
    assert "sentinel_spool_bytes" in page
