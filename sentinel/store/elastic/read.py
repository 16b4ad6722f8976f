"""Reading: pages over one point in time, each event opened out of its sealed body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elasticsearch import AsyncElasticsearch, NotFoundError

from sentinel.domain.event import Event
from sentinel.store.elastic import columns
from sentinel.store.elastic.codec import Codec
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.names import Names
from sentinel.store.elastic.translate import Json

PAGE = 1_000
KEPT = "2m"
BY_ARRIVAL = (columns.MICROS, columns.OFFSET, columns.POSITION)
Hit = dict[str, Any]


class Reader:
    """Asks for documents of all days. Each answer is whole: a missing shard is an error."""

    def __init__(self, link: Link, names: Names, codec: Codec) -> None:
        self._link = link
        self._names = names
        self._codec = codec

    def refresh(self) -> None:
        """Make visible what was written."""
        self._link.do(
            lambda es: es.indices.refresh(index=self._names.events, ignore_unavailable=True)
        )

    def first(self, query: Json, *, sort: list[Json], size: int) -> list[Event]:
        """Return one page."""
        body = {"query": query, "sort": sort, "size": size, "_source": [columns.BODY]}
        return [self._codec.event(hit) for hit in self._search(body)["hits"]["hits"]]

    def events(
        self,
        query: Json,
        *,
        sort: list[Json],
        after: list[Any] | None = None,
        size: int = PAGE,
    ) -> Iterator[Event]:
        """Yield all events of a query as of now, a page in memory."""
        for hit in self.hits(query, sort=sort, after=after, size=size):
            yield self._codec.event(hit)

    def hits(
        self,
        query: Json,
        *,
        sort: list[Json],
        after: list[Any] | None = None,
        size: int = PAGE,
        index: str = "",
        body: Json | None = None,
    ) -> Iterator[Hit]:
        """Yield all hits of a query as of now. ``body``: what else to ask for."""
        pit = self._open(index or self._names.events)
        ask = {"query": query, "sort": sort, "size": size, "track_total_hits": False}
        ask |= body or {"_source": [columns.BODY]}
        try:
            while True:
                page = {**ask, "pit": {"id": pit, "keep_alive": KEPT}}
                if after is not None:
                    page["search_after"] = after
                try:
                    found = self._search(page)
                except PointInTimeLost:
                    pit = self._open(index or self._names.events)
                    continue
                hits = found["hits"]["hits"]
                pit = found["pit_id"]
                yield from hits
                if len(hits) < size:
                    return
                after = hits[-1]["sort"][: len(sort)]
        finally:
            self._close(pit)

    def count(self, query: Json) -> int:
        """Return how many documents a query finds."""
        body = {"query": query, "size": 0, "track_total_hits": True}
        return int(self._search(body)["hits"]["total"]["value"])

    def aggregate(self, body: Json) -> Json:
        """Return the answer to a search without hits."""
        return self._search({"size": 0, "track_total_hits": False, **body})

    def _search(self, body: Json) -> Json:
        async def ask(es: AsyncElasticsearch) -> Json | None:
            where: Json = {}
            if "pit" not in body:
                where = {"index": self._names.events, "ignore_unavailable": True}
            try:
                found = await es.search(**where, body=body, allow_partial_search_results=False)
            except NotFoundError:
                if "pit" in body:
                    return None
                raise
            return dict(found.body)

        found = self._link.do(ask)
        if found is None:
            raise PointInTimeLost
        return found

    def _open(self, index: str) -> str:
        async def ask(es: AsyncElasticsearch) -> str:
            opened = await es.open_point_in_time(
                index=index, keep_alive=KEPT, ignore_unavailable=True
            )
            return str(opened.body["id"])

        return self._link.do(ask)

    def _close(self, pit: str) -> None:
        async def ask(es: AsyncElasticsearch) -> None:
            await es.options(ignore_status=404).close_point_in_time(id=pit)

        self._link.do(ask)


class PointInTimeLost(Exception):
    """The server forgot a point in time: too slow a reader, a purge, a restart."""


def sorted_by(*fields: str, newest_first: bool = False) -> list[Json]:
    """Return a sort."""
    order = "desc" if newest_first else "asc"
    return [{field: {"order": order}} for field in fields]
