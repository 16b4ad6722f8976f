"""One way into the spool for every input: read the lines of a source, make them durable, count."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from sentinel.collect.batch import Batch, Item, Spooler
from sentinel.collect.intake import Intake
from sentinel.obs.metrics import Metrics


class Taken(msgspec.Struct, frozen=True):
    """A batch that is durable. ``offset``: of its last event in the spool."""

    batch: Batch
    offset: int


class Ingest:
    """Takes lines of declared sources."""

    def __init__(
        self, intakes: Mapping[str, Intake], spool: Spooler, metrics: Metrics | None
    ) -> None:
        self._intakes = intakes
        self._spool = spool
        self._turn = asyncio.Lock()
        self.metrics = metrics

    async def take(
        self,
        source: str,
        lines: Sequence[bytes | Item],
        batch_id: str,
        *,
        stored: frozenset[str] | set[str] = frozenset(),
    ) -> Taken:
        """Return once the lines are durable; the events in ``stored`` (ids) are passed over.

        Raises SpoolFull, StorageError: then nothing of them is stored.
        """
        batch = await self.read(source, lines, batch_id)
        events = batch.events
        if stored:
            events = [event for event in events if event.id not in stored]
        offset = await self._spool.append(events)
        self._count(source, batch)
        return Taken(batch, offset)

    async def take_all(self, lines: Mapping[str, Sequence[Item]], batch_id: str) -> None:
        """Make the lines of several sources durable, all or none. Raises as `take`."""
        batches = {name: await self.read(name, items, batch_id) for name, items in lines.items()}
        await self._spool.append([event for one in batches.values() for event in one.events])
        for name, batch in batches.items():
            self._count(name, batch)

    async def read(self, source: str, lines: Sequence[bytes | Item], batch_id: str) -> Batch:
        """Parse in slices, one of all requests at a time: the clocks run in between."""
        whole = Batch.empty()
        slices = self._intakes[source].slices(lines, batch_id)
        while True:
            async with self._turn:  # the turns go round: a small batch waits for no large one
                part = next(slices, None)
            if part is None:
                return whole
            whole.add(part)
            await asyncio.sleep(0)

    def _count(self, source: str, batch: Batch) -> None:
        if self.metrics is None:
            return
        self.metrics.accepted.labels(source).inc(batch.accepted)
        self.metrics.unparsed.labels(source).inc(len(batch.unparsed))
        self.metrics.dropped.labels(source).inc(batch.dropped_fields.total())
