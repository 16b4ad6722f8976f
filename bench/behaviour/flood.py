"""Ten million lines through the watch, and a flood of a million sessions of one request.

    python bench/behaviour/flood.py [--lines 10000000] [--sessions 1000000]

Lines are made from a real log (the open Apache log beside the checkout): every client, agent and
path of it, again and again, a later day each round. They are parsed, cut into sessions and scored
by the model's own process. Printed: lines and sessions a second, CPU seconds of both processes,
the largest memory of each, and every counter of the watch. Two cores serve: one process each.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sentinel.app import parts
from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.config import Settings
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event, LogSource

LOG = Path(__file__).resolve().parents[3] / "shared/data/web/elastic/apache_combined.log.gz"
RULES = Path(__file__).resolve().parents[2] / "rules"
BATCH = 1_000
WEB = LogSource(category="webserver", product="apache", service="access")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    arguments = parser.parse_args()
    if not LOG.is_file():
        print(f"NOT RUN: no {LOG}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        train(_events(LOG), model)
        asyncio.run(_watch("lines", model, islice(_long_log(), arguments.lines)))
        asyncio.run(_watch("flood", model, _flood(arguments.sessions)))
    return 0


async def _watch(name: str, model: Path, events: Iterator[Event]) -> None:
    watch = Behaviour(Scorer(model), load_model_rule(RULES))
    await watch.start()
    began, cpu, count, told = time.monotonic(), time.process_time(), 0, 0
    while batch := list(islice(events, BATCH)):
        count += len(batch)
        await watch.process(batch)
        told += len(watch.take())
    told += len(await watch.flush())
    health = watch.health
    await watch.stop()
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{name}: {count} lines in {took:.0f} s ({count / took:,.0f}/s), {health.scored} sessions "
        f"scored, {told} findings told; CPU {cpu:.0f} s here, "
        f"{child.ru_utime + child.ru_stime:.0f} s in the scorer; memory {own // 1024} MB here, "
        f"{child.ru_maxrss // 1024} MB in the scorer\n  {health}",
        flush=True,
    )


def _events(path: Path) -> Iterator[Event]:
    for item in OfflineReader(parts.load_sources(Settings())).read([path]):
        if not isinstance(item, UnparsedLine):
            yield item


def _long_log() -> Iterator[Event]:
    """Yield the log's events round after round, four days later each time, by time."""
    once = sorted(_events(LOG), key=lambda event: event.time)
    for turn in range(10_000):
        shift = timedelta(days=4 * turn)
        for at, event in enumerate(once):
            yield Event(
                id=f"{turn}-{at}",
                time=event.time + shift,
                source=event.source,
                ref=f"log:{turn}-{at}",
                logsource=event.logsource,
                fields=event.fields,
            )


def _flood(sessions: int) -> Iterator[Event]:
    """Yield one request of each of many clients, within three hours."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(sessions):
        yield Event(
            id=f"f{number}",
            time=start + timedelta(seconds=number * 10_800 / sessions),
            source="www",
            ref=f"flood:{number}",
            logsource=WEB,
            fields={
                "sentinel.session": f"ses_{number}",
                "http.request.method": "GET",
                "url.path": f"/search/{number % 5000}",
                "url.query": f"q=word{number % 77}",
                "http.response.status_code": 200,
                "http.response.body.bytes": 5_000,
            },
        )


if __name__ == "__main__":
    sys.exit(main())
