"""OTLP/HTTP for logs (OpenTelemetry protocol 1.x, ``POST /v1/logs``): protobuf and JSON.

A 200 means that every record that is not counted under ``partial_success`` is durable. Of the
refusals only 429 and 503 ask to come again, as the protocol has it. An exporter that lost our
answer sends the same bytes again: the same bytes give the same events.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from sentinel.collect.batch import Item
from sentinel.collect.door import Door
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs import otlp_json, otlp_protobuf
from sentinel.collect.inputs.document import NoLine, line_of
from sentinel.collect.inputs.otlp_records import Record, Rejected, ecs_document, instant
from sentinel.collect.problem import NotSupported, headers_of, status_of
from sentinel.config import SourceSettings
from sentinel.errors import SentinelError
from sentinel.ids import uuid7

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_GRPC_CODES = {400: 3, 401: 16, 413: 8, 415: 3, 422: 3, 429: 8, 501: 12, 503: 14}  # google.rpc.Code
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


def add_otlp(app: web.Application, door: Door, ingest: Ingest) -> None:
    """Add ``/v1/logs`` to ``app``."""
    app.router.add_post("/v1/logs", Otlp(door, ingest).take)


class Otlp:
    """Takes log records."""

    def __init__(self, door: Door, ingest: Ingest) -> None:
        self._door = door
        self._ingest = ingest

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one export request, in the encoding in which it came."""
        kind = request.content_type
        try:
            sources = self._door.sources(request)
            if len(sources) > 1:
                raise NotSupported("this token is of several sources, which only _bulk tells apart")
            if kind not in (PROTOBUF, JSON):
                raise NotSupported(f"Content-Type is {PROTOBUF} or {JSON}")
            decode = otlp_json.decode if kind == JSON else otlp_protobuf.decode
            async with self._door.body(request) as body:
                records = await asyncio.to_thread(decode, body)
                items, rejected = await asyncio.to_thread(_items, records, sources[0])
                if items:
                    await self._ingest.take(sources[0].name, items, _batch_id(body, records))
        except SentinelError as error:
            return self._refused(error, kind)
        self._count_rejected(sources[0].name, len(rejected))
        return _answer(rejected, kind)

    def _refused(self, error: SentinelError, kind: str) -> web.Response:
        status = status_of(error)
        if self._ingest.metrics is not None:
            self._ingest.metrics.refused.labels(str(status.value)).inc()
        code = _GRPC_CODES.get(status, 2)
        if kind == PROTOBUF:
            text = error.message.encode()
            body = b"\x08" + bytes([code]) + b"\x12" + otlp_protobuf.varint(len(text)) + text
        else:
            body = msgspec.json.encode({"code": code, "message": error.message})
        return web.Response(
            body=body,
            status=status,
            content_type=PROTOBUF if kind == PROTOBUF else JSON,
            headers=headers_of(status),
        )

    def _count_rejected(self, source: str, count: int) -> None:
        if count and self._ingest.metrics is not None:
            self._ingest.metrics.input_faults.labels(source, "otlp record rejected").inc(count)


def _items(
    records: Sequence[Record | Rejected], source: SourceSettings
) -> tuple[list[Item], list[Rejected]]:
    items: list[Item] = []
    rejected: list[Rejected] = []
    for record in records:
        if isinstance(record, Rejected):
            rejected.append(record)
            continue
        document = ecs_document(record)
        raw = msgspec.json.encode(document)
        time = instant(record.time_ns or record.observed_ns)
        if not source.line_field:
            items.append(Item(raw, time=time))
            continue
        try:
            items.append(Item(line_of(_RAW.decode(raw), source.line_field), time=time))
        except NoLine as error:
            items.append(Item(raw, time=time, fault=error.detail))
    return items, rejected


def _batch_id(body: bytes, records: Sequence[Record | Rejected]) -> str:
    """Return the digest of the body where its records carry instants, which tell bodies apart."""
    timed = all(
        record.time_ns or record.observed_ns for record in records if isinstance(record, Record)
    )
    return f"otlp:{hashlib.sha256(body).hexdigest()}" if timed else uuid7()


def _answer(rejected: Sequence[Rejected], kind: str) -> web.Response:
    message = rejected[0].reason if rejected else ""
    if kind == PROTOBUF:
        body = otlp_protobuf.partial_success(len(rejected), message)
        return web.Response(body=body, content_type=PROTOBUF)
    document: dict[str, Any] = {}
    if rejected:
        document["partialSuccess"] = {
            "rejectedLogRecords": str(len(rejected)),
            "errorMessage": message,
        }
    return web.Response(body=msgspec.json.encode(document), content_type=JSON, status=HTTPStatus.OK)
