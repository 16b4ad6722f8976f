"""The server under measurement: ``server.py FOLDER durable|unsynced|whole``.

``durable``: HTTP, parse, redact, pseudonymise, seal, spool with fsync, 200. ``unsynced``: the same
without the fsync. ``whole``: the service as `sentinel run` runs it, with rules, stores and outbox.
Prints its URL; at the end the CPU seconds and the memory of this process, how long its event loop
was held at most, and, for ``whole``, how long events waited to be judged and stored.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from aiohttp import web

from sentinel.app import parts
from sentinel.app.service import Sentinel
from sentinel.clock import SystemClock
from sentinel.collect.spool import Spool
from sentinel.config import Settings
from sentinel.obs import log
from sentinel.store.disk import Disk

TOKEN = "of-the-benchmark"
LOOK_SECONDS = 0.005
DRAIN_SECONDS = 40.0
WARM_SECONDS = 3.0  # rules are learnt and caches filled: told apart from what follows
HELD = {"starting": {"wall_ms": 0.0, "cpu_ms": 0.0}, "running": {"wall_ms": 0.0, "cpu_ms": 0.0}}
TASKS: list[asyncio.Task[None]] = []
STARTED: list[float] = []
"""CPU seconds when the server began to listen: what came before is start-up."""


class Unsynced(Disk):
    """A disk that says it is done when it is not."""

    def fsync(self, fd: int) -> None:
        """Do nothing."""

    def sync_folder(self, folder: Path) -> None:
        """Do nothing."""


def settings_of(folder: Path) -> Settings:
    source = {"name": "www", "token": TOKEN, "format": "nginx_combined", "profile": "nginx-site"}
    rules = os.environ.get("BENCH_RULES")
    return Settings.model_validate(
        {
            "data_dir": folder,
            "keys": {"master": "00" * 32},
            "sources": [source],
            "log_level": "error",
            "detect": {"rules_dir": rules} if rules else {},
        }
    )


async def serve(app: web.Application) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    TASKS.append(asyncio.create_task(watch_loop()))
    gc.collect()
    gc.freeze()  # as `sentinel run` does
    STARTED.append(cpu_seconds())
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    return runner


async def collector(folder: Path, mode: str) -> None:
    settings, clock = settings_of(folder), SystemClock()
    sealer = parts.open_sealer(settings)
    disk = Unsynced() if mode == "unsynced" else Disk()
    spool = Spool.open(folder / "spool", sealer, max_bytes=1 << 36, disk=disk)
    intakes = parts.make_intakes(settings, sealer, clock)
    runner = await serve(parts.make_collector(settings, intakes, spool, metrics()))
    await stopped()
    await runner.cleanup()
    stored = spool.last_offset + 1
    await spool.close()
    tell({"stored": stored})


async def whole(folder: Path) -> None:
    service = await Sentinel.open(settings_of(folder))
    await service.start()
    waits: list[float] = []
    looking = asyncio.create_task(look(service, waits))
    runner = await serve(service.collector())
    await stopped()
    begun = time.monotonic()
    held = service._spool.last_offset - service.lag + 1
    while service.lag and time.monotonic() - begun < DRAIN_SECONDS:  # noqa: ASYNC110 - only looked at
        await asyncio.sleep(0.01)
    drained = time.monotonic() - begun
    looking.cancel()
    await runner.cleanup()
    waits.sort()
    at = {f"p{p}_ms": round(1000 * waits[len(waits) * p // 100]) for p in (50, 99)} if waits else {}
    rules = len(parts.load_rules_or_raise(service.settings, service.clock).ruleset.items)
    tell(
        {
            "drained_seconds": round(drained, 2),
            "judged_during_load": held,
            "stored": service._spool.last_offset + 1,
            "judged": service._spool.last_offset - service.lag + 1,
            "alerts": await service.in_store(lambda tx: tx.alerts.count()),
            "rules": rules,
            **at,
        }
    )
    await service.stop()


async def look(service: Sentinel, waits: list[float]) -> None:
    """Note how long an offset takes from durable to judged, stored and, with luck, alerted."""
    pending: deque[tuple[int, float]] = deque()
    spool, consumer = service._spool, service._consumer
    while True:
        now, last = time.monotonic(), spool.last_offset
        if last >= 0 and (not pending or pending[-1][0] < last):
            pending.append((last, now))
        while pending and consumer.offset >= pending[0][0]:
            waits.append(now - pending.popleft()[1])
        await asyncio.sleep(LOOK_SECONDS)


async def watch_loop() -> None:
    """Note how long the event loop runs at one go: by the clock, and in CPU time of its thread."""
    begun = time.monotonic()
    while True:
        wall, cpu = time.monotonic(), time.thread_time()
        await asyncio.sleep(0.001)
        held = HELD["running" if wall - begun > WARM_SECONDS else "starting"]
        held["wall_ms"] = max(held["wall_ms"], round(1000 * (time.monotonic() - wall)))
        held["cpu_ms"] = max(held["cpu_ms"], round(1000 * (time.thread_time() - cpu)))


def memory_mb(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024


def metrics() -> Any:
    from sentinel.obs.metrics import Metrics

    return Metrics()


async def stopped() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def tell(more: dict[str, Any]) -> None:
    used = cpu_seconds() - STARTED[0]
    more |= {"loop_held_at_most": HELD}
    more |= {"memory_mb": memory_mb("VmRSS"), "memory_peak_mb": memory_mb("VmHWM")}
    print(json.dumps({"cpu_seconds": round(used, 2), **more}), flush=True)


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    log.configure("error")
    target, mode = Path(sys.argv[1]), sys.argv[2]
    asyncio.run(whole(target) if mode == "whole" else collector(target, mode))
