"""``sentinel run``: collector, detection, outbox, clocks and console in one process."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
from typing import Annotated

import typer

from sentinel import config
from sentinel.app.service import Sentinel
from sentinel.cli.output import note
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.obs import log
from sentinel.web.console.app import create_console
from sentinel.web.serve import Servers

MANY_FILES = 65_536


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("run")(run)


def run(
    context: typer.Context,
    human: Annotated[bool, typer.Option(help="Log as text instead of JSON.")] = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C; what was acknowledged survives any end."""
    settings = config.load(context.obj)
    log.configure(settings.log_level, human=human)
    _say_unmonitored(settings)
    _allow_files()
    asyncio.run(serve(settings))


async def serve(settings: Settings, clock: Clock | None = None) -> None:
    """Open everything, wait for a signal, close everything. ``clock``: default the machine's."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    service = await Sentinel.open(settings, clock)
    servers = Servers()
    try:
        await service.start()
        gc.collect()
        gc.freeze()  # what is loaded now stays: no later collection stops the loop to walk it
        collector = await servers.open(
            service.collector(), settings.collector, refused=service.count_refused
        )
        console = await servers.open(create_console(service), settings.console)
        note(f"collector {collector}")
        note(f"console   {console}")
        for source, where in service.inputs.where.items():
            note(f"source    {source}: {where}")
        await stop.wait()
    finally:
        await servers.close()
        await service.stop()


def _say_unmonitored(settings: Settings) -> None:
    """Say loudly that accesses of staff are not judged, and what is missing for it."""
    staff = settings.scope.staff
    if staff.live:
        return
    why = (
        "switched off by scope.staff.monitoring"
        if staff.monitoring is False
        else f"set {', '.join(staff.missing)} in [scope.staff] of sentinel.toml: staff are "
        "informed, and the impact is assessed, before it goes live"
    )
    note(f"WARNING   STAFF MONITORING IS OFF: accesses of staff are not judged; {why}")
    log.get("service").warning("staff monitoring is off", missing=list(staff.missing))


def _allow_files() -> None:
    """Take the file descriptors that the system grants: idle connections must not starve a disk."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
