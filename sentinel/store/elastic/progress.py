"""How far the store is: the spool offset up to which every event is visible, in one document.

It is written after the events of a batch, and readers look at events up to it alone. So a batch
is seen whole or not at all; what a killed writer left beyond it is removed by the next one. Each
writing names the version that it replaces: of two writers one is stopped before it does harm.
"""

from __future__ import annotations

from typing import Any

from elasticsearch import AsyncElasticsearch, ConflictError, NotFoundError

from sentinel.errors import StorageError
from sentinel.store.elastic.columns import VERSION, template
from sentinel.store.elastic.link import Link
from sentinel.store.elastic.names import Names

_ID = "events"


class Progress:
    """The document and what this process last knew of it."""

    def __init__(self, link: Link, names: Names) -> None:
        self._link = link
        self._names = names
        self._version: tuple[int, int] | None = None
        self.offset = -1

    def prepare(self) -> None:
        """Make template and document where they are missing. Raises StorageError."""

        async def ask(es: AsyncElasticsearch) -> None:
            await es.indices.put_index_template(**template(self._names.prefix))
            if not await es.indices.exists(index=self._names.meta):
                await es.options(ignore_status=400).indices.create(
                    index=self._names.meta,
                    settings={"number_of_shards": 1, "auto_expand_replicas": "0-1"},
                    mappings={"dynamic": False},
                    wait_for_active_shards=1,
                )

        self._link.do(ask)
        self.read()
        if self._version is None:
            self.write(-1)

    def read(self) -> int:
        """Return the offset that is in force, -1 where nothing was ever stored."""

        async def ask(es: AsyncElasticsearch) -> dict[str, Any] | None:
            try:
                found = await es.get(index=self._names.meta, id=_ID, realtime=True)
            except NotFoundError:
                return None
            return dict(found.body)

        found = self._link.do(ask)
        if found is None:
            self._version, self.offset = None, -1
            return -1
        source = found["_source"]
        if source["format"] > VERSION:
            raise StorageError(
                f"the indices have format {source['format']}, this Sentinel knows {VERSION}",
                where=self._link.where,
                hint="a newer Sentinel wrote them",
            )
        self._version = (found["_seq_no"], found["_primary_term"])
        self.offset = source["stored_offset"]
        return self.offset

    def require_mine(self) -> None:
        """Raise StorageError where somebody else wrote since we last did."""
        known = self._version
        self.read()
        if self._version != known:
            raise self._taken()

    def write(self, offset: int) -> None:
        """Put ``offset`` in force, durably. Raises StorageError where somebody else wrote."""
        version: dict[str, Any] = {"op_type": "create"}
        if self._version is not None:
            version = {"if_seq_no": self._version[0], "if_primary_term": self._version[1]}

        async def ask(es: AsyncElasticsearch) -> dict[str, Any] | None:
            try:
                done = await es.index(
                    index=self._names.meta,
                    id=_ID,
                    document={"stored_offset": offset, "format": VERSION},
                    **version,
                )
            except ConflictError:
                return None
            return dict(done.body)

        done = self._link.do(ask)
        if done is None:
            raise self._taken()
        self._version = (done["_seq_no"], done["_primary_term"])
        self.offset = offset

    def _taken(self) -> StorageError:
        return StorageError(
            "another process writes here",
            where=f"{self._link.where} {self._names.prefix}",
            hint="one Sentinel a prefix: give each its own store.events.prefix",
        )
