"""What was read and is not yet durable: bounded, in order, never dropped while the process lives.

A sender over syslog is told nothing, so the only pressure there is, is not to read. While the spool
refuses, the same messages are tried again for as long as it takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

import structlog

from sentinel.collect.batch import Item
from sentinel.collect.ingest import Ingest
from sentinel.collect.spool import SpoolFull
from sentinel.errors import StorageError
from sentinel.ids import uuid7
from sentinel.obs.fault import describe

BATCH = 1000
HIGH, LOW = 8_000_000, 2_000_000  # bytes that wait: above, nothing is read; below, reading goes on
PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Queue:
    """Carries one source's messages into the spool."""

    def __init__(
        self, source: str, ingest: Ingest, *, pause: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        self._source = source
        self._ingest = ingest
        self._pause = pause
        self._resume = resume
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._paused = False
        self._ready, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._task = asyncio.create_task(self._work(), name=f"syslog {source}")
        self._log = structlog.get_logger("syslog")

    def put(self, items: list[Item]) -> None:
        """Add messages in order."""
        self._items.extend(items)
        self._bytes += sum(len(item.raw) for item in items)
        if self._bytes > HIGH and not self._paused:
            self._paused = True
            self._pause()
        if items:
            self._empty.clear()
            self._ready.set()

    async def emptied(self) -> None:
        """Return once everything is durable, however long it takes."""
        await self._empty.wait()

    async def finish(self, seconds: float) -> int:
        """Make what waits durable, for so long at most; return how many messages were left."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        return len(self._items)

    async def _work(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._items:
                await self._store([self._items[i] for i in range(min(BATCH, len(self._items)))])
            self._empty.set()

    async def _store(self, batch: list[Item]) -> None:
        """Make the first messages durable; only then are they taken off."""
        try:
            await self._insist(batch)
        except Exception as error:  # a fault of ours in one message must not hold up the others
            self._log.error("syslog batch taken apart", fault=describe(error))
            for item in batch:
                await self._alone(item)
        for item in batch:
            self._items.popleft()
            self._bytes -= len(item.raw)
        if self._paused and self._bytes < LOW:
            self._paused = False
            self._resume()

    async def _alone(self, item: Item) -> None:
        """Store one message; one that our own code cannot bear is kept as not understood."""
        for attempt in (item, Item(item.raw, fault="unforeseen")):
            try:
                await self._insist([attempt])
            except Exception as error:
                self._log.error("syslog message set aside", fault=describe(error))
            else:
                return
        if self._ingest.metrics is not None:
            self._ingest.metrics.input_faults.labels(self._source, "message set aside").inc()

    async def _insist(self, batch: list[Item]) -> None:
        """Store a batch, as often as the spool refuses it."""
        pause, batch_id = PAUSE, uuid7()
        while True:
            try:
                await self._ingest.take(self._source, batch, batch_id)
            except (SpoolFull, StorageError) as error:
                self._log.error("syslog waits", source=self._source, reason=error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return
