"""What the clock makes the service do: ring alarms, escalate, anchor the journal, sweep.

One round at the start, before anything else is looked at, so that what fell due while the service
was stopped rings at once; then a round every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from sentinel.app.rota import duty_route
from sentinel.app.stamping import Stamper, unstamped
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.domain.anchor import Anchor
from sentinel.domain.deadline import Deadline
from sentinel.domain.outbox import Message
from sentinel.errors import SentinelError
from sentinel.obs import log
from sentinel.obs.fault import describe
from sentinel.respond import anchoring, clock_watch, escalation
from sentinel.store.ports import CaseTx
from sentinel.store.signing import AnchorSigner

T = TypeVar("T")
HOURLY = timedelta(hours=1)
REMEMBERED_FOR = timedelta(days=7)
"""How long an answer stands for its Idempotency-Key."""


class InStore(Protocol):
    """Runs a function in one transaction, off the event loop."""

    async def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        """Return what ``function`` returns; commit, or roll back where it raises."""
        ...


class Channels(Protocol):
    """What a router says about alarms."""

    def route_alarm(self, deadline: Deadline) -> Sequence[str]:
        """Return the ids of the channels for an alarm."""
        ...

    def escalation(self) -> Sequence[str]:
        """Return the ids of the channels that stand in, in their order."""
        ...


def signer_of(settings: Settings) -> AnchorSigner | None:
    """Return what signs anchors, or None where no key is set."""
    key = settings.keys.anchor
    return AnchorSigner(key.get_secret_value()) if key else None


class Duties:
    """The rounds of one service."""

    def __init__(
        self, settings: Settings, in_store: InStore, router: Channels, clock: Clock
    ) -> None:
        self._settings = settings
        self._in_store = in_store
        self._router = router
        self._clock = clock
        self._signer = signer_of(settings)
        self._log = log.get("duties")
        self._anchored = ""
        self._stamper = Stamper(settings)
        self._stamping: asyncio.Task[None] | None = None
        self._next_hourly: datetime | None = None

    async def round(self) -> None:
        """Ring what is due, escalate what did not arrive, anchor the days that ended."""
        now = self._clock.now()
        rung = await self._in_store(lambda tx: self._ring(tx, now))
        late = sum(bool(message.context.get("late")) for message in rung)
        if late:
            self._log.warning("alarms rang late", count=late)
        if self._signer is not None and self._anchored != now.date().isoformat():
            await self._anchor(now)
            self._anchored = now.date().isoformat()
        if self._next_hourly is None or now >= self._next_hourly:
            self._next_hourly = now + HOURLY
            await self._in_store(lambda tx: tx.api.forget(now - REMEMBERED_FOR))
            if self._stamper.wanted and (self._stamping is None or self._stamping.done()):
                self._stamping = asyncio.create_task(self._stamp())

    async def stop(self) -> None:
        """End a time-stamping that is under way: it is asked for again after the next start."""
        if self._stamping is not None:
            self._stamping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._stamping

    async def _stamp(self) -> None:
        """Have anchors time-stamped, beside the rounds: an alarm never waits for an authority."""
        anchor: Anchor | None = None
        try:
            for anchor in unstamped(await self._in_store(lambda tx: tx.journal.anchors())):
                await self._keep(anchor, await self._stamper.stamp(anchor))
        except SentinelError as error:
            day = anchor.day if anchor else ""
            self._log.warning("an anchor is not time-stamped yet", day=day, reason=str(error))
        except Exception as error:  # nobody waits for this task: it would fail unseen
            self._log.error("time-stamping failed", fault=describe(error))

    async def _keep(self, anchor: Anchor, token: str) -> None:
        stamped = msgspec.structs.replace(anchor, timestamp=token)
        await asyncio.to_thread(anchoring.write_anchor, self._settings.anchor_path, stamped)
        await self._in_store(lambda tx: tx.journal.stamp_anchor(anchor.last_seq, token))
        self._log.info("anchor time-stamped", day=anchor.day, last=anchor.last_seq)

    def _ring(self, tx: CaseTx, now: datetime) -> list[Message]:
        rung = clock_watch.tick(tx, now, duty_route(tx, self._settings, self._router, now))
        escalation.escalate(tx, now, self._router.escalation())
        return rung

    async def _anchor(self, now: datetime) -> None:
        signer = self._signer
        if signer is None:
            return
        made: Anchor | None = await self._in_store(
            lambda tx: anchoring.daily_anchor(tx, now, signer.sign)
        )
        if made is not None:
            path = await asyncio.to_thread(anchoring.write_anchor, self._settings.anchor_path, made)
            self._log.info("journal anchored", day=made.day, last=made.last_seq, file=path.name)
