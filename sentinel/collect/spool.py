"""The spool: what is acknowledged to a sender is here, on the medium, before the answer leaves.

Appends that arrive while the disk is busy are written together as one block, with one fsync, in a
worker thread (group commit): the event loop never waits for the disk. Consumers read by offset
and keep their own; a crash replays, never loses.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from sentinel.domain.event import Event
from sentinel.errors import SentinelError, StorageError
from sentinel.store.disk import Disk, FolderLock, make_folder, trouble
from sentinel.store.payload import encode, pack
from sentinel.store.ports import Sealer
from sentinel.store.segment_log import SegmentLog

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_SECONDS = 3600.0  # only whole segments are removed: where little comes, by age too
_EVENTS_A_BLOCK = 8192
_BLOCK_OVERHEAD = 1024  # more than a block's head, its tag and a new segment's header


class SpoolFull(SentinelError):
    """The spool has reached its size; the sender must wait."""


class Watch(Protocol):
    """Who keeps an eye on what comes in."""

    def stored(self, events: Sequence[Event]) -> None:
        """Note a batch that is durable."""
        ...

    def refused(self, events: Sequence[Event], error: SentinelError, *, full: bool) -> None:
        """Note a batch that its sender keeps. ``full``: for want of room in the spool."""
        ...


@dataclass(slots=True)
class _Waiting:
    """A batch that its sender awaits."""

    events: Sequence[Event]
    done: asyncio.Future[int]


class Spool:
    """A durable queue of events in one folder, for one process and one event loop."""

    def __init__(self, log: SegmentLog, lock: FolderLock, *, max_bytes: int) -> None:
        """Use `Spool.open`."""
        self._log = log
        self._lock = lock
        self._max_bytes = max_bytes
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._waiting: deque[_Waiting] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._readers: set[asyncio.Future[None]] = set()
        self._closed = False
        self.watch: Watch | None = None
        """Hears of every batch, stored or refused."""

    @classmethod
    def open(
        cls,
        directory: Path,
        sealer: Sealer,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        max_bytes: int,
        disk: Disk | None = None,
    ) -> Spool:
        """Open or make the spool in ``directory``; cut a torn tail (see `torn_bytes`).

        Raises StorageError where another process has it, where the key is another, or where a
        file is damaged.
        """
        disk = disk or Disk()
        try:
            make_folder(disk, directory)
        except OSError as error:
            raise trouble(error, directory) from error
        lock = FolderLock(directory)
        try:
            log = SegmentLog(
                directory,
                sealer,
                purpose="spool",
                segment_bytes=segment_bytes,
                segment_seconds=segment_seconds,
                disk=disk,
            )
        except BaseException:
            lock.release()
            raise
        return cls(log, lock, max_bytes=max_bytes)

    @property
    def first_offset(self) -> int:
        """The lowest offset held, -1 when empty."""
        return self._log.first_offset

    @property
    def last_offset(self) -> int:
        """The highest offset that was ever durable, also where it is pruned; -1: none was."""
        return self._log.last_offset

    @property
    def size_bytes(self) -> int:
        """What the spool weighs on the disk."""
        return self._log.size_bytes

    @property
    def torn_bytes(self) -> int:
        """How many bytes of unfinished, never acknowledged writes were cut at opening."""
        return self._log.torn_bytes

    async def append(self, events: Sequence[Event]) -> int:
        """Store a batch durably, whole or not at all; return the offset of its last event.

        An empty batch returns `last_offset`. Raises SpoolFull above the size limit, StorageError
        where the disk refuses, UnstorableEvent where an event holds an impossible value; after
        each of them nothing of this batch is stored and the next call works again.
        """
        self._check_open()
        if not events:
            return self.last_offset
        waiting = _Waiting(events, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        try:
            last = await waiting.done
        except (SpoolFull, StorageError) as error:
            if self.watch is not None:
                self.watch.refused(events, error, full=isinstance(error, SpoolFull))
            raise
        if self.watch is not None:
            self.watch.stored(events)
        return last

    def read(self, after: int, *, limit: int = 4096) -> list[tuple[int, Event]]:
        """Return up to ``limit`` events with an offset above ``after``, in order.

        Fills an empty ``ref`` with ``source#offset``. Begins at `first_offset` where what was
        asked for is pruned. Safe in any thread. Raises StorageError where a block is damaged.
        """
        return [
            (offset, event if event.ref else _with_ref(event, offset))
            for offset, event in self._log.read(after, limit)
        ]

    async def wait_beyond(self, offset: int) -> None:
        """Return once `last_offset` is above ``offset``. Raises StorageError when closed."""
        while self.last_offset <= offset:
            self._check_open()
            reader = asyncio.get_running_loop().create_future()
            self._readers.add(reader)
            try:
                await reader
            finally:
                self._readers.discard(reader)

    def prune(self, upto_offset: int) -> int:
        """Remove whole segments up to ``upto_offset``; return how many. Offsets go on counting.

        Call it with the lowest offset that every consumer has committed, from any thread. Where
        nothing comes, the last segment goes too. Raises StorageError.
        """
        return self._log.prune(upto_offset, last_too=True)

    async def close(self) -> None:
        """Finish the appends that wait, then release the folder."""
        if self._closed:
            return
        self._closed = True
        if self._committing is not None:
            await self._committing
        self._wake_readers()
        self._worker.shutdown()
        self._log.close()
        self._lock.release()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the spool is closed")

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while group := self._next_group():
                batches = [waiting.events for waiting in group]
                results: Sequence[int | BaseException]
                try:
                    results = await loop.run_in_executor(self._worker, self._commit, batches)
                except Exception as error:  # the senders get it, the others go on
                    results = [error] * len(group)
                _settle(group, results)
                self._wake_readers()
        finally:
            self._committing = None

    def _next_group(self) -> list[_Waiting]:
        """Take what waits, up to a block's worth of events, at least one batch."""
        group: list[_Waiting] = []
        events = 0
        while self._waiting and (not group or events < _EVENTS_A_BLOCK):
            waiting = self._waiting.popleft()
            if not waiting.done.done():  # a sender that went away before its turn
                group.append(waiting)
                events += len(waiting.events)
        return group

    def _commit(self, batches: list[Sequence[Event]]) -> list[int | SentinelError]:
        """Write a group as one block; return an offset or an error for each batch."""
        results: list[int | SentinelError] = [0] * len(batches)
        maps: list[bytes] = []
        ends: dict[int, int] = {}
        for index, events in enumerate(batches):
            try:
                maps += encode(events)
                ends[index] = len(maps)
            except SentinelError as error:
                results[index] = error
        if not maps:
            return results
        try:
            first = self._append(maps) - len(maps) + 1
        except SentinelError as error:
            for index in ends:
                results[index] = error
            return results
        for index, end in ends.items():
            results[index] = first + end - 1
        return results

    def _append(self, maps: list[bytes]) -> int:
        packed = pack(maps)
        if self._log.size_bytes + len(packed) + _BLOCK_OVERHEAD > self._max_bytes:
            raise SpoolFull(
                f"{self._log.size_bytes} of {self._max_bytes} bytes",
                hint="detection is behind, or collector.spool_max_bytes is too small",
            )
        return self._log.append(packed, len(maps))

    def _wake_readers(self) -> None:
        for reader in self._readers:
            if not reader.done():
                reader.set_result(None)


def _settle(group: list[_Waiting], results: Sequence[int | BaseException]) -> None:
    for waiting, result in zip(group, results, strict=True):
        if waiting.done.done():
            continue  # the sender went away; what is stored stays stored
        if isinstance(result, BaseException):
            waiting.done.set_exception(result)
        else:
            waiting.done.set_result(result)


def _with_ref(event: Event, offset: int) -> Event:
    return msgspec.structs.replace(event, ref=f"{event.source}#{offset}")
