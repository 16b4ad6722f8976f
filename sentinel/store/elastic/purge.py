"""Removal of what is over: whole indices where nothing stays in them, documents elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from elasticsearch import AsyncElasticsearch

from sentinel.domain.event import Event
from sentinel.domain.hunt import RETENTION, Condition, Purged
from sentinel.store.elastic import columns
from sentinel.store.elastic.codec import Codec, class_term, instant, micros
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.names import Names
from sentinel.store.elastic.read import Reader, sorted_by
from sentinel.store.elastic.translate import Json, both
from sentinel.store.elastic.write import Writer
from sentinel.store.events_answers import Removal

_PAGE = 5_000


class Purge:
    """One removal."""

    def __init__(self, link: Link, names: Names, codec: Codec, reader: Reader, writer: Writer):
        self._link = link
        self._names = names
        self._codec = codec
        self._reader = reader
        self._writer = writer

    def run(
        self, *, before: datetime, kind: str, keep: Condition | None, dry_run: bool, upto: int
    ) -> Iterator[Purged]:
        """Remove index by index; yield what went of each day. One index's ids in memory."""
        query = both(
            [
                {"term": {columns.CLASS: class_term(kind)}},
                {"range": {columns.MICROS: {"lt": micros(before)}}},
                {"range": {columns.OFFSET: {"lte": upto}}},
            ]
        )
        for index in self._indices(kind):
            removal = Removal(before, kind, keep)
            taken = [
                event.id
                for event in self._due(index, query, kind, bodies=keep is not None)
                if removal.takes(event)
            ]
            sizes = self._remove(index, taken, dry_run=dry_run) if taken else 0
            told = removal.report()
            if len(told) == 1 and sizes:
                told = [msgspec.structs.replace(told[0], size=sizes)]
            yield from told

    def _indices(self, kind: str) -> list[str]:
        async def ask(es: AsyncElasticsearch) -> list[str]:
            found = await es.indices.get(
                index=self._names.of_class(kind), ignore_unavailable=True, features="settings"
            )
            return sorted(found.body)

        return self._link.do(ask)

    def _due(self, index: str, query: Json, kind: str, *, bodies: bool) -> Iterator[Event]:
        """Yield the events of an index that are due; without ``bodies`` their time and id alone."""
        body: Json = {"_source": [columns.BODY]} if bodies else {"_source": False}
        if not bodies:
            body["docvalue_fields"] = [columns.MICROS]
        hits = self._reader.hits(
            query, sort=sorted_by(columns.MICROS), size=_PAGE, index=index, body=body
        )
        for hit in hits:
            yield self._codec.event(hit) if bodies else _bare(hit, kind)

    def _remove(self, index: str, taken: list[str], *, dry_run: bool) -> int:
        """Remove events of an index; return the bytes that went with it, 0 where not known."""

        async def look(es: AsyncElasticsearch) -> tuple[int, int]:
            found = await es.indices.stats(index=index, metric=["docs", "store"])
            whole = found.body["_all"]["primaries"]
            return whole["docs"]["count"], whole["store"]["size_in_bytes"]

        documents, size = self._link.do(look)
        if documents == len(taken):
            if not dry_run:
                self._link.do(lambda es: es.indices.delete(index=index))
            return size
        if not dry_run:
            self._writer.remove((index, event_id) for event_id in taken)
            self._link.do(lambda es: es.indices.refresh(index=index))
            self._link.do(  # what is marked as deleted is readable on disk until it is merged away
                lambda es: es.indices.forcemerge(index=index, only_expunge_deletes=True)
            )
        return 0


def _bare(hit: dict[str, Any], kind: str) -> Event:
    fields = hit["fields"]
    return Event(
        id=hit["_id"],
        time=instant(fields[columns.MICROS][0]),
        source="",
        ref="",
        fields={RETENTION: kind},
    )
