"""The consumer "detect": reads the spool in order, judges, hands over.

The sink stores the events, folds the findings and commits the offset, the offset last. After a
crash the uncommitted batch is judged again; findings have deterministic ids, so nothing doubles.
What rules and sessions remember lives in memory: at start the spool's retained past is judged
once more, silently, to rebuild it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from sentinel.clock import Clock
from sentinel.detect.detector import Detector, Judged
from sentinel.detect.engine import RuleEngine
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding

SLICE = 256  # events judged before the loop may do something else
IDLE = timedelta(seconds=30)  # silence after which time passes without events


class Source(Protocol):
    """What the consumer reads: the spool."""

    @property
    def last_offset(self) -> int:
        """Highest durable offset, -1 when empty."""
        ...

    def read(self, after: int, *, limit: int = 4096) -> list[tuple[int, Event]]:
        """Return events with an offset above ``after``, in order."""
        ...

    async def wait_beyond(self, offset: int) -> None:
        """Return once there is an event above ``offset``."""
        ...


Sink = Callable[[Judged, int], Awaitable[None]]
FindingSink = Callable[[list[Finding]], Awaitable[None]]


class Consumer:
    """One consumer of the spool."""

    def __init__(
        self,
        source: Source,
        detector: Detector,
        *,
        committed: int,
        sink: Sink,
        on_findings: FindingSink,
        clock: Clock,
    ) -> None:
        self._source = source
        self._detector = detector
        self._sink = sink
        self._on_findings = on_findings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._last_arrival: datetime | None = None
        self._judged: tuple[Judged, int] | None = None
        self._found: list[Finding] = []
        self.offset = committed

    @property
    def lag(self) -> int:
        """Events that are durable and not yet judged."""
        return self._source.last_offset - self.offset

    async def warm_up(self, horizon: timedelta) -> int:
        """Judge again the committed events younger than ``horizon``; return how many.

        What rules found in them was handed over before the offset was committed, and stays
        unsaid. A session may have waited for its score when the process died: what the model
        finds is handed over again, under the id that it had.
        """
        after, seen = -1, 0
        since = self._clock.now() - horizon
        while after < self.offset:
            batch = self._source.read(after, limit=SLICE)
            if not batch:
                break
            past = [event for offset, event in batch if offset <= self.offset]
            recent = [event for event in past if event.time >= since]
            if recent:
                self._found += (await self._detector.process(recent)).navigation
            seen += len(recent)
            after = batch[-1][0]
            await asyncio.sleep(0)
        return seen

    async def step_when_ready(self) -> int:
        """Wait for an event, then judge one slice."""
        await self._source.wait_beyond(self.offset)
        return await self.step()

    async def step(self) -> int:
        """Judge one slice; return how many events it held.

        Where the sink fails the verdict is kept and handed over at the next step: judging the
        slice again would not find what windows have already given out.
        """
        async with self._lock:
            if self._judged is None:
                batch = self._source.read(self.offset, limit=SLICE)
                if not batch:
                    return 0
                verdict = await self._detector.process([event for _, event in batch])
                self._judged = verdict, batch[-1][0]
            judged, last = self._judged
            await self._sink(judged, last)
            self._judged = None
            self.offset = last
            self._last_arrival = self._clock.now()
        await asyncio.sleep(0)
        return len(judged.events)

    async def swap(self, rules: RuleEngine) -> tuple[str, ...]:
        """Judge by ``rules`` from the next batch on; return the ids whose windows go on."""
        async with self._lock:
            return self._detector.swap(rules)

    async def tick(self, *, force: bool = False) -> None:
        """Let time pass where nothing arrives: close windows and sessions that are over."""
        now = self._clock.now()
        quiet = self._last_arrival is None or now - self._last_arrival >= IDLE
        if self.lag > 0 or not (quiet or force):
            return
        async with self._lock:
            self._found += await self._detector.advance(now)
            if self._found:
                await self._on_findings(self._found)
                self._found = []

    async def settle(self) -> None:
        """Return once everything durable has been judged and time has caught up."""
        while self.lag > 0:
            await self.step()
        await self.tick(force=True)
