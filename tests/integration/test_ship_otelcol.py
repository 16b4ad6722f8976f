"""A real OpenTelemetry Collector, with the shipped configuration, over TLS."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from process import HOUSE
from ship_house import (
    COMBINED,
    FULL,
    House,
    Program,
    certificates,
    line_paths,
    paths_of,
    until,
)
from ship_shipped import shipped

from sentinel.collect.spool import Spool, SpoolFull

LINES = 100_000 if FULL else 1000
SOME = 1000
LOT = 100
"""So many lines file_log gives on at once."""
OTELCOL = HOUSE / "otelcol-0.149.0"
pytestmark = pytest.mark.skipif(
    not OTELCOL.exists(),
    reason=f"{OTELCOL} is not on this machine: run tests/servers/install-otelcol.sh",
)
WEB = {"format": "nginx_combined", "profile": "nginx-site", "line_field": "message"}


class Refusing:
    """A spool that is full while ``refuses``; the first time it says so, it took the batch."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.refuses = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spool, name)

    async def append(self, events: Any) -> int:
        if events and self.refuses:
            if not self.refused:
                await self._spool.append(events)
            self.refused += 1
            raise SpoolFull("for the test")
        return int(await self._spool.append(events))


async def running(folder: Path, wrap: Callable[[Spool], Any] = lambda spool: spool) -> House:
    ca = certificates(folder, "server")
    collector = {"tls_certificate": ca["server"][0], "tls_key": ca["server"][1]}
    sources = [{"name": "www", "token": "token-www", **WEB}]
    return await House(folder, {"sources": sources, "collector": collector}).start(wrap)


class Collector:
    """The Collector, its configuration and the log that it follows."""

    def __init__(self, folder: Path, url: str, **more: str) -> None:
        self.log = folder / "access.log"
        self.conf = folder / "otel-collector.yaml"
        self.state = folder / "otelcol"
        self.state.mkdir()
        places = {
            "/var/lib/otelcol": self.state,
            "/var/log/nginx/access.log": self.log,
            "https://sentinel.example.org:8440": url,
            "/etc/otelcol/sentinel-ca.pem": folder / "ca.pem",
            # the Collector measures itself on a fixed port
            "service:\n": "service:\n  telemetry: {metrics: {level: none}}\n",
        }
        self.conf.write_text(shipped("otel-collector.yaml", {**places, **more}))

    def write(self, numbers: range) -> None:
        with self.log.open("a") as log:
            log.writelines(COMBINED.format(number) + "\n" for number in numbers)

    def has_read_to_the_end(self) -> bool:
        """Tell whether it has noted that all of the log is read."""
        noted = b'"Offset":%d,' % self.log.stat().st_size
        return any(noted in file.read_bytes() for file in self.state.iterdir())

    def start(self) -> Program:
        return Program(OTELCOL, "--config", self.conf, SENTINEL_TOKEN="token-www")


async def test_each_line_comes_once_in_order_over_a_restart(tmp_path: Path) -> None:
    house = await running(tmp_path)
    collector = Collector(tmp_path, house.url)
    collector.write(range(LINES // 2))
    sender = collector.start()
    try:
        await house.until(LINES // 2)
        collector.write(range(LINES // 2, LINES))  # while it runs
        await house.until(LINES)
    finally:
        said = sender.end()
    collector.write(range(LINES, LINES + 100))  # while it is away
    sender = collector.start()
    try:
        await house.until(LINES + 100)
    finally:
        said += sender.end()
    assert paths_of(house.events()) == line_paths(LINES + 100), said
    await house.stop()


async def test_what_is_queued_outlives_a_killed_collector_and_a_lost_answer(tmp_path: Path) -> None:
    house = await running(tmp_path, Refusing)
    collector = Collector(tmp_path, house.url)
    collector.write(range(SOME))
    house.spool.refuses = True
    sender = collector.start()
    try:
        await until(lambda: house.spool.refused > 0 and collector.has_read_to_the_end())
        await asyncio.sleep(1)  # its note is in a page before the page that makes it count
    finally:
        sender.signal(signal.SIGKILL)
        said = sender.end()
    assert len(house.events()) == LOT, "stored, and its sender not told"
    house.spool.refuses = False
    sender = collector.start()
    try:
        await house.until(SOME + LOT)
        await asyncio.sleep(1)
    finally:
        said += sender.end()
    assert len(house.events()) == SOME + LOT, said
    once = {event.id: event for event in house.events()}
    assert paths_of(list(once.values())) == line_paths(SOME), said
    await house.stop()


async def test_killed_with_a_full_queue_it_loses_nothing_but_doubles_what_was_queued(
    tmp_path: Path,
) -> None:
    """It notes how far it read a file only when all that it read of it is queued."""
    house = await running(tmp_path, Refusing)
    collector = Collector(
        tmp_path, house.url, **{"block_on_overflow: true": "block_on_overflow: true, queue_size: 2"}
    )
    collector.write(range(SOME))
    house.spool.refuses = True
    sender = collector.start()
    try:
        await until(lambda: house.spool.refused > 0)
        await asyncio.sleep(1)  # by now its queue is full
    finally:
        sender.signal(signal.SIGKILL)
        said = sender.end()
    house.spool.refuses = False
    sender = collector.start()
    try:
        await until(lambda: set(paths_of(house.events())) == set(line_paths(SOME)))
        await asyncio.sleep(1)
    finally:
        said += sender.end()
    once = {event.id: event for event in house.events()}
    assert set(paths_of(list(once.values()))) == set(line_paths(SOME)), said
    assert len(once) <= SOME + 2 * LOT, said
    await house.stop()
