"""Elasticsearch's ``_bulk``, so that what ships to Elasticsearch ships to us as it is.

A 200 lists the items in order; each 201 among them is durable. A body that is not a bulk is a 400
and nothing of it is taken. Under pressure the whole request is a 429 with ``Retry-After``. The
same ``_id`` from the same source gives the same event: sending again doubles nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from sentinel.collect.batch import Item
from sentinel.collect.door import Door
from sentinel.collect.formats.times import read_time
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs import elastic
from sentinel.collect.inputs.bulk_body import Operation, read_bulk
from sentinel.collect.inputs.document import NoLine, line_of
from sentinel.collect.problem import headers_of, status_of
from sentinel.collect.senders import Sources
from sentinel.errors import SentinelError
from sentinel.ids import uuid7

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Outcome(msgspec.Struct):
    """What became of one item."""

    operation: Operation
    status: int = HTTPStatus.CREATED
    error: tuple[str, str] | None = None


def add_bulk(app: web.Application, door: Door, ingest: Ingest) -> None:
    """Add the routes that shippers ask for to ``app``."""
    bulk = Bulk(door, ingest)
    for path in ("/_bulk", "/{index}/_bulk"):
        app.router.add_post(path, bulk.take)
        app.router.add_put(path, bulk.take)
    elastic.add_face(app, door)


class Bulk:
    """Takes bulks."""

    def __init__(self, door: Door, ingest: Ingest) -> None:
        self._door = door
        self._ingest = ingest

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one ``_bulk`` request."""
        started = time.monotonic()
        try:
            sources = self._door.sources(request)
            async with self._door.body(request) as body:
                operations = read_bulk(
                    body,
                    request.match_info.get("index", ""),
                    most=self._door.settings.max_batch_lines,
                )
                outcomes = await self._store(sources, operations)
        except SentinelError as error:
            return self._refused(error)
        took = int((time.monotonic() - started) * 1000)
        return elastic.answer(_document(outcomes, took, brief="filter_path" in request.query))

    async def _store(self, sources: Sources, operations: Sequence[Operation]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        items: dict[str, list[Item]] = defaultdict(list)
        for operation in operations:
            outcome = Outcome(operation)
            outcomes.append(outcome)
            named = _source_of(sources, operation.index)
            if named is None:
                outcome.status = HTTPStatus.FORBIDDEN
                outcome.error = ("security_exception", "no source of this token has this index")
                continue
            if operation.name not in ("create", "index"):
                outcome.status = HTTPStatus.BAD_REQUEST
                outcome.error = ("illegal_argument_exception", "a log is only added to")
                continue
            item = _item(operation, sources[named].line_field)
            if item.fault:
                outcome.status = HTTPStatus.BAD_REQUEST
                outcome.error = ("document_parsing_exception", item.fault)
            items[sources[named].name].append(item)
        await self._ingest.take_all(items, uuid7())
        return outcomes

    def _refused(self, error: SentinelError) -> web.Response:
        status = status_of(error)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:  # every shipper knows this one
            status = HTTPStatus.TOO_MANY_REQUESTS
        if self._ingest.metrics is not None:
            self._ingest.metrics.refused.labels(str(status.value)).inc()
        return elastic.refusal(status, error.message, headers_of(status))


def _source_of(sources: Sources, index: str) -> int | None:
    """Return which of the sender's sources an index belongs to, the first that names it."""
    for number, source in enumerate(sources):
        if not source.indices or any(fnmatchcase(index, one) for one in source.indices):
            return number
    return None


def _item(operation: Operation, line_field: str) -> Item:
    """Return the line of a document. One that is no JSON object is kept as not understood."""
    own_id = operation.id
    try:
        document = _OBJECT.decode(operation.document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Item(operation.document or b"-", own_id=own_id, fault="not a JSON object")
    if not line_field:
        return Item(operation.document, own_id=own_id)
    stamp = document.get("@timestamp")
    try:
        time = read_time(msgspec.json.decode(stamp)) if stamp is not None else None
        return Item(line_of(document, line_field), own_id=own_id, time=time)
    except NoLine as error:
        return Item(operation.document, own_id=own_id, fault=error.detail)


def _document(outcomes: Sequence[Outcome], took: int, *, brief: bool) -> dict[str, Any]:
    return {
        "took": took,
        "errors": any(outcome.error for outcome in outcomes),
        "items": [{one.operation.name: _entry(one, brief=brief)} for one in outcomes],
    }


def _entry(outcome: Outcome, *, brief: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"status": int(outcome.status)}
    if outcome.error:
        kind, reason = outcome.error
        entry["error"] = {"type": kind, "reason": reason}
    if not brief:
        entry |= {"_index": outcome.operation.index, "_id": outcome.operation.id or uuid7()}
        if not outcome.error:
            entry |= {"_version": 1, "result": "created", "_seq_no": 0, "_primary_term": 1}
    return entry
