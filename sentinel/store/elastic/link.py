"""The asynchronous client in a thread with a loop of its own, behind synchronous calls.

The port is synchronous, its callers stand in threads of their own; the loop lets one call send
several requests at once, and a lost connection never stops the service's own loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Thread
from typing import TypeVar

from elasticsearch import AsyncElasticsearch

from sentinel.errors import StorageError
from sentinel.store.elastic.faults import translated

T = TypeVar("T")


class Link:
    """One client. ``where`` stands in errors. Any thread may call `do`."""

    def __init__(self, make: Callable[[], AsyncElasticsearch], where: str) -> None:
        self.where = where
        self._make = make
        self._client: AsyncElasticsearch | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="elasticsearch", daemon=True)
        self._thread.start()

    def do(self, ask: Callable[[AsyncElasticsearch], Awaitable[T]]) -> T:
        """Return what ``ask`` gets. Raises EventsUnreachable, ElasticRefuses."""
        if self._loop.is_closed():
            raise StorageError("the store is closed", where=self.where)
        return asyncio.run_coroutine_threadsafe(self._asked(ask), self._loop).result()

    def close(self) -> None:
        """Close the connections and end the thread. A second call does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _asked(self, ask: Callable[[AsyncElasticsearch], Awaitable[T]]) -> T:
        if self._client is None:
            self._client = self._make()
        with translated(self.where):
            return await ask(self._client)

    async def _end(self) -> None:
        if self._client is not None:
            await self._client.close()
            await asyncio.sleep(0)
