"""One running service: collector, detection, outbox and clocks, put together and kept going.

The stores are synchronous; they are called from threads of their own, so that the event loop never
waits for a disk. Everything that was acknowledged lies in the spool: whatever fails behind it is
tried again, later or by the next process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from sentinel.app import erasure, parts
from sentinel.app.campaign.rounds import Rounds
from sentinel.app.casework import Casework
from sentinel.app.duties import Duties
from sentinel.app.fact_imports import FactImports
from sentinel.app.handover import OFFSET, Handover
from sentinel.app.key_uses import KeyUses
from sentinel.app.obligations import Obligations
from sentinel.app.purge.schedule import RetentionDuty
from sentinel.app.revision import Revisions
from sentinel.app.scope_drift import ScopeDrift
from sentinel.app.scope_review import Calendar, ScopeReview
from sentinel.app.sight import Sight
from sentinel.app.spool_pruning import SpoolPruning
from sentinel.app.watching import make_watches
from sentinel.clock import Clock, SystemClock
from sentinel.config import Settings
from sentinel.detect.consumer import Consumer
from sentinel.detect.detector import Judged
from sentinel.detect.diary import Diary, stored_states
from sentinel.domain.event import Event
from sentinel.domain.incident import Actor, Document
from sentinel.errors import SentinelError
from sentinel.obs import log
from sentinel.obs.fault import describe
from sentinel.obs.metrics import Metrics
from sentinel.respond.fold import Folder
from sentinel.respond.review_gate import ReviewGate
from sentinel.store.ports import CaseTx

T = TypeVar("T")

HORIZON = timedelta(hours=25)  # a session lives 24 h at most: what is older has no effect
LONGEST_PAUSE = 30.0
EVERY = {
    "outbox": 1,
    "clocks": 5,
    "quiet": 5,
    "prune": 600,
    "rules": 60,
    "reviews": 60,
    "drift": 60,
    "imports": 30,
    "revise": 20,
    "obligations": 120,
    "campaigns": 5,
    "retention": 30,
    "key_uses": 3600,
}


class Sentinel:
    """Everything behind the sockets. Use `open`, `start`, `stop`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Open the stores and put the parts together; nothing runs yet."""
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self._log = log.get("service")
        self._last_seen: dict[str, datetime] = {}
        self._detecting: asyncio.Task[None] | None = None
        with contextlib.ExitStack() as opened:
            self.sealer = parts.open_sealer(settings)
            self._cases = parts.open_cases(settings, self.sealer, clock)
            opened.callback(self._cases.close)
            erasure.at_start(settings, self.sealer, self._cases, clock.now())
            self._events = parts.open_events(settings, self.sealer)
            opened.callback(self._events.close)
            with self._cases.begin() as tx:
                committed = int(tx.state.get(OFFSET) or b"-1")
                stored = stored_states(tx.state.get)
                facts = list(tx.facts.all())
            self.registry, self._router = parts.load_notifiers(settings, clock)
            self._behaviour = make_watches(settings, self.sealer)
            rules = parts.load_rules_or_raise(settings, clock)
            self._detector = parts.make_detector(
                settings,
                rules.ruleset,
                facts,
                self._behaviour,
                staff=settings.scope.staff.live,
                pseudonym=parts.make_pseudonymiser(settings, self.sealer).pseudonym,
            )
            self._intakes = parts.make_intakes(settings, self.sealer, clock)
            self._spool = parts.open_spool(settings, self.sealer)
            parts.require_whole(self._spool, self._events, committed)
            opened.pop_all()
        self.inputs = parts.make_inputs(settings, self._intakes, self._spool, self.metrics, clock)
        folder = Folder(
            clock,
            window=timedelta(minutes=settings.detect.fold_minutes),
            route=self._router.route,
            gate=ReviewGate(settings.scope.review, Calendar(settings).day_of),
        )
        self._reviews = ScopeReview(
            settings, self.in_store, self._events, folder, self.sealer, clock
        )
        self._drift = ScopeDrift(settings, self.in_store, self._events, folder, clock)
        self.imports = FactImports(
            settings, self._intakes, self._spool, self.in_store, clock, self.metrics
        )
        self._handover = Handover(self._events, self.in_store, folder, self.metrics, clock)
        self.sight = Sight(
            settings, self.in_store, self._spool, folder, self.sealer, self.metrics, clock
        )
        self.revisions = Revisions(
            self._detector,
            self._events,
            self.in_store,
            folder,
            clock=clock,
            horizon=timedelta(days=settings.detect.revise_days),
        )
        self._waits = ""
        self._told: Counter[str] = Counter()
        self._consumer = Consumer(
            self._spool,
            self._detector,
            committed=committed,
            diary=Diary(self.sealer),
            stored=stored,
            sink=self._take,
            on_findings=self._handover.fold,
            clock=clock,
        )
        self._pruning = SpoolPruning(
            self._spool, self.in_store, clock, judged=lambda: self._consumer.offset, kept=HORIZON
        )
        self._rules = parts.make_rule_watch(settings, rules, self._consumer.swap, clock)
        self._store_thread = ThreadPoolExecutor(1, thread_name_prefix="cases")
        self._outbox = parts.make_outbox(
            settings, self.registry, self.in_store, clock, self._count_message
        )
        self.casework = Casework(settings, self.in_store, self._events, clock, self._detector.scope)
        self._duties = Duties(settings, self.in_store, self._router, clock)
        self.obligations = Obligations(
            settings, self.in_store, self._events, self._router, self.metrics, clock
        )
        self._retention = RetentionDuty(settings, self.in_store, self._events, self._router, clock)
        self.letters = Rounds(settings, self.in_store, self.sealer, clock)
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> Sentinel:
        """Open the stores of ``settings`` off the event loop. Raises SentinelError."""
        return await asyncio.to_thread(cls, settings, clock or SystemClock())

    async def start(self) -> None:
        """Rebuild what detection remembers, then judge, send and watch the clocks."""
        if self._behaviour is not None:
            await self._behaviour.start()
        remembered = await self._consumer.warm_up(HORIZON)
        released = await self._outbox.release()
        if self._cases.schema is not None and self._cases.schema.missing:
            self._log.warning("schema behind", hint="sentinel migrate")
        self._log.info(
            "started",
            remembered=remembered,
            released=released,
            lag=self.lag,
            torn_bytes=self._spool.torn_bytes,
        )
        self._detecting = asyncio.create_task(self._detect(), name="detect")
        jobs = {
            "outbox": self.drain,
            "clocks": self._duties.round,
            "quiet": self._consumer.tick,
            "prune": self._pruning.look,
            "rules": self._rules.look,
            "revise": self.revisions.run,
            "reviews": self._reviews.look,
            "drift": self._drift.look,
            "imports": self.imports.look,
            "obligations": self.obligations.look,
            "campaigns": self.letters.look,
            "retention": self._retention.look,
        }
        jobs["key_uses"] = KeyUses(self.settings, self.in_store, self.sealer, self.clock).look
        for name, job in jobs.items():
            self._scheduler.add_job(
                self._scheduled(name, job), "interval", seconds=EVERY[name], id=name, coalesce=True
            )
        await self._guarded("clocks", self._duties.round)()
        self._scheduler.start()
        self._rules.start()
        await self.inputs.open()
        self.sight.unsearchable = lambda: parts.trouble_of(self._events)
        await self.sight.start(self._scheduler, self._scheduled, lambda: self._waits)

    async def stop(self) -> None:
        """Finish what is under way and close; what is not yet judged stays in the spool."""
        await self.inputs.close()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await self._rules.stop()
        await self._guarded("clocks", self._duties.stop)()
        await self._guarded("campaigns", self.letters.stop)()
        await self._guarded("retention", self._retention.stop)()
        if self._detecting is not None:
            self._detecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._detecting
        if self._behaviour is not None:
            await self._behaviour.stop()
        await self._guarded("sight", self.sight.stop)()
        await self._spool.close()
        await asyncio.to_thread(self._store_thread.shutdown)
        self._events.close()
        self._cases.close()

    def collector(self) -> web.Application:
        """Return the HTTP collector."""
        return parts.make_collector(self.settings, self._intakes, self._spool, self.metrics)

    def count_refused(self, reason: str) -> None:
        """Count a TLS handshake that was refused."""
        self.metrics.tls_refused.labels(reason).inc()

    async def in_store(self, function: Callable[[CaseTx], T], /) -> T:
        """Run ``function`` in one transaction, in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._store_thread, self._cases.run, function
        )

    async def command(self, name: str, actor: Actor, **arguments: object) -> object:
        """Run a command of the workflow (see `Casework.command`)."""
        return await self.casework.command(name, actor, **arguments)

    async def draft_dossier(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the dossier for the CNIL (see `Casework.draft_dossier`)."""
        return await self.casework.draft_dossier(actor, incident_id)

    async def draft_letters(self, actor: Actor, incident_id: str) -> list[Document]:
        """Draft the letters to the persons (see `Casework.draft_letters`)."""
        return await self.casework.draft_letters(actor, incident_id)

    async def document_bytes(self, document: Document) -> bytes:
        """Return a document as it was filed. Raises StorageError where it was altered."""
        return await self.casework.document_bytes(document)

    async def event(self, event_id: str) -> Event | None:
        """Return a stored event."""
        return await asyncio.to_thread(self._events.get, event_id)

    @property
    def lag(self) -> int:
        """Events that are durable and not yet judged."""
        return self._consumer.lag

    async def settle(self) -> None:
        """Return once everything durable is judged, time has caught up and mail is out."""
        await self._consumer.settle()
        await self.drain()

    def status(self) -> dict[str, object]:
        """Return counts, the sources with when they were last heard of (UTC), how detection is.

        ``detection``: why it ``waits`` (empty: it runs), the ``faults`` it met and passed over by
        kind, what was ``set_aside`` by kind, and what correlations ``left_out`` by kind.
        """
        return {
            "events": self._events.count(),
            "spool_lag": self.lag,
            "spool_bytes": self._spool.size_bytes,
            "detection": {
                "waits": self._waits,
                "faults": dict(self._detector.faults.counts),
                "set_aside": dict(self._handover.set_aside),
                "left_out": self._detector.rules.left_out,
            },
            **self.sight.status(),
            "channels_off": dict(self.registry.off),
            "rules": self._rules.status(),
            "imports": self.imports.told(),
            "sources": [
                {"name": source.name, "last_seen": self._last_seen.get(source.name)}
                for source in self.settings.sources
            ],
        }

    async def drain(self) -> None:
        """Send what waits in the outbox and is due."""
        await self._outbox.drain()

    async def _detect(self) -> None:
        """Judge for ever; where something fails, wait and judge the same batch again."""
        pause = 1.0
        while True:
            try:
                await self._consumer.step_when_ready()
            except Exception as error:
                self._waits = _told(error)
                self._log.error("detection waits", reason=self._waits, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._waits, pause = "", 1.0
            self._count_faults()

    async def _take(self, judged: Judged, last: int) -> None:
        await self._handover.take(self.sight.set_apart(judged), last)
        self.sight.judged(judged.events, self._detector)
        for source in {event.source for event in judged.events}:
            self._last_seen[source] = self.clock.now()

    def _count_faults(self) -> None:
        """Tell once of each kind of fault that detection met, and count all of them."""
        for fault, count in (self._detector.faults.counts - self._told).items():
            if fault not in self._told:
                self._log.error("detection met a fault and went on", fault=fault)
            self.metrics.faults.labels(fault).inc(count)
            self._told[fault] += count

    def _count_message(self, channel: str, outcome: str) -> None:
        self.metrics.messages.labels(channel, outcome).inc()

    def _guarded(
        self, name: str, job: Callable[[], Awaitable[object]]
    ) -> Callable[[], Awaitable[None]]:
        """Return ``job`` with its failures logged: the next tick tries again."""

        async def run() -> None:
            self.metrics.spool_bytes.set(self._spool.size_bytes)
            self.metrics.detect_lag.set(self.lag)
            try:
                await job()
            except Exception as error:
                self._log.error(f"{name} failed", reason=_told(error))

        return run

    def _scheduled(
        self, name: str, job: Callable[[], Awaitable[object]]
    ) -> Callable[[], Awaitable[None]]:
        """Return ``job`` guarded, for the scheduler: that a stop ends it is no failure."""
        guarded = self._guarded(name, job)

        async def run() -> None:
            try:
                await guarded()
            except asyncio.CancelledError:
                if self._scheduler.running:
                    raise

        return run


def _told(error: Exception) -> str:
    """Return an error of ours in its words; of any other its kind and place."""
    return str(error) if isinstance(error, SentinelError) else describe(error)
