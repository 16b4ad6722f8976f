"""The purge in the running service: once a day from a set time, caught up where days were missed.

A look every half minute: the copies that cases need, a purge that is due or asked for on the
command line, holds whose review is missing. What fails rings once a day and is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from sentinel.app.backup import cycle, ledger
from sentinel.app.backup.create import create
from sentinel.app.duties import InStore, signer_of
from sentinel.app.purge import certificates
from sentinel.app.purge.copying import bring_up_to_date
from sentinel.app.purge.run import Purger
from sentinel.app.rota import Alarms, duty_route
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain.certificate import Certificate
from sentinel.domain.deadline import zone_of
from sentinel.errors import Refused, SentinelError, StorageError
from sentinel.obs import log
from sentinel.respond.holds import overdue
from sentinel.respond.retention_alarms import ring
from sentinel.store.ports import CaseTx, EventStore

T = TypeVar("T")
ASKED = "purge:asked"
COPIES_EVERY = timedelta(minutes=2)
PATIENCE = timedelta(minutes=10)
"""How long after a failure the purge is tried again."""
AGAIN = timedelta(hours=1)
"""How long after a failure the backup is."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A purge asked for on the command line while the service runs."""

    by: str
    clock_is_right: bool = False


class RetentionDuty:
    """The rounds of one service."""

    def __init__(
        self,
        settings: Settings,
        in_store: InStore,
        events: EventStore,
        router: Alarms,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._events = events
        self._router = router
        self._clock = clock
        self._log = log.get("retention")
        self._next_copies: datetime | None = None
        self._wait_until: datetime | None = None
        self._next_backup: datetime | None = None
        self._work: asyncio.Future[None] | None = None

    async def look(self) -> None:
        """Do what is due. Raises StorageError where the case store fails."""
        self._work = asyncio.ensure_future(self._look())
        await asyncio.shield(self._work)

    async def stop(self) -> None:
        """Wait for a run that is under way: it would be finished by the next start only."""
        if self._work is not None and not self._work.done():
            await self._work

    async def _look(self) -> None:
        now = self._clock.now()
        await self._ledger()
        await self._reviews(now)
        if self._next_copies is None or now >= self._next_copies:
            self._next_copies = now + COPIES_EVERY
            await asyncio.to_thread(bring_up_to_date, self._bridge(), self._events, now)
        await self._back_up(now)
        asked = await self._in_store(_asked)
        if asked is None and self._wait_until is not None and now < self._wait_until:
            return
        if asked is not None or await self._due(now):
            await self._purge(now, asked)

    async def _due(self, now: datetime) -> bool:
        """Tell whether a run is due: none today yet, and its time of day is reached, or past."""
        local = now.astimezone(zone_of(self._settings.timezone))
        last = await self._in_store(certificates.last_run)
        if last is None:
            return True
        missed = (local.date() - last.day).days
        return missed > 1 or (missed == 1 and local.time() >= self._settings.retention.at)

    async def _purge(self, now: datetime, asked: Asked | None) -> None:
        purger = Purger(
            self._settings, self._bridge(), self._events, signer_of(self._settings), self._clock
        )
        try:
            if asked is None and await asyncio.to_thread(purger.begin):
                return
            made = await asyncio.to_thread(
                purger.purge,
                by=asked.by if asked else "",
                clock_is_right=asked.clock_is_right if asked else False,
            )
        except Refused as error:
            self._wait_until = now + PATIENCE
            await self._alarm("clock", error.detail)
        except SentinelError as error:
            self._wait_until = now + PATIENCE
            await self._alarm("failed", str(error))
            raise
        else:
            self._wait_until = None
            self._tell(made)
        finally:
            await self._in_store(lambda tx: tx.state.put(ASKED, b""))

    async def _back_up(self, now: datetime) -> None:
        """Make the day's archive from its time of day on, where none was made today."""
        wanted = self._settings.backup
        local = now.astimezone(zone_of(self._settings.timezone))
        if wanted.dir is None or not wanted.automatic or local.time() < wanted.at:
            return
        if self._next_backup is not None and now < self._next_backup:
            return
        made = await asyncio.to_thread(cycle.archives, wanted.dir)
        days = {one.made_at.astimezone(local.tzinfo).date() for one in made}
        if local.date() in days:
            return
        try:
            archive, _ = await asyncio.to_thread(create, self._settings, now)
        except SentinelError as error:
            self._next_backup = now + AGAIN
            await self._alarm("backup", str(error))
        else:
            self._log.info("backed up", kind=archive.kind, bytes=archive.size)

    async def _ledger(self) -> None:
        """Copy what took something away to the backups; the alarm rings where that fails."""
        try:
            await self._in_store(lambda tx: ledger.export(tx, self._settings))
        except StorageError as error:
            await self._alarm("ledger", str(error))

    async def _reviews(self, now: datetime) -> None:
        today = now.astimezone(zone_of(self._settings.timezone)).date()
        for hold in await self._in_store(lambda tx: overdue(tx, today)):
            detail = f"{hold.name}: {hold.review_by.isoformat()}"
            await self._alarm("review", detail, key=hold.id)

    async def _alarm(self, alarm: str, detail: str, key: str = "") -> None:
        now = self._clock.now()
        today = now.astimezone(zone_of(self._settings.timezone)).date()

        def write(tx: CaseTx) -> None:
            route = duty_route(tx, self._settings, self._router, now)
            ring(tx, alarm, detail, today=today, now=now, route=route, key=key)

        await self._in_store(write)
        self._log.warning("an alarm of the purge", alarm=alarm, reason=detail)

    def _tell(self, made: Certificate) -> None:
        self._log.info("purged", number=made.number, day=made.day.isoformat(), count=made.count)

    def _bridge(self) -> _Bridge:
        return _Bridge(self._in_store, asyncio.get_running_loop())


class _Bridge:
    """Runs a function in the service's transactions, called from another thread."""

    def __init__(self, in_store: InStore, loop: asyncio.AbstractEventLoop) -> None:
        self._in_store = in_store
        self._loop = loop

    def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        """Return what ``function`` returns."""
        return asyncio.run_coroutine_threadsafe(self._in_store(function), self._loop).result()


def ask(tx: CaseTx, asked: Asked) -> None:
    """Ask the running service for a purge at its next look."""
    tx.state.put(ASKED, msgspec.json.encode(asked))


def _asked(tx: CaseTx) -> Asked | None:
    stored = tx.state.get(ASKED)
    return msgspec.json.decode(stored, type=Asked) if stored else None
