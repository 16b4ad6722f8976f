"""``sentinel campaign work`` and its kin: what sends, tests, and takes in what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from sentinel import config
from sentinel.app import parts
from sentinel.app.campaign.house import open_house
from sentinel.app.campaign.rounds import Rounds
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.notify.campaign.intake import mails_in, take_in
from sentinel.obs import log
from sentinel.store.ports import CaseTx

T = TypeVar("T")
EVERY_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("work")(work)
    app.command("bounce")(bounce)


def work(
    context: typer.Context,
    until_done: Annotated[
        bool, typer.Option("--until-done", help="Leave when nothing is to be sent or settled.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(help="With --until-done: leave after this at the latest; 0 = never.")
    ] = 0,
) -> None:
    """Send the letters of running campaigns; `sentinel run` does it too, and one does at a time.

    Whatever ends it, no letter is sent twice: what was on the wire is named unknown.
    """
    settings = config.load(context.obj)
    log.configure(settings.log_level, human=False)
    asyncio.run(_work(settings, until_done=until_done, seconds=seconds))


async def _work(settings: Settings, *, until_done: bool, seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    clock, sealer = SystemClock(), parts.open_sealer(settings)
    cases = parts.open_cases(settings, sealer, clock)

    async def in_store(function: Callable[[CaseTx], T], /) -> T:
        def run() -> T:
            with cases.begin() as tx:
                return function(tx)

        return await asyncio.to_thread(run)

    rounds = Rounds(settings, in_store, sealer, clock)
    end = loop.time() + seconds if seconds else float("inf")
    try:
        while not stop.is_set() and loop.time() < end:
            if not await rounds.look() and until_done:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
    finally:
        await rounds.stop()
        cases.close()


def bounce(
    context: typer.Context,
    file: Annotated[list[Path], typer.Argument(help="Mail, mbox or Maildir; - for stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Take in delivery reports (RFC 3464); what is none is counted and left."""
    settings = config.load(context.obj)
    told: Counter[str] = Counter()
    with open_house(settings, parts.open_sealer(settings)) as house:
        for one in file:
            mails = [typer.get_binary_stream("stdin").read()] if str(one) == "-" else mails_in(one)
            for raw in mails:
                told[take_in(house.ledger, raw, SystemClock().now())] += 1
    if as_json:
        json(dict(told))
    else:
        line(", ".join(f"{count} {kind}" for kind, count in sorted(told.items())) or "no mail")
