"""`kill -9` of Elasticsearch while the real service takes in events: nothing lost, nothing doubled.

The outage lasts `ELASTIC_OUTAGE` seconds, by default a few; ten minutes were run with
``ELASTIC_OUTAGE=600``. It prints its figures (``-s`` shows them).
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession
from elastic_server import ElasticServer

from sentinel import config
from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.domain.alert import Alert
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.event import Event

SENTINEL = Path(sys.executable).with_name("sentinel")
OUTAGE = float(os.environ.get("ELASTIC_OUTAGE", "8"))
BATCH = 50
PAUSE = 0.25 if OUTAGE < 60 else 0.4
IN_TIME = 5.0
SHORTEST_TOLD = timedelta(seconds=60)


class Ingest:
    """Sends a batch now and then; each has one administrator who signs in without MFA."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/v1/events"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }
        self.acknowledged: list[str] = []
        self.batches = 0
        self.refused = 0
        self.slowest = 0.0

    async def run(self, until: asyncio.Event) -> None:
        async with ClientSession() as session:
            while not until.is_set():
                lines = [self._line(number) for number in range(BATCH)]
                asked = time.monotonic()
                async with session.post(
                    self._url, data=b"\n".join(lines), headers=self._headers
                ) as reply:
                    if reply.status == 200:
                        self.acknowledged += [f"crm#{self._id(n)}" for n in range(BATCH)]
                    else:
                        self.refused += 1
                self.slowest = max(self.slowest, time.monotonic() - asked)
                self.batches += 1
                await asyncio.sleep(PAUSE)

    def _id(self, number: int) -> str:
        return f"crm-{self.batches * BATCH + number:07d}"

    def _line(self, number: int) -> bytes:
        is_marked = number == 17 and self.batches % 20 == 0
        return msgspec.json.encode(
            {
                "id": self._id(number),
                "time": datetime.now(UTC).isoformat(),
                "actor": {
                    "id": f"a.admin{self.batches if is_marked else ''}",
                    "kind": "staff",
                    "roles": ["admin"],
                    "team": "it",
                },
                "action": "session.login" if is_marked else "report.view",
                "outcome": "success",
                "mfa": not is_marked,
                "ip": "192.0.2.4",
            }
        )


class House:
    """A data directory, seen from outside."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.settings = config.load(folder / "sentinel.toml", environ=environment)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        process = await asyncio.create_subprocess_exec(
            SENTINEL,
            "run",
            cwd=self.folder,
            env=os.environ | self.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said: list[str] = []
        reading = None
        try:
            async with asyncio.timeout(120):
                while True:
                    line = (await process.stderr.readline()).decode()
                    said.append(line)
                    assert line, f"sentinel run ended before it listened: {said}"
                    if found := re.match(r"collector\s+(http://\S+)", line):
                        break
            reading = asyncio.create_task(process.stderr.read())
            yield process, found[1]
        finally:
            if process.returncode is None:
                process.kill()
            if reading is not None:
                print((await reading).decode())  # what the service said, where the test fails
            await process.wait()

    def look(self) -> tuple[list[Alert], list[BlindWindow]]:
        cases = parts.open_cases(self.settings, parts.open_sealer(self.settings), SystemClock())
        try:
            with cases.begin() as tx:
                return tx.alerts.find(limit=10_000), tx.blind.find()
        finally:
            cases.close()

    def stored(self) -> list[Event]:
        events = parts.read_events(self.settings, parts.open_sealer(self.settings))
        try:
            return list(events.search())
        finally:
            events.close()

    def count(self) -> int:
        events = parts.read_events(self.settings, parts.open_sealer(self.settings))
        try:
            return events.count()
        finally:
            events.close()


async def until(holds: Callable[[], bool], seconds: float) -> float:
    """Return after how many seconds ``holds`` held. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def made(folder: Path, server: ElasticServer, prefix: str) -> House:
    process = await asyncio.create_subprocess_exec(SENTINEL, "init", "--json", cwd=folder)
    assert await process.wait() == 0
    return House(
        folder,
        {
            "SENTINEL_COLLECTOR__PORT": "0",
            "SENTINEL_CONSOLE__PORT": "0",
            "SENTINEL_STORE__EVENTS__KIND": "elasticsearch",
            "SENTINEL_STORE__EVENTS__URL": server.url,
            "SENTINEL_STORE__EVENTS__PREFIX": prefix,
        },
    )


@pytest.mark.slow
async def test_elasticsearch_killed_while_events_come_in(
    tmp_path: Path, open_elastic: ElasticServer
) -> None:
    house = await made(tmp_path, open_elastic, "killed")
    token = (tmp_path / "secrets" / "source-crm.token").read_text().strip()
    async with house.running() as (process, collector):
        ingest, end = Ingest(collector, token), asyncio.Event()
        sending = asyncio.create_task(ingest.run(end))
        await until(lambda: house.count() > 0, 300)

        open_elastic.kill()
        killed = datetime.now(UTC)
        before, alerts = len(ingest.acknowledged), len(house.look()[0])
        await asyncio.sleep(OUTAGE)
        await until(lambda: len(house.look()[0]) > alerts, 120)
        await until(lambda: any(w.cause is Cause.EVENTS for w in house.look()[1]), 120)
        during = len(ingest.acknowledged) - before
        alerted = len(house.look()[0]) - alerts
        dark = [window for window in house.look()[1] if window.cause is Cause.EVENTS]
        back = datetime.now(UTC)
        await asyncio.to_thread(open_elastic.start)
        answered = datetime.now(UTC)
        caught_up = await until(lambda: house.count() >= before + during, 600)
        await asyncio.sleep(2)

        end.set()
        await sending
        total = len(ingest.acknowledged)
        await until(lambda: house.count() >= total, 300)
        await until(lambda: all(window.end for window in house.look()[1]), 120)
        process.send_signal(signal.SIGTERM)
        await process.wait()

    assert process.returncode == 0
    assert ingest.refused == 0, "it went on acknowledging"
    assert during > 0
    assert alerted > 0, "it went on alerting"
    assert dark, "the ledger tells of the outage while it lasts"
    assert dark[0].end is None
    refs = [event.ref for event in house.stored()]
    assert len(refs) == len(set(refs)), "nothing doubled"
    assert set(refs) == set(ingest.acknowledged), "nothing lost"
    found, windows = house.look()
    marked = [alert for alert in found if alert.rule.slug == "admin_session_without_mfa"]
    assert len(marked) == len(range(0, ingest.batches, 20)), "each alert once"
    (window,) = [window for window in windows if window.cause is Cause.EVENTS]
    assert window.end is not None
    assert window.begin <= killed + timedelta(seconds=IN_TIME), "the gap, from its begin"
    assert window.end >= back, "to its end"
    told = "blind_event_store" in {alert.rule.slug for alert in found}
    assert told == (window.end - window.begin >= SHORTEST_TOLD)
    print(
        f"\nElasticsearch killed for {(answered - killed).total_seconds():.0f} s "
        f"(its start took {(answered - back).total_seconds():.0f} s of them): {total} events "
        f"acknowledged in {ingest.batches} batches, {during} of them before it was started "
        f"again, {ingest.refused} batches refused, slowest answer {ingest.slowest:.2f} s; "
        f"{len(refs)} stored, {len(set(ingest.acknowledged) - set(refs))} lost, "
        f"{len(refs) - len(set(refs))} doubled; {alerted} alerts opened meanwhile, "
        f"{len(marked)} in all; caught up {caught_up:.1f} s after its answer; ledger: "
        f"{window.begin:%H:%M:%S} to {window.end:%H:%M:%S} "
        f"(killed {killed:%H:%M:%S}, answered {answered:%H:%M:%S})"
    )
