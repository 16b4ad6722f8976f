"""A folder of segments that together hold offsets 0, 1, 2, ... without a gap.

What an earlier process left is judged by `recovery.load_log`; a torn tail is cut at the last whole
block and counted in `torn_bytes`. One thread appends, one prunes; any thread reads.

Where everything goes, a *mark* stays: a segment without a block, whose header says at which offset
the log goes on. It is durable before the last segment goes, and goes itself after the next append.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections import OrderedDict
from contextlib import ExitStack
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic

from sentinel.domain.event import Event
from sentinel.store.disk import Disk, trouble
from sentinel.store.frames import NO_LINK
from sentinel.store.ports import Sealer
from sentinel.store.recovery import load_log
from sentinel.store.segment_writer import SegmentWriter
from sentinel.store.segments import SEGMENT_GLOB, Segment

_CACHED_EVENTS = 16_384  # a block may hold one event or a whole batch of 250,000


class SegmentLog:
    """An append-only log of events in ``folder``, which exists."""

    def __init__(
        self,
        folder: Path,
        sealer: Sealer,
        *,
        purpose: str,
        segment_bytes: int,
        segment_seconds: float = inf,
        disk: Disk,
    ) -> None:
        """Open the log and repair its tail. Raises StorageError where it is damaged.

        A segment is left for a new one when it reaches ``segment_bytes`` or ``segment_seconds``.
        """
        self._folder = folder
        self._sealer = sealer
        self._purpose = purpose
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._disk = disk
        self._writer: SegmentWriter | None = None
        self._writing = Lock()
        self._closed = False
        self._lock = Lock()
        self._decoded: OrderedDict[tuple[int, int], list[Event]] = OrderedDict()
        self.torn_bytes = 0
        """How many bytes of unfinished writes were cut at opening."""
        paths = sorted(folder.glob(SEGMENT_GLOB))
        self._next_number = int(paths[-1].stem) + 1 if paths else 1
        self._segments, self._mark, leftovers = load_log(paths, sealer, purpose=purpose)
        self._begin = self._mark.base if self._mark is not None else 0
        try:
            self._clean(leftovers)
        except OSError as error:
            raise trouble(error, folder) from error

    @property
    def first_offset(self) -> int:
        """The lowest offset held, -1 when empty."""
        with self._lock:
            return self._segments[0].base if self._segments else -1

    @property
    def last_offset(self) -> int:
        """The highest offset that was ever durable, also where it is pruned; -1: none was."""
        with self._lock:
            return self._segments[-1].last if self._segments else self._begin - 1

    @property
    def size_bytes(self) -> int:
        """What the segments weigh on the disk."""
        with self._lock:
            return sum(segment.end for segment in self._segments)

    def append(self, packed: bytes, count: int) -> int:
        """Store one packed block durably; return the offset of its last event.

        Raises StorageError: then nothing was stored, and the next call starts a new segment.
        """
        with self._writing:  # `prune` cannot empty the log meanwhile
            return self._append(packed, count)

    def _append(self, packed: bytes, count: int) -> int:
        first = self.last_offset + 1
        last = first + count - 1
        writer = self._writer
        try:
            if writer is None or self._is_done(writer):
                self._leave()
                writer = None
                writer = self._create(first)
            block = writer.write(packed, count=count, first=first, last=last)
            writer.sync()
        except BaseException as error:
            self._abandon(writer)
            if isinstance(error, OSError):
                raise trouble(error, self._folder) from error
            raise
        with self._lock:
            if not writer.segment.blocks:
                self._segments.append(writer.segment)
            writer.segment.publish(block)
        self._writer = writer
        if self._mark is not None:
            self._unmark(self._mark)
        return last

    def read(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """Return up to ``limit`` events with an offset above ``after``, in order."""
        out: list[tuple[int, Event]] = []
        while len(out) < limit:
            taken = self._read_segment(after + 1, limit - len(out))
            if not taken:
                break
            out.extend(taken)
            after = taken[-1][0]
        return out

    def _read_segment(self, offset: int, limit: int) -> list[tuple[int, Event]]:
        """Return events from ``offset`` on, out of the one segment that holds it."""
        out: list[tuple[int, Event]] = []
        with ExitStack() as files:
            with self._lock:  # `prune` cannot unlink the file before it is open
                segment = self._holding(offset)
                if segment is None:
                    return out
                known = segment.blocks
                fd = files.enter_context(segment.reading())
            offset = max(offset, segment.base)
            for number in range(bisect_right(segment.firsts, offset, hi=known) - 1, known):
                start = offset - segment.firsts[number]
                events = self._block(segment, fd, number)[start : start + limit - len(out)]
                out.extend(enumerate(events, start=offset))
                offset += len(events)
                if len(out) >= limit:
                    break
        return out

    def prune(self, upto_offset: int, *, last_too: bool = False) -> int:
        """Remove whole segments up to ``upto_offset``; return how many.

        The last one goes only with ``last_too``; then the log is empty, and goes on counting where
        it was. Raises StorageError where the file system refuses; the rest stays readable.
        """
        removed = 0
        try:
            while len(self._segments) > 1 and self._segments[0].last <= upto_offset:
                self._remove_first()
                removed += 1
            if last_too:
                removed += self._empty(upto_offset)
        except OSError as error:
            raise trouble(error, self._folder) from error
        return removed

    def _empty(self, upto_offset: int) -> int:
        """Remove the last segment, where nothing in it is above ``upto_offset``. Raises OSError."""
        with self._writing:
            if self._closed or len(self._segments) != 1 or self._segments[0].last > upto_offset:
                return 0
            self._leave()
            mark = self._create(self._segments[0].last + 1)
            try:
                mark.sync()
                mark.close()
            except OSError:
                self._abandon(mark)
                raise
            self._mark, self._begin = mark.segment, mark.segment.base
            self._remove_first()
            return 1

    def _remove_first(self) -> None:
        with self._lock:
            segment = self._segments.pop(0)
            for key in [key for key in self._decoded if key[0] == segment.number]:
                del self._decoded[key]
        self._disk.unlink(segment.path)
        self._disk.sync_folder(self._folder)  # one by one: no gap after a power loss

    def _unmark(self, mark: Segment) -> None:
        """Remove the mark, now that a segment says where the log stands."""
        self._mark = None
        with contextlib.suppress(OSError):  # the next opening removes it
            self._disk.unlink(mark.path)

    def close(self) -> None:
        """Close the file that is written; a later append starts a new one."""
        with self._writing:
            self._closed = True
            self._leave()

    def _leave(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(OSError):  # every block is on the medium already
                writer.close()

    def _is_done(self, writer: SegmentWriter) -> bool:
        return (
            writer.segment.end >= self._segment_bytes
            or monotonic() - writer.started >= self._segment_seconds
        )

    def _holding(self, offset: int) -> Segment | None:
        """Return the segment that holds ``offset``, or the first one after it."""
        if not self._segments or offset > self._segments[-1].last:
            return None
        index = bisect_right(self._segments, offset, key=lambda segment: segment.base) - 1
        return self._segments[max(index, 0)]

    def _block(self, segment: Segment, fd: int, number: int) -> list[Event]:
        key = (segment.number, number)
        with self._lock:
            events = self._decoded.get(key)
        if events is None:
            events = segment.read(fd, number)
            with self._lock:
                self._decoded[key] = events
                while len(self._decoded) > 1 and self._cached_events() > _CACHED_EVENTS:
                    self._decoded.popitem(last=False)
        return events

    def _cached_events(self) -> int:
        return sum(map(len, self._decoded.values()))

    def _create(self, base: int) -> SegmentWriter:
        number = self._next_number
        self._next_number += 1
        previous = self._segments[-1].link if self._segments else NO_LINK
        return SegmentWriter.create(
            self._disk,
            self._folder,
            (number, base, previous),
            self._sealer,
            purpose=self._purpose,
        )

    def _abandon(self, writer: SegmentWriter | None) -> None:
        """Drop a writer that failed, and what it wrote in vain, as far as the disk allows.

        Where this fails too, the next opening passes over the remains: see the module's docstring.
        """
        self._writer = None
        if writer is None:
            return
        segment = writer.segment
        with contextlib.suppress(OSError):
            writer.close()
        with contextlib.suppress(OSError):
            if segment.blocks:
                self._disk.truncate(segment.path, segment.end)
            else:
                self._disk.unlink(segment.path)

    def _clean(self, leftovers: list[Path]) -> None:
        """Cut the torn tail, make what is served durable, remove files that hold nothing."""
        for path in leftovers:
            self.torn_bytes += path.stat().st_size
            self._disk.unlink(path)
        last = self._segments[-1] if self._segments else self._mark
        if last is not None:
            self.torn_bytes += last.path.stat().st_size - last.end
            self._disk.truncate(last.path, last.end)
        self._disk.sync_folder(self._folder)
