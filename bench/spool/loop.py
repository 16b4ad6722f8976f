"""How long the event loop stands still while bodies of 100,000 lines arrive, and what they weigh.

``python bench/spool/loop.py [posts] [lines]`` starts the real service in this process, posts from
another one, and prints the longest delays of a task that wakes every 5 ms, and the memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sentinel.app.service import Sentinel
from sentinel.config import Settings
from sentinel.obs import log
from sentinel.web.serve import Servers

POSTER = """
import json, sys, urllib.request
url, posts, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for post in range(posts):
    body = "\\n".join(
        f'192.0.2.{n % 250} - C{n % 5000:05d} '
        f'[02/Mar/2026:08:{n // 60 % 60:02d}:{n % 60:02d} +0000] '
        f'"GET /help/{n % 97}?post={post} HTTP/1.1" 200 {n % 5000} "-" "Mozilla/5.0 (X11; Linux)"'
        for n in range(lines)
    ).encode()
    request = urllib.request.Request(url + "/v1/events", body, {
        "Authorization": "Bearer bench", "Content-Type": "text/plain"})
    print(json.load(urllib.request.urlopen(request))["accepted"], flush=True)
"""
TICK = 0.005
PATIENCE = 60.0  # seconds given to detection after the last post


def memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


async def watch(delays: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        delays.append(time.perf_counter() - before - TICK)


async def main(posts: int, lines: int) -> None:
    log.configure("error")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings.model_validate(
            {
                "data_dir": name,
                "log_level": "error",
                "keys": {"master": "00" * 32},
                "behaviour": {"enabled": False},
                "collector": {"port": 0},
                "sources": [
                    {
                        "name": "www",
                        "format": "nginx_combined",
                        "profile": "nginx-site",
                        "token": "bench",
                    }
                ],
            }
        )
        service = await Sentinel.open(settings)
        await service.start()
        servers = Servers()
        url = await servers.open(service.collector(), settings.collector)
        delays: list[float] = []
        watcher = asyncio.create_task(watch(delays))
        before, cpu, wall = memory_mb(), time.process_time(), time.perf_counter()
        poster = await asyncio.create_subprocess_exec(
            sys.executable, "-c", POSTER, url, str(posts), str(lines), stdout=subprocess.DEVNULL
        )
        assert await poster.wait() == 0
        taken = time.perf_counter() - wall
        given_up = time.monotonic() + PATIENCE
        for _ in iter(lambda: service.lag > 0 and time.monotonic() < given_up, False):
            await asyncio.sleep(0.1)
        watcher.cancel()
        delays.sort()
        print(
            json.dumps(
                {
                    "events": posts * lines,
                    "posting_seconds": round(taken, 1),
                    "cpu_seconds": round(time.process_time() - cpu, 1),
                    "loop_delay_ms": {
                        "max": round(delays[-1] * 1000),
                        "p99.9": round(delays[int(len(delays) * 0.999)] * 1000),
                        "p99": round(delays[int(len(delays) * 0.99)] * 1000),
                    },
                    "over_200_ms": sum(delay > 0.2 for delay in delays),
                    "wakes": len(delays),
                    "not_judged_yet": service.lag,
                    "memory_mb": {"before": before, "after": memory_mb()},
                    "load_average": os.getloadavg()[0],
                },
                indent=2,
            )
        )
        await servers.close()
        await service.stop()


if __name__ == "__main__":
    asyncio.run(
        main(*(int(argument) for argument in (sys.argv[1:] + ["2", "100000"][len(sys.argv) - 1 :])))
    )
