"""Fetch business facts on a schedule: files and SQL queries, by the collector's own way in.

Rows are checked, written as lines of the declared source, and go through its intake: they are
pseudonymised, sealed and spooled like facts that a sender posts, and stand in the same store. A row
that was sent is not sent again; after a crash some are, and change nothing.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import msgspec

from sentinel.app.casework import InStore
from sentinel.clock import Clock, isoformat
from sentinel.collect.intake import Intake
from sentinel.config import FactImport, Settings
from sentinel.detect.scope.fact_files import fact_of, rows_of
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact
from sentinel.errors import ConfigError, ContentError, SentinelError
from sentinel.ids import digest_id
from sentinel.obs import log
from sentinel.obs.metrics import Metrics
from sentinel.store.sql_query import read_rows

COLUMNS = (
    "kind", "id", "customer", "staff", "team", "category", "opened_by",
    "valid_from", "valid_to", "recorded_at", "retracted",
)  # fmt: skip
MOST_KNOWN = 500_000  # digests of rows kept of one import; beyond, rows are sent again
BATCH = 5_000
EVER = "0001-01-01T00:00:00.000Z"


class Memory(msgspec.Struct):
    """What an import has fetched. ``since``: largest ``recorded_at``; ``sent``: rows, digests."""

    since: str = EVER
    sent: set[bytes] = msgspec.field(default_factory=set)


class Fetched(msgspec.Struct):
    """What one look brought. ``skipped``: rows that say no usable fact, ``fault``: the first."""

    lines: list[str]
    digests: set[bytes]
    since: str
    rows: int = 0
    skipped: int = 0
    fault: str = ""


class Outcome(msgspec.Struct):
    """How an import stands: when it last looked, and what came of it since the start."""

    at: datetime | None = None
    rows: int = 0
    sent: int = 0
    skipped: int = 0
    fault: str = ""


class Appender(Protocol):
    """Where accepted facts become durable."""

    async def append(self, events: list[Event]) -> int:
        """Store a batch."""
        ...


class FactImports:
    """The imports of a running service."""

    def __init__(
        self,
        settings: Settings,
        intakes: Mapping[str, Intake],
        spool: Appender,
        in_store: InStore,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        """Raise ConfigError where an import names a source that is not declared."""
        self.status: dict[str, Outcome] = {one.name: Outcome() for one in settings.scope.imports}
        for one in settings.scope.imports:
            if one.source not in intakes:
                raise ConfigError(
                    f"the import {one.name} names the source {one.source}, which is not declared",
                    hint=f"declared: {', '.join(sorted(intakes)) or 'none'}",
                )
        self._imports = settings.scope.imports
        self._intakes = intakes
        self._spool = spool
        self._in_store = in_store
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._log = log.get("imports")

    def told(self) -> list[dict[str, object]]:
        """Return how each import stands; of a fault only that there is one: it may quote a row."""
        return [
            {
                "name": name,
                "at": state.at,
                "rows": state.rows,
                "sent": state.sent,
                "skipped": state.skipped,
                "fault": bool(state.fault),
            }
            for name, state in self.status.items()
        ]

    async def look(self) -> None:
        """Fetch what is due. A fault of one import is kept in its status and stops no other."""
        now = self._clock.now()
        for one in self._imports:
            state = self.status[one.name]
            if state.at is not None and now - state.at < timedelta(minutes=one.every_minutes):
                continue
            state.at = now
            failing = self._metrics.import_failing.labels(one.name)
            try:
                await self._run(one, state)
                failing.set(0)
            except SentinelError as error:
                state.fault = str(error)
                self._log.error("import failed", name=one.name, reason=str(error))
                failing.set(1)

    async def _run(self, one: FactImport, state: Outcome) -> None:
        name = f"import:{one.name}"
        stored = await self._in_store(lambda tx: tx.state.get(name))
        memory = msgspec.msgpack.decode(stored, type=Memory) if stored else Memory()
        fetched = await asyncio.to_thread(fetch, one, memory)
        for start in range(0, len(fetched.lines), BATCH):
            await self._send(one, fetched.lines[start : start + BATCH])
        if len(memory.sent) + len(fetched.digests) > MOST_KNOWN:
            memory.sent.clear()
        memory = Memory(since=fetched.since, sent=memory.sent | fetched.digests)
        await self._in_store(lambda tx: tx.state.put(name, msgspec.msgpack.encode(memory)))
        state.rows += fetched.rows
        state.sent += len(fetched.lines)
        state.skipped += fetched.skipped
        state.fault = fetched.fault
        self._metrics.import_rows.labels(one.name, "sent").inc(len(fetched.lines))
        self._metrics.import_rows.labels(one.name, "skipped").inc(fetched.skipped)
        if fetched.skipped:
            self._log.error("rows skipped", name=one.name, rows=fetched.skipped)

    async def _send(self, one: FactImport, rows: list[str]) -> None:
        lines = [text.encode() for text in (_csv([COLUMNS]), *rows)]
        batch_id = digest_id("import", one.name, *rows)
        intake = self._intakes[one.source]
        events: list[Event] = []
        for part in intake.slices(lines, batch_id):
            events += part.events
            await asyncio.sleep(0)  # let senders in between
        await self._spool.append(events)


def fetch(one: FactImport, memory: Memory) -> Fetched:
    """Read an import and return the lines that were not sent yet. Raises SentinelError."""
    found = Fetched(lines=[], digests=set(), since=memory.since)
    for where, cells in _cells(one, memory):
        found.rows += 1
        try:
            fact = fact_of(where, cells, one.kind or one.name)
        except ContentError as error:
            found.skipped += 1
            found.fault = found.fault or str(error)
            continue
        line = _csv([_row(fact)])
        digest = hashlib.blake2b(line.encode(), digest_size=8).digest()
        if fact.recorded_at is not None:
            found.since = max(found.since, isoformat(fact.recorded_at))
        if digest not in memory.sent and digest not in found.digests:
            found.digests.add(digest)
            found.lines.append(line)
    return found


def _cells(one: FactImport, memory: Memory) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if one.path is not None:
        yield from rows_of(one.path)
        return
    url = one.url.get_secret_value() if one.url is not None else ""
    for number, row in enumerate(read_rows(url, one.query, since=memory.since), start=1):
        yield f"{one.name}: row {number}", {name: _text(cell) for name, cell in row.items()}


def _text(cell: Any) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _row(fact: Fact) -> list[str]:
    def instant(at: datetime | None) -> str:
        return isoformat(at) if at else ""

    return [
        fact.kind, fact.id, fact.subject, fact.actor, fact.team, fact.category, fact.opened_by,
        instant(fact.valid_from), instant(fact.valid_to), instant(fact.recorded_at),
        "yes" if fact.retracted else "",
    ]  # fmt: skip


def _csv(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerows(rows)
    return out.getvalue()
