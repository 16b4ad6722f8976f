"""Carry what waits in the outbox to the channels; lose nothing, whatever dies.

A message is claimed (a conditional UPDATE), rendered, sent, marked: three steps outside one
transaction on purpose, since a mail server cannot take part in it. Delivery is *at least once*: if
Sentinel dies between sending and marking, `release` gives the message back at the next start and
it is sent again under the same key, by which the other side knows it. Where the disk is full, what
became of a message is remembered until it can be written, so that none is sent twice or forgotten.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol, TypeVar

from sentinel.clock import Clock
from sentinel.domain.outbox import Message
from sentinel.errors import SentinelError, StorageError
from sentinel.notify.channel import Channel, Rendered, TransportError
from sentinel.notify.messages import Renderer
from sentinel.obs.fault import describe
from sentinel.store.ports import CaseTx

T = TypeVar("T")

MAX_ATTEMPTS = 130  # some four days (RFC 5321, section 4.5.4.1): a server may be down on a weekend
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
ROUND_SECONDS = 20.0  # a channel that hangs for longer lets the others come round
ANY_CLAIM = datetime.max.replace(tzinfo=UTC)


class RunInStore(Protocol):
    """Runs a function in one transaction of the synchronous store, off the event loop."""

    def __call__(self, function: Callable[[CaseTx], T], /) -> Awaitable[T]:
        """Return what ``function`` returns; commit, or roll back where it raises."""
        ...


def uncounted(channel: str, outcome: str) -> None:
    """Count nothing: the default of `OutboxWorker`."""


class OutboxWorker:
    """Empties the outbox. One instance per service.

    ``count(channel, outcome)`` is told of each attempt: ``sent``, ``retry`` or ``failed``.
    """

    def __init__(
        self,
        run: RunInStore,
        channels: Mapping[str, Channel],
        renderer: Renderer,
        clock: Clock,
        *,
        count: Callable[[str, str], None] = uncounted,
        jitter: Callable[[], float] = random.random,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._run = run
        self._channels = channels
        self._renderer = renderer
        self._clock = clock
        self._count = count
        self._jitter = jitter
        self._round_seconds = round_seconds
        self._unwritten: list[Callable[[CaseTx], None]] = []

    async def release(self) -> int:
        """Give back what a dead predecessor had claimed; call once at the start, before `drain`.

        Whenever that was: its clock may have been ahead of ours.
        """
        return await self._run(lambda tx: tx.outbox.release_stale(claimed_before=ANY_CLAIM))

    async def drain(self) -> int:
        """Send everything that is due now; return how many messages were sent.

        Channels work side by side, so that a mail server that hangs does not hold up a pager.
        Raises StorageError where the store refuses; what was sent meanwhile is remembered as sent.
        """
        await self._write()
        sent = 0
        while claimed := await self._run(lambda tx: tx.outbox.claim(self._clock.now())):
            by_channel = groupby(sorted(claimed, key=_channel), key=_channel)
            batches = [list(batch) for _, batch in by_channel]
            sent += sum(await asyncio.gather(*(self._send_all(batch) for batch in batches)))
        return sent

    async def _send_all(self, messages: Sequence[Message]) -> int:
        clock = asyncio.get_running_loop().time
        end, sent = clock() + self._round_seconds, 0
        for message in messages:
            if clock() >= end:
                await self._try_later(message, "the channel is slow; others went first")
            else:
                sent += await self._send(message)
        return sent

    async def _send(self, message: Message) -> int:
        try:
            receipt = await self._deliver(message)
        except TransportError as error:
            if error.permanent or message.attempts >= MAX_ATTEMPTS:
                await self._give_up(message, str(error))
            else:
                await self._try_later(message, str(error))
            return 0
        except SentinelError as error:
            await self._give_up(message, str(error))
            return 0
        except Exception as error:  # a bug in one channel must not hold up the others
            await self._give_up(message, f"unforeseen {describe(error)}")
            return 0
        now = self._clock.now()
        await self._write(lambda tx: tx.outbox.mark_sent(message.id, at=now, receipt=receipt))
        self._count(message.channel, "sent")
        return 1

    async def _deliver(self, message: Message) -> str:
        channel = self._channels.get(message.channel)
        if channel is None:
            raise TransportError(
                f"the channel {message.channel!r} is not configured", permanent=True
            )
        rendered: Rendered = self._renderer.render(message)
        return await channel.send(rendered, key=message.key)

    async def _try_later(self, message: Message, why: str) -> None:
        at = self._clock.now() + pause(message.attempts, self._jitter())
        await self._write(
            lambda tx: tx.outbox.mark_retry(message.id, next_attempt_at=at, error=why)
        )
        self._count(message.channel, "retry")

    async def _give_up(self, message: Message, error: str) -> None:
        await self._write(lambda tx: tx.outbox.mark_failed(message.id, error=error))
        self._count(message.channel, "failed")

    async def _write(self, *marks: Callable[[CaseTx], None]) -> None:
        """Write what became of messages, with what could not be written before."""
        self._unwritten += marks
        waiting = tuple(self._unwritten)

        def write(tx: CaseTx) -> None:
            for mark in waiting:
                mark(tx)

        if not waiting:
            return
        try:
            await self._run(write)
        except StorageError:
            if not marks:
                raise
            return
        self._unwritten = [mark for mark in self._unwritten if mark not in waiting]


def pause(attempts: int, jitter: float) -> timedelta:
    """Return the pause after ``attempts`` tries (from 1): doubling, capped, then spread.

    ``jitter`` in [0, 1) places the pause between half and the whole of it, so that what failed
    together does not come back together.
    """
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(attempts, 1) - 1, 16)
    longest: timedelta = min(doubled, LONGEST_PAUSE)
    return longest * (0.5 + jitter / 2)


def _channel(message: Message) -> str:
    return message.channel
