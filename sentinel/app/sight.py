"""What the service sees and what it does not: watchers, blind-window ledger, dead letters.

Every few seconds the ledger takes what the watchers gathered, and a heartbeat with it. After a
death, the time from the last heartbeat until the service listens again is a window of its own:
whatever a watcher knew and had not yet told lies inside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from sentinel.app import dead_letters
from sentinel.app.casework import InStore
from sentinel.app.sight_inputs import InputWatch
from sentinel.app.sightings import busy, dark, kinds, late_ones, silence, stopped, storage
from sentinel.clock import Clock
from sentinel.collect.spool import Spool
from sentinel.collect.watch import Seen, SourceWatch
from sentinel.config import Settings
from sentinel.detect.detector import Detector, Judged
from sentinel.domain.blind import BlindWindow, Cause, Sighting
from sentinel.domain.dead_letter import LetterState
from sentinel.domain.event import Event
from sentinel.obs.metrics import Metrics
from sentinel.respond.blind_ledger import Ledger
from sentinel.respond.fold import Folder
from sentinel.respond.sequence import SequenceWatch
from sentinel.store.ports import CaseTx, Sealer

STATE: Final = "blind:watch"
EVERY: Final = {"sight": 5, "letters": 2, "expiry": 3600}
FIRST: Final = timedelta(seconds=1)  # by then the service listens: nobody is turned away any more
RECOUNT: Final = 12  # looks between two counts of the letters
Job = Callable[[], Awaitable[object]]
Guard = Callable[[str, Job], Callable[[], Awaitable[None]]]


class Heartbeat(msgspec.Struct):
    """When the service last said that it lives, and when each source was last heard. UTC."""

    at: datetime
    heard: dict[str, datetime] = {}


class Sight:
    """Use `start` before anything arrives, `stop` when nothing arrives any more."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        spool: Spool,
        folder: Folder,
        sealer: Sealer,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._spool = spool
        self._sealer = sealer
        self._metrics = metrics
        self._clock = clock
        self._ledger = Ledger(folder)
        self._sources = SourceWatch(settings.blind, clock)
        self._numbers = SequenceWatch([s.name for s in settings.sources if s.numbered])
        self._inputs = InputWatch(metrics)
        self._told: list[Sighting] = []
        self._heard: dict[str, datetime] = {}
        self._started = clock.now()
        self._down_since: datetime | None = None
        self._failing: datetime | None = None
        self._waiting: datetime | None = None
        self._late = self._faults = 0
        self._busy = 0.0
        self._last_tick = self._started
        self._waits: Callable[[], str] = str
        self.unsearchable: Callable[[], str] = str
        """Why stored events cannot be searched, if so."""
        self._dark: datetime | None = None
        self._looks = 0
        self.open: list[BlindWindow] = []
        self.letters: dict[str, int] = {}
        spool.watch = self._sources

    async def start(
        self, scheduler: AsyncIOScheduler, guarded: Guard, waits: Callable[[], str]
    ) -> None:
        """Open the window of the time in which no service ran, and look from time to time.

        ``waits`` tells why detection waits, if it does. Raises StorageError.
        """
        self._waits = waits
        self._started = self._last_tick = now = self._clock.now()

        def begin(tx: CaseTx) -> Heartbeat | None:
            self._ledger.begin(tx, now)
            stored = tx.state.get(STATE)
            last = msgspec.json.decode(stored, type=Heartbeat) if stored else None
            if last is None:  # never before: from now on every interruption is told
                tx.state.put(STATE, msgspec.json.encode(Heartbeat(now)))
            else:
                self._ledger.record(tx, [stopped(last.at, now, ends=False)], now)
            return last

        last = await self._in_store(begin)
        if last is not None:
            self._heard = last.heard
            self._down_since = last.at
        self.open = await self._in_store(lambda tx: tx.blind.find(open_only=True))
        for name, job in {"sight": self.look, "letters": self.feed, "expiry": self.expire}.items():
            run = guarded(name, job)
            scheduler.add_job(
                run,
                "interval",
                seconds=EVERY[name],
                id=name,
                coalesce=True,
                next_run_time=datetime.now(UTC) + FIRST,
            )

    async def stop(self) -> None:
        """Tell the ledger what is still to be told. Raises StorageError."""
        await self.look()

    def judged(self, events: Sequence[Event], detector: Detector) -> None:
        """Note what detection of a slice left out or failed on, in event time."""
        late = detector.rules.left_out.get("late", 0)
        faults = sum(error.failures for error in detector.rules.rule_errors.values())
        faults += detector.faults.counts.total()
        if late > self._late:
            self._note(Cause.LATE, late_ones(events, detector), late - self._late)
        if faults > self._faults:
            self._note(Cause.FAULT, events, faults - self._faults, kinds(detector))
        self._late, self._faults = late, faults

    def set_apart(self, judged: Judged) -> Judged:
        """Return a batch without what becomes a dead letter, which goes with its offset."""
        now, days = self._clock.now(), self._settings.blind.dead_letter_days
        events, letters = dead_letters.set_apart(judged, self._sealer, days=days, now=now)

        def keep(tx: CaseTx) -> None:
            tx.dead_letters.add_many(letters)
            self._numbers.observe(tx, events, now)

        return msgspec.structs.replace(judged, events=events, also=keep)

    async def look(self) -> None:
        """Write down what was seen since the last look, with a heartbeat. Raises StorageError."""
        now = self._clock.now()
        seen = self._sources.take()
        self._heard |= seen.heard
        noted, self._told = self._told, []
        told = [*noted, *seen.sightings, *self._states(now)]
        recount = self._looks % RECOUNT == 0
        silent = self._silent(now)

        def write(tx: CaseTx) -> list[BlindWindow]:
            numbers = self._numbers.due(tx, now)
            self._ledger.record(tx, [*told, *numbers, *silent], now)
            beat = Heartbeat(now, {name: self._heard[name] for name in sorted(self._heard)})
            tx.state.put(STATE, msgspec.json.encode(beat))
            if recount:
                self.letters = _waiting(tx)
            return self._ledger.settle(tx, now)

        try:
            self.open = await self._in_store(write)
        except Exception:
            self._sources.put_back(Seen({}, seen.sightings))
            self._told = noted + self._told
            self._failing = self._failing or self._last_tick
            raise
        self._looks += 1
        self._down_since = self._failing = None
        self._last_tick = now
        for source, count in self.letters.items():
            self._metrics.dead_letters.labels(source).set(count)
        self._metrics.blind_windows.set(len(self.open))

    async def feed(self) -> None:
        """Bring letters that are understood now into the spool. Raises StorageError, SpoolFull."""
        await dead_letters.feed(self._in_store, self._spool, self._sealer, self._clock)

    async def expire(self) -> None:
        """Erase the letters whose term is over. Raises StorageError."""
        now = self._clock.now()
        await self._in_store(lambda tx: self._ledger.record(tx, dead_letters.expire(tx, now), now))

    def status(self) -> dict[str, object]:
        """Return how many windows are open, by cause, and letters wait, by source."""
        return {
            "blind": [
                {"cause": window.cause.value, "source": window.source, "since": window.begin}
                for window in self.open
            ],
            "dead_letters": dict(self.letters),
        }

    def _note(self, cause: Cause, events: Sequence[Event], count: int, detail: str = "") -> None:
        times = [event.time for event in events] or [self._clock.now()]
        self._told.append(
            Sighting(
                cause=cause,
                source="",
                begin=min(times),
                seen=max(times),
                count=count,
                detail=detail,
                ends=True,
            )
        )

    def _states(self, now: datetime) -> list[Sighting]:
        """Return what is told of by a state rather than by an event."""
        told: list[Sighting] = []
        if self._down_since is not None:
            told.append(stopped(self._down_since, now, ends=True))
        if self._failing is not None:
            told.append(storage(self._failing, now, ends=True, detail="case store"))
        if self._waits():
            self._waiting = self._waiting or self._last_tick
            told.append(storage(self._waiting, now, ends=False, detail="detection waits"))
        elif self._waiting is not None:
            told.append(storage(self._waiting, now, ends=True, detail="detection waits"))
            self._waiting = None
        if self.unsearchable():
            self._dark = self._dark or self._last_tick
            told.append(dark(self._dark, now, ends=False))
        elif self._dark is not None:
            told.append(dark(self._dark, now, ends=True))
            self._dark = None
        refused = self._metrics.refused_with("429")
        if refused > self._busy:
            told.append(busy(self._last_tick, now, int(refused - self._busy)))
        self._busy = refused
        return told + self._inputs.take(self._last_tick, now)

    def _silent(self, now: datetime) -> list[Sighting]:
        return [
            told for source in self._settings.sources if (told := self._silence(source.name, now))
        ]

    def _silence(self, source: str, now: datetime) -> Sighting | None:
        """Return the silence of a source: one that is long enough, or the end of one told of."""
        told = next((w for w in self.open if (w.cause, w.source) == (Cause.SILENCE, source)), None)
        heard = self._heard.get(source)
        since = max(heard or self._started, self._started)
        if told is not None and heard is not None and heard > told.begin:
            return silence(source, told.begin, heard, ends=True)
        after = self._silent_after(source)
        if after and (told is not None or now - since >= after):
            return silence(source, told.begin if told else since, now, ends=False)
        return None

    def _silent_after(self, source: str) -> timedelta:
        own = next(s.silent_after_minutes for s in self._settings.sources if s.name == source)
        return timedelta(minutes=self._settings.blind.silent_after_minutes if own is None else own)


def _waiting(tx: CaseTx) -> dict[str, int]:
    return {
        source: count
        for (source, state), count in tx.dead_letters.counts().items()
        if state is LetterState.WAITING
    }
