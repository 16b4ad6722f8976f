"""One life of the real service, in a forked process, for the crash suite.

The suite's process imports everything once and forks: a life costs a fraction of a second of CPU,
and it is a real process with real sockets, real threads and real files, which dies for real.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sentinel.app import sight
from sentinel.app.service import Sentinel
from sentinel.config import Settings
from sentinel.obs import log
from sentinel.web.serve import Servers

MARKED = "audit_log.alter"
RULES = """
title: A marked line
name: marked_line
id: 5b1f0d2c-0000-4000-8000-000000000001
logsource: {category: audit, product: application}
detection: {s: {event.action: audit_log.alter}, condition: s}
level: high
---
title: A sign-in
name: sign_in
id: 5b1f0d2c-0000-4000-8000-000000000002
logsource: {category: audit, product: application}
detection: {s: {event.action: session.login}, condition: s}
level: informational
---
title: Many sign-ins
name: many_sign_ins
id: 5b1f0d2c-0000-4000-8000-000000000003
correlation:
  type: event_count
  rules: [sign_in]
  group-by: [user.name]
  timespan: 10m
  condition: {gte: 5}
level: medium
"""


def settings_in(house: Path) -> Settings:
    """Return the settings of a house: one source, three rules, a key that is no secret."""
    rules = house / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "rules.yml").write_text(RULES)
    return Settings.model_validate(
        {
            "data_dir": house / "data",
            "log_level": "error",
            "keys": {"master": "00" * 32},
            "behaviour": {"enabled": False},
            "detect": {"rules_dir": str(rules), "lateness_minutes": 1},
            "collector": {"port": 0},
            "blind": {"silent_after_minutes": 0},
            "sources": [
                {"name": "crm", "format": "json", "profile": "crm-audit", "token": "crash"},
                {
                    "name": "files",
                    "kind": "tail",
                    "format": "json",
                    "profile": "crm-audit",
                    "tail": {"paths": [str(house / "log" / "app.log*")], "poll_seconds": 0.05},
                },
            ],
        }
    )


class Forked:
    """A forked process that says something over a pipe."""

    def __init__(self, work: Callable[[int], None], complaints: Path) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                _die_with_parent()
                os.closerange(3, writing)
                os.closerange(writing + 1, 1024)
                stderr = os.open(complaints, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
                os.dup2(stderr, 2)
                os.dup2(stderr, 1)
                work(writing)
                code = 0
            except BaseException:
                traceback.print_exc(file=sys.stderr)
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def hear(self) -> bytes:
        """Return the next line, empty where the process ended."""
        return self._pipe.readline()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return the exit code, negative where a signal ended it."""
        _, status = os.waitpid(self.pid, 0)
        self._pipe.close()
        return os.waitstatus_to_exitcode(status)


def _die_with_parent() -> None:
    """A suite that is stopped leaves no service behind (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def begin_life(house: Path, *, settle: bool = False) -> Forked:
    """Start a life. It says where it listens; with ``settle`` it ends once all is judged."""

    def work(pipe: int) -> None:
        asyncio.run(_live(settings_in(house), pipe, settle=settle))

    return Forked(work, house / "complaints")


def ask(house: Path, question: Callable[[], Any]) -> Any:
    """Return what ``question`` finds in a process of its own."""
    process = Forked(lambda pipe: _write(pipe, json.dumps(question())), house / "complaints")
    answer = process.hear()
    if process.wait() or not answer:
        raise AssertionError((house / "complaints").read_text()[-2000:])
    return json.loads(answer)


async def _live(settings: Settings, pipe: int, *, settle: bool) -> None:
    log.configure("error")
    sight.EVERY["sight"] = 1
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    service = await Sentinel.open(settings, _Later() if settle else None)
    servers = Servers()
    try:
        await service.start()
        _write(pipe, await servers.open(service.collector(), settings.collector))
        if settle:
            await _read_to_the_end(service, settings)
            await service.settle()
            await service.sight.look()
        else:
            await stop.wait()
    finally:
        await servers.close()
        await service.stop()


class _Later:
    """A clock by which nothing more is to come: correlations tell what they waited with."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=2)


async def _read_to_the_end(service: Sentinel, settings: Settings) -> None:
    """Return once the tail has read every file to its end."""
    logs = Path(settings.sources[1].tail.paths[0]).parent  # type: ignore[union-attr]
    while sum(path.stat().st_size for path in logs.glob("app.log*")):
        before = service._spool.last_offset
        await asyncio.sleep(1.0)
        behind = service.metrics.registry.get_sample_value(
            "sentinel_tail_behind_bytes", {"source": "files"}
        )
        if not behind and service._spool.last_offset == before:
            return


def _write(pipe: int, text: str) -> None:
    data = text.encode() + b"\n"
    while data:
        data = data[os.write(pipe, data) :]
