"""Writing: bulk requests that may be repeated, and the removal of what nobody vouches for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from elastic_transport import ObjectApiResponse
from elasticsearch import AsyncElasticsearch

from sentinel.domain.event import Event
from sentinel.store.elastic import columns
from sentinel.store.elastic.codec import Codec
from sentinel.store.elastic.faults import ElasticRefuses, EventsUnreachable, is_passing, reason_of
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.names import Names, today
from sentinel.store.elastic.read import Reader, sorted_by
from sentinel.store.elastic.translate import both, by_ids

_BULK_BYTES = 4 * 1024 * 1024
_TOGETHER = 2
Operation = tuple[bytes, bytes]


class Writer:
    """Writes documents and removes them. Nothing here moves the offset in force."""

    def __init__(self, link: Link, names: Names, codec: Codec, reader: Reader) -> None:
        self._link = link
        self._names = names
        self._codec = codec
        self._reader = reader

    def known(self, ids: Sequence[str], *, upto: int) -> set[str]:
        """Return which of these events are stored, on whatever day."""
        if not ids:
            return set()
        query = both([by_ids(list(ids)), {"range": {columns.OFFSET: {"lte": upto}}}])
        hits = self._reader.hits(query, sort=sorted_by(columns.MICROS), body={"_source": False})
        return {hit["_id"] for hit in hits}

    def put(self, events: Sequence[Event], *, last_offset: int) -> None:
        """Write events whose ids are not in force; what a failed try left is written over."""
        day = today()
        documents = self._codec.documents(events, last_offset=last_offset)
        places = {event.id: self._names.of(event, day) for event in events}
        bodies = dict(zip(places, documents, strict=True))
        taken = self._bulk((_action("create", places[i], i), bodies[i]) for i in places)
        left = self._bulk((_action("index", places[i], i), bodies[i]) for i in taken)
        if left:
            raise EventsUnreachable("documents change as they are written", where=self._link.where)

    def remove_beyond(self, offset: int) -> int:
        """Remove the documents of batches that were never finished; return how many."""
        hits = list(
            self._reader.hits(
                {"range": {columns.OFFSET: {"gt": offset}}},
                sort=sorted_by(columns.MICROS),
                body={"_source": False},
            )
        )
        self.remove((hit["_index"], hit["_id"]) for hit in hits)
        return len(hits)

    def remove(self, places: Iterable[tuple[str, str]]) -> None:
        """Remove documents by index and id."""
        self._bulk((_action("delete", index, event_id), b"") for index, event_id in places)

    def _bulk(self, operations: Iterable[Operation]) -> list[str]:
        """Send operations; return the ids of those that were there already. Raises StorageError."""

        async def ask(es: AsyncElasticsearch) -> list[str]:
            taken: list[str] = []
            for pair in _pairs(_portions(operations)):
                answers = await asyncio.gather(*(_sent(es, lines) for lines in pair))
                for answer in answers:
                    taken += self._conflicts(answer.body)
            return taken

        return self._link.do(ask)

    def _conflicts(self, answer: dict[str, Any]) -> list[str]:
        if not answer["errors"]:
            return []
        taken: list[str] = []
        for item in answer["items"]:
            (kind, told) = next(iter(item.items()))
            status = told["status"]
            gone = kind == "delete" and status == HTTPStatus.NOT_FOUND
            if status < HTTPStatus.MULTIPLE_CHOICES or gone:
                continue
            if status == HTTPStatus.CONFLICT:
                taken.append(told["_id"])
                continue
            error = EventsUnreachable if is_passing(status) else ElasticRefuses
            raise error(reason_of(told), where=f"{self._link.where} {told['_index']}")
        return taken


async def _sent(es: AsyncElasticsearch, lines: list[bytes]) -> ObjectApiResponse[Any]:
    return await es.bulk(operations=lines)  # type: ignore[arg-type]  # JSON is sent as it is


def _action(kind: str, index: str, event_id: str) -> bytes:
    return msgspec.json.encode({kind: {"_index": index, "_id": event_id}})


def _portions(operations: Iterable[Operation]) -> Iterator[list[bytes]]:
    """Yield bodies of about `_BULK_BYTES`."""
    lines: list[bytes] = []
    size = 0
    for action, document in operations:
        lines.append(action)
        if document:
            lines.append(document)
        size += len(action) + len(document)
        if size >= _BULK_BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _pairs(portions: Iterator[list[bytes]]) -> Iterator[list[list[bytes]]]:
    pair: list[list[bytes]] = []
    for portion in portions:
        pair.append(portion)
        if len(pair) == _TOGETHER:
            yield pair
            pair = []
    if pair:
        yield pair
