"""Follow files: through rotation by rename, by copy and truncation, and into compressed ones.

A line's identity is its file's and its place in it, so that reading it again gives the same event.
A mark moves only after the spool has acknowledged. What is on the disk waits there while the spool
is full: a file is the most patient sender of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from sentinel.collect.batch import Item
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs.tail_files import Files
from sentinel.collect.inputs.tail_following import Following
from sentinel.collect.inputs.tail_identity import Mark, advanced
from sentinel.collect.inputs.tail_lines import Lines, whole_lines
from sentinel.collect.inputs.tail_state import State, load, save
from sentinel.config import SourceSettings
from sentinel.domain.event import Event
from sentinel.errors import SentinelError
from sentinel.obs.fault import describe

LONGEST_PAUSE = 30.0
_A_ROUND = 50  # batches of one file before the others have their turn
_SCAN = 4096
_WITH_HEADER = {"csv": b"", "iis_w3c": b"#"}
"""Formats whose lines need earlier ones: the first line of the file, or those that begin so."""

_Found = TypeVar("_Found")
ReadSpool = Callable[[int], list[tuple[int, Event]]]


class Tail:
    """Follows the files of one source."""

    def __init__(
        self, source: SourceSettings, ingest: Ingest, *, state: Path, read: ReadSpool, longest: int
    ) -> None:
        """``state``: the file of marks; ``read``: the spool's events above an offset."""
        assert source.tail is not None  # noqa: S101 - the settings' own rule
        self._source = source
        self._settings = source.tail
        self._ingest = ingest
        self._path = state
        self._read = read
        self._longest = longest
        self._header = _WITH_HEADER.get(source.format)
        self._stored: set[str] = set()
        self._spool = -1
        self._unreadable: set[Path] = set()
        self._files = Files(self._settings, None)
        self._task: asyncio.Task[None] | None = None
        # A thread of its own, so that a stop can wait for what a cancelled look still opens.
        self._thread = ThreadPoolExecutor(1, f"tail-{source.name}")
        self._log = structlog.get_logger("tail")

    async def open(self) -> str:
        """Remember where the last process stood, and begin. Raises OSError, StorageError."""
        await self._aside(self._remember)
        self._task = asyncio.create_task(self._follow(), name=f"tail {self._source.name}")
        return ", ".join(str(path) for path in self._settings.paths)

    async def close(self) -> None:
        """Stop; what is not read yet is read by the next process."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._thread.shutdown)
        self._files.close_all()

    async def _aside(self, work: Callable[..., _Found], *given: object) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    def _remember(self) -> None:
        """Read the marks, and the ids of what the spool took after they were written."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = load(self._path)
        self._files = Files(self._settings, state.marks if state else None)
        self._spool = state.spool if state else -1
        while events := self._read(self._spool):
            self._stored |= {e.id for _, e in events if e.source == self._source.name}
            self._spool = events[-1][0]
        self._save()

    def _save(self) -> None:
        save(self._path, State(self._files.marks, self._spool))

    async def _follow(self) -> None:
        pause = self._settings.poll_seconds
        while True:
            try:
                moved = await self._round()
            except Exception as error:
                ours = isinstance(error, SentinelError)
                reason = str(error) if ours else describe(error)
                self._log.error("tail waits", source=self._source.name, reason=reason)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause = self._settings.poll_seconds
                if not moved:
                    await asyncio.sleep(pause)

    async def _round(self) -> bool:
        """Look at the files and read each a while; return whether anything was read."""
        if await self._aside(self._files.look):
            await self._aside(self._save)
        moved = False
        waiting: set[str] = set()  # the younger files of a log wait for the older ones
        for following in list(self._files.open):
            if following.family in waiting or self._files.waits(following):
                waiting.add(following.family)
                continue
            more = True
            batches = 0
            while more and batches < _A_ROUND:
                more = await self._batch(following)
                batches += more
            moved = moved or batches > 0
            if more:
                waiting.add(following.family)
            elif following.is_over and not await self._batch(following, last=True):
                self._count_cut(following)
                self._files.close(following, finished=True)
                await self._aside(self._save)
        self._count()
        return moved

    def _count(self) -> None:
        for path in self._files.unreadable - self._unreadable:
            self._log.error("file not readable", source=self._source.name, path=str(path))
            if self._ingest.metrics is not None:
                fault = "file not readable"
                self._ingest.metrics.input_faults.labels(self._source.name, fault).inc()
        self._unreadable = set(self._files.unreadable)
        gaps = self._files.lost_rests()
        if self._ingest.metrics is not None:
            if gaps:
                fault = "file cut, rest not found"
                self._ingest.metrics.input_faults.labels(self._source.name, fault).inc(gaps)
            self._ingest.metrics.tail_behind.labels(self._source.name).set(self._files.behind())

    async def _batch(self, following: Following, *, last: bool = False) -> bool:
        """Make the next lines of a file durable; return False where there is none."""
        mark, content = following.mark, following.content
        lines = await self._aside(
            partial(
                whole_lines,
                content,
                mark.offset,
                most=self._settings.batch_lines,
                longest=self._longest,
                last=last or self._waited_long(following),
            )
        )
        if lines.end == mark.offset:
            return False
        after = await self._aside(advanced, mark, content, lines.end)
        if after is None:
            return False
        taken = await self._ingest.take(
            self._source.name, self._items(following, lines), mark.name, stored=self._stored
        )
        self._spool = max(self._spool, taken.offset)
        following.grew = time.monotonic()
        await self._aside(self._note, mark, after)
        return True

    def _note(self, mark: Mark, after: Mark) -> None:
        mark.offset = after.offset
        mark.head, mark.head_bytes = after.head, after.head_bytes
        mark.tail, mark.tail_bytes = after.tail, after.tail_bytes
        self._save()

    def _count_cut(self, following: Following) -> None:
        if following.content.is_cut and self._ingest.metrics is not None:
            fault = "compressed file cut short"
            self._ingest.metrics.input_faults.labels(self._source.name, fault).inc()

    def _waited_long(self, following: Following) -> bool:
        patience = self._settings.partial_seconds
        return bool(patience) and time.monotonic() - following.grew > patience

    def _items(self, following: Following, lines: Lines) -> list[bytes | Item]:
        mark, name = following.mark, Path(following.mark.path).name
        items: list[bytes | Item] = []
        if self._header is not None:
            items += [line.encode("utf-8", "surrogateescape") for line in mark.header]
            self._keep_headers(following, lines)
        items += [
            Item(raw, own_id=f"{mark.name}:{offset}", ref=f"{name}@{offset}")
            for offset, raw in lines.found
        ]
        return items

    def _keep_headers(self, following: Following, lines: Lines) -> None:
        """Keep the lines that say what the columns of later ones are."""
        mark = following.mark
        for offset, raw in lines.found:
            text = raw.decode("utf-8", "surrogateescape")
            if self._header == b"" and offset == 0:
                mark.header = [text]
            elif self._header and raw.startswith(self._header):
                mark.header = [one for one in mark.header if _kind(one) != _kind(text)] + [text]


def _kind(directive: str) -> str:
    return directive.partition(":")[0]
