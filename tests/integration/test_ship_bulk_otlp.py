"""Elasticsearch's own client and OpenTelemetry's own exporter, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from elasticsearch import Elasticsearch, helpers
from opentelemetry._logs import LogRecord as ApiRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from ship_house import COMBINED, LINES, House, line_paths, paths_of

from sentinel.collect.spool import SpoolFull

SOURCES: list[dict[str, Any]] = [
    {"name": "app", "token": "token-app", "format": "ecs", "profile": "generic-json"},
    {
        "name": "www",
        "token": "token-www",
        "format": "nginx_combined",
        "profile": "nginx-site",
        "line_field": "message",
    },
    {"name": "one", "token": "token-two", "indices": ["one-*"], "format": "json"},
    {"name": "other", "token": "token-two", "indices": ["other-*"], "format": "json"},
]


class Stubborn:
    """A spool that is full for its first calls."""

    def __init__(self, spool: Any, refusals: int) -> None:
        self._spool = spool
        self.refusals = refusals
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spool, name)

    async def append(self, events: Any) -> int:
        if events and self.refused < self.refusals:
            self.refused += 1
            raise SpoolFull("for the test")
        return int(await self._spool.append(events))


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    running = await House(tmp_path, {"sources": SOURCES}).start()
    yield running
    await running.stop()


async def post(
    house: House, path: str, body: bytes, token: str = "token-app", **headers: str
) -> tuple[int, Any, Any]:
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as client,
        client.post(house.url + path, data=body, headers=sent) as answer,
    ):
        raw = await answer.read()
        is_json = "json" in answer.content_type and raw
        return answer.status, json.loads(raw) if is_json else raw, answer.headers


def documents(count: int) -> list[dict[str, Any]]:
    return [
        {
            "_op_type": "create" if number % 2 else "index",
            "_index": "app-2026",
            "_id": f"doc-{number}",
            "_source": {
                "@timestamp": "2026-01-02T03:04:05.678Z",
                "url": {"path": f"/line/{number}"},
                "message": "an access",
            },
        }
        for number in range(count)
    ]


async def test_helpers_bulk_brings_each_document_once_in_order(tmp_path: Path) -> None:
    house = await House(tmp_path, {"sources": SOURCES}).start(lambda spool: Stubborn(spool, 3))

    def ship() -> tuple[int, Any]:
        with Elasticsearch(house.url, api_key=("any", "token-app")) as client:
            assert client.info()["version"]["number"].startswith("9.")
            assert client.ping()
            return helpers.bulk(
                client, documents(LINES), chunk_size=1000, max_retries=5, initial_backoff=0.01
            )

    done, errors = await asyncio.to_thread(ship)
    events = house.events()
    assert (done, errors) == (LINES, [])
    assert house.spool.refused == 3
    assert paths_of(events) == line_paths(LINES)
    assert len({event.id for event in events}) == LINES
    await house.stop()


async def test_the_same_id_is_the_same_event_whatever_the_way(house: House) -> None:
    action = b'{"create":{"_index":"app","_id":"x-1"}}\n{"message":"an access"}\n'
    for _ in range(2):
        assert (await post(house, "/_bulk", action))[0] == 200
    assert len({event.id for event in house.events()}) == 1


async def test_the_line_inside_a_document_is_read_as_its_source_says(house: House) -> None:
    lines = [
        json.dumps({"message": COMBINED.format(n), "@timestamp": "2026-01-24T07:34:57Z"})
        for n in range(3)
    ]
    body = "".join(f'{{"create":{{}}}}\n{line}\n' for line in lines).encode()
    status, answer, _ = await post(house, "/filebeat-9/_bulk", body, "token-www")
    assert (status, answer["errors"]) == (200, False)
    assert paths_of(house.events()) == line_paths(3)
    body = b'{"create":{}}\n{"other":1}\n'
    status, answer, _ = await post(house, "/filebeat-9/_bulk", body, "token-www")
    assert answer["items"][0]["create"]["error"]["type"] == "document_parsing_exception"
    assert house.events()[-1].text("error.message") == "the document has no field message"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"{}\n",
        b"not json\n",
        b'{"create":{}}\n',  # no document
        b'{"create":{}}\n{"a":1}',  # no last line feed
        b'{"create":{},"index":{}}\n{"a":1}\n',
        b'{"upsert":{}}\n{"a":1}\n',
        b'{"create":[]}\n{"a":1}\n',
        b'{"create":{}}\n{"a":1}\n\n',
        b"\xff\xfe\n{}\n",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_a_malformed_bulk_is_refused_whole(house: House, body: bytes) -> None:
    status, answer, _ = await post(house, "/app/_bulk", body)
    assert status == 400
    assert answer["error"]["reason"]
    assert house.events() == []


async def test_each_item_has_its_own_status_in_order(house: House) -> None:
    body = (
        b'{"create":{"_id":"1"}}\n{"message":"a"}\n'
        b'{"update":{"_id":"1"}}\n{"doc":{}}\n'
        b'{"delete":{"_id":"1"}}\n'
        b'{"index":{"_id":"2"}}\nnot json\n'
        b'{"index":{"_id":3}}\n{"message":"b"}\n'
    )
    status, answer, headers = await post(house, "/app/_bulk", body)
    found = [(name, entry["status"]) for item in answer["items"] for name, entry in item.items()]
    assert (status, answer["errors"]) == (200, True)
    assert found == [
        ("create", 201), ("update", 400), ("delete", 400), ("index", 400), ("index", 201),
    ]  # fmt: skip
    assert headers["X-Elastic-Product"] == "Elasticsearch"
    kept = [event.text("event.dataset") for event in house.events()]
    assert len(kept) == 3  # what is no document is refused, and kept all the same
    assert kept[1] == "sentinel.unparsed"


async def test_an_index_belongs_to_one_source_of_a_shared_token(house: House) -> None:
    body = b"".join(
        b'{"create":{"_index":"%s-1"}}\n{"message":"a"}\n' % index
        for index in (b"one", b"other", b"third")
    )
    _, answer, _ = await post(house, "/_bulk", body, "token-two")
    assert [item["create"]["status"] for item in answer["items"]] == [201, 201, 403]
    assert [event.source for event in house.events()] == ["one", "other"]
    assert (await post(house, "/v1/events", b"{}", "token-two"))[0] == 415


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer token-app", 200),
        ("ApiKey token-app", 200),
        ("ApiKey " + base64.b64encode(b"id:token-app").decode(), 200),
        ("Basic " + base64.b64encode(b"elastic:token-app").decode(), 200),
        ("Basic " + base64.b64encode(b"token-app").decode(), 401),
        ("Basic token-app", 401),
        ("ApiKey " + base64.b64encode(b"id:wrong").decode(), 401),
        ("Digest token-app", 401),
        ("", 401),
    ],
)
async def test_the_token_comes_in_three_schemes(house: House, header: str, status: int) -> None:
    body = b'{"create":{"_index":"a"}}\n{"message":"a"}\n'
    assert (await post(house, "/_bulk", body, Authorization=header))[0] == status


@pytest.mark.parametrize(
    "path",
    ["/", "/_license", "/_xpack", "/_nodes", "/_nodes/http", "/_ilm/policy/filebeat",
     "/_index_template/x", "/_ingest/pipeline/x", "/_cluster/health", "/_ilm", "/_template/x"],
)  # fmt: skip
async def test_what_a_shipper_asks_first_is_answered(house: House, path: str) -> None:
    async with aiohttp.ClientSession() as client:
        headers = {"Authorization": "Bearer token-app"}
        for method in (client.get, client.head):
            async with method(house.url + path, headers=headers) as answer:
                assert answer.status == 200
                assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
        async with client.get(house.url + path) as answer:
            assert answer.status == 401


def emit(provider: LoggerProvider, count: int) -> None:
    logger = provider.get_logger("shop")
    for number in range(count):
        logger.emit(
            ApiRecord(
                timestamp=1_767_323_045_000_000_000 + number,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="an access",
                attributes={"url.path": f"/line/{number}", "user.id": "C00123"},
            )
        )
        if number % 1000 == 999:
            provider.force_flush()


async def test_the_opentelemetry_exporter_brings_each_record_once(house: House) -> None:
    def ship() -> None:
        provider = LoggerProvider(resource=Resource.create({"service.name": "shop"}))
        exporter = OTLPLogExporter(
            endpoint=f"{house.url}/v1/logs", headers={"Authorization": "Bearer token-app"}
        )
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        emit(provider, LINES)
        provider.shutdown()

    await asyncio.to_thread(ship)
    events = house.events()
    assert paths_of(events) == line_paths(LINES)
    assert len({event.id for event in events}) == LINES
    assert events[0].time.isoformat() == "2026-01-02T03:04:05+00:00"


RECORD = {
    "timeUnixNano": "1767323045000000000",
    "severityNumber": 13,
    "body": {"stringValue": "hello"},
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "attributes": [{"key": "url.path", "value": {"stringValue": "/line/0"}}],
}


def otlp(*records: Any) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    logs = {"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}
    return json.dumps({"resourceLogs": [logs]}).encode()


async def test_otlp_in_json_and_gzip(house: House) -> None:
    body = gzip.compress(otlp(RECORD))
    status, answer, _ = await post(
        house, "/v1/logs", body, Content_Type="application/json", Content_Encoding="gzip"
    )
    assert (status, answer) == (200, {})
    assert paths_of(house.events()) == ["/line/0"]


async def test_a_bad_record_is_a_partial_success(house: House) -> None:
    bad = [{**RECORD, "traceId": "xyz"}, {}, {"body": {"noValue": 1}}, 7]
    status, answer, _ = await post(
        house, "/v1/logs", otlp(RECORD, *bad), Content_Type="application/json"
    )
    assert status == 200
    assert answer["partialSuccess"]["rejectedLogRecords"] == "4"
    assert answer["partialSuccess"]["errorMessage"]
    assert len(house.events()) == 1
    assert house.counted("input_faults", source="app", fault="otlp record rejected") == 4


async def test_the_same_export_again_is_the_same_events(house: House) -> None:
    for _ in range(2):
        await post(house, "/v1/logs", otlp(RECORD, RECORD), Content_Type="application/json")
    assert len({event.id for event in house.events()}) == 2


@pytest.mark.parametrize(
    ("body", "kind", "token", "status"),
    [
        (b"\xff\xff\xff", "application/x-protobuf", "token-app", 400),
        (b"[]", "application/json", "token-app", 400),
        (b'{"resourceLogs":7}', "application/json", "token-app", 400),
        (b"[" * 100_000, "application/json", "token-app", 400),
        (b"{}", "application/json", "wrong", 401),
        (b"{}", "text/plain", "token-app", 415),
        (b"", "application/x-protobuf", "token-app", 200),
        (b"{}", "application/json", "token-app", 200),
    ],
)
async def test_what_is_no_export_is_refused_for_good(
    house: House, body: bytes, kind: str, token: str, status: int
) -> None:
    assert (await post(house, "/v1/logs", body, token, Content_Type=kind))[0] == status
    assert house.events() == []


async def test_a_full_spool_asks_an_exporter_to_come_again(tmp_path: Path) -> None:
    house = await House(tmp_path, {"sources": SOURCES}).start(lambda spool: Stubborn(spool, 1))
    kind = "application/json"
    status, answer, headers = await post(house, "/v1/logs", otlp(RECORD), Content_Type=kind)
    assert (status, headers["Retry-After"], answer["code"]) == (503, "5", 14)
    assert (await post(house, "/v1/logs", otlp(RECORD), Content_Type=kind))[0] == 200
    assert len(house.events()) == 1
    await house.stop()
