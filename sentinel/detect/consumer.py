"""The consumer "detect": reads the spool in order, judges, hands over.

The sink stores the events, folds the findings and commits the offset, the offset last. After a
crash the uncommitted batch is judged again; findings have deterministic ids, so nothing doubles.
What correlations remember is committed with the offset (see `diary`) and built again at start,
exactly. What sessions remember is not: for them, and where the rules changed meanwhile, the spool's
retained past is judged once more, silently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from sentinel.clock import Clock
from sentinel.detect.detector import Detector, Judged
from sentinel.detect.diary import Diary, States, Turn
from sentinel.detect.engine import RuleEngine
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding

SLICE = 256  # events judged before the loop may do something else
IDLE = timedelta(seconds=30)  # silence after which time passes without events
CATCHING_UP = timedelta(minutes=2)  # the same after a start, or where the newest event is old
RECENT = timedelta(minutes=10)


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
FindingSink = Callable[[list[Finding], States], Awaitable[None]]


class Consumer:
    """One consumer of the spool."""

    def __init__(
        self,
        source: Source,
        detector: Detector,
        *,
        committed: int,
        diary: Diary,
        stored: dict[str, bytes],
        sink: Sink,
        on_findings: FindingSink,
        clock: Clock,
    ) -> None:
        """Prepare to go on after the offset ``committed``, with what was ``stored`` beside it."""
        self._source = source
        self._detector = detector
        self._sink = sink
        self._on_findings = on_findings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._last_arrival = clock.now()
        self._newest: datetime | None = None
        self._diary = diary
        self._stored = stored
        self._judged: tuple[Judged, int, bool] | None = None
        self._found: list[Finding] = []
        self.offset = committed

    @property
    def lag(self) -> int:
        """Events that are durable and not yet judged."""
        return self._source.last_offset - self.offset

    async def warm_up(self, horizon: timedelta) -> int:
        """Stand where the last process stood; return how many events were judged again.

        What rules found in them was handed over before the offset was committed, and stays
        unsaid. A session may have waited for its score when the process died: what the model
        finds is handed over again, under the id that it had.
        """
        found = self._diary.read(self._stored)
        whole = found is not None and self._detector.rules.recall(found.memory)
        self._stored = {}
        if found is None or not whole:
            return await self._judge_past(horizon, whole=True)
        seen = await self._replay(found.stand.after, found.turns)
        self._diary.resume(found.stand, found.turns, seen)
        if self._detector.behaviour is not None:
            seen += await self._judge_past(horizon, whole=False)
        return seen

    async def _replay(self, after: int, turns: Sequence[Turn]) -> int:
        """Take the turns since the checkpoint again, as they were; return how many events."""
        seen = 0
        for turn in turns:
            if turn.last < 0:
                self._detector.rules.advance(turn.at)
                continue
            events: list[Event] = []
            while after < turn.last:
                batch = await asyncio.to_thread(self._source.read, after, limit=turn.last - after)
                if not batch:
                    break
                # What was pruned since counts for nothing: the batch may reach beyond the turn.
                events += [event for offset, event in batch if offset <= turn.last]
                after = min(batch[-1][0], turn.last)
            self._detector.replay(events, now=turn.at)
            seen += len(events)
            await asyncio.sleep(0)
        return seen

    async def _judge_past(self, horizon: timedelta, *, whole: bool) -> int:
        """Judge the committed events younger than ``horizon``; not ``whole``: navigation alone."""
        after, seen = -1, 0
        now = self._clock.now()
        self._detector.rewind(now - horizon)
        while after < self.offset:
            batch = await asyncio.to_thread(self._source.read, after, limit=SLICE)
            if not batch:
                break
            past = [event for offset, event in batch if offset <= self.offset]
            recent = [event for event in past if event.time >= now - horizon]
            if recent and whole:
                self._found += (await self._detector.process(recent, now=now)).navigation
            elif recent:
                self._found += await self._detector.watch(recent)
            seen += len(recent)
            after = batch[-1][0]
            await asyncio.sleep(0)
        self._detector.rewind(None)
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
                batch = await asyncio.to_thread(self._source.read, self.offset, limit=SLICE)
                if not batch:
                    return 0
                self._judged = await self._judge(batch)
            judged, last, is_checkpoint = self._judged
            await self._sink(judged, last)
            self._judged = None
            self.offset = last
            if is_checkpoint:
                self._diary.wrote(last)
            self._last_arrival = self._clock.now()
            self._newest = max(event.time for event in judged.events) if judged.events else None
        await asyncio.sleep(0)
        return len(judged.events)

    async def _judge(self, batch: Sequence[tuple[int, Event]]) -> tuple[Judged, int, bool]:
        """Judge a slice; return it, its last offset, and whether a checkpoint goes with it."""
        now, last = self._clock.now(), batch[-1][0]
        verdict = await self._detector.process([event for _, event in batch], now=now)
        self._diary.slice(last, len(batch), now)
        state, is_checkpoint = self._state(last)
        navigation, self._found = (*self._found, *verdict.navigation), []
        judged = msgspec.structs.replace(
            verdict,
            navigation=navigation,
            state=state,
            poisoned=self._detector.faults.poisoned(),
        )
        return judged, last, is_checkpoint

    def _state(self, after: int, *, whole: bool = False) -> tuple[States, bool]:
        """Return what to store with the offset ``after``, and whether it is a checkpoint."""
        rules = self._detector.rules
        if whole or self._diary.is_due(rules.weight):
            return self._diary.checkpoint(after, rules.remember), True
        return self._diary.turns(), False

    async def swap(self, rules: RuleEngine) -> tuple[str, ...]:
        """Judge by ``rules`` from the next batch on; return the ids whose windows go on."""
        async with self._lock:
            self._diary.demand()
            return self._detector.swap(rules)

    async def tick(self, *, force: bool = False) -> None:
        """Let time pass where nothing arrives: close windows and sessions that are over."""
        now = self._clock.now()
        if self.lag > 0 or not (force or self._is_quiet(now)):
            return
        async with self._lock:
            self._found += await self._detector.advance(now)
            self._diary.time(now)
            if self._found or self._diary.unwritten:
                state, is_checkpoint = self._state(self.offset, whole=self._diary.unwritten)
                await self._on_findings(self._found, state)
                self._found = []
                if is_checkpoint:
                    self._diary.wrote(self.offset)

    def _is_quiet(self, now: datetime) -> bool:
        """Tell whether nothing is to be waited for: who catches up with the past may pause."""
        live = self._newest is not None and now - self._newest <= RECENT
        return now - self._last_arrival >= (IDLE if live else CATCHING_UP)

    async def settle(self) -> None:
        """Return once everything durable has been judged and time has caught up."""
        while self.lag > 0:
            await self.step()
        await self.tick(force=True)
