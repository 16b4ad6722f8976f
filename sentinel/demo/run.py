"""The demo's run: the real service on loopback, the story posted to it, the people who respond."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import msgspec
import pyotp
from aiohttp import ClientSession

from sentinel.app.service import Sentinel
from sentinel.clock import SystemClock, isoformat
from sentinel.config import Settings
from sentinel.demo import summary as told
from sentinel.demo.mailbox import Mailbox
from sentinel.demo.people import respond
from sentinel.demo.stage import Player, cast_players, settings_for, train_model
from sentinel.demo.story import tell
from sentinel.demo.telling import Story
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Document, Incident
from sentinel.errors import CannotListen, SentinelError
from sentinel.web.console.app import create_console
from sentinel.web.serve import Servers

DEFAULT_SEED = 2026

Say = Callable[[str], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to perform. ``directory``: None for a new temporary folder."""

    seed: int
    directory: Path | None
    port: int
    language: str
    once: bool


class StoryLost(SentinelError):
    """The demo did not find what its story holds."""


async def perform(
    options: Options, *, say: Say, summarise: Callable[[object], None] | None
) -> None:
    """Perform the demo; with ``once`` leave at the end, else serve until Ctrl-C."""
    folder = options.directory or Path(tempfile.mkdtemp(prefix="sentinel-demo-"))
    started = time.monotonic()
    end = datetime.now(UTC).replace(microsecond=0)
    async with _stage(options, folder, end, say) as (service, players, mailbox, urls):
        story = await asyncio.to_thread(tell, options.seed, end)
        say(f"posting {sum(len(b.lines) for b in story.batches):,} lines to {urls['collector']}")
        steps = told.Steps(story)
        await _post(story, steps, service.settings, urls["collector"])
        await service.settle()
        alerts = await service.in_store(lambda tx: tx.alerts.find(limit=1000))
        found = told.rows(alerts, steps)
        _say_alerts(found, say)
        incident, documents = await respond(service, players, _leaver(alerts, found))
        await service.settle()
        clocks = await service.in_store(lambda tx: tx.incidents.deadlines(incident.id))
        papers = [await _copy(service, document, folder) for document in documents]
        _say_incident(incident, clocks, papers, say)
        if summarise is not None:
            summarise(
                _summary(service, options, found, incident, clocks, papers, folder)
                | {"mails": len(mailbox.messages), "console": urls["console"]}
                | {"seconds": round(time.monotonic() - started, 1)}
            )
        if not options.once:
            _say_console(urls["console"], players, say)
            await _until_interrupted()


@asynccontextmanager
async def _stage(
    options: Options, folder: Path, end: datetime, say: Say
) -> AsyncIterator[tuple[Sentinel, dict[str, Player], Mailbox, dict[str, str]]]:
    """Open everything that the demo needs; close it in reverse."""
    clock = SystemClock()
    async with contextlib.AsyncExitStack() as open_parts:
        mailbox = await open_parts.enter_async_context(Mailbox())
        settings = settings_for(
            folder,
            smtp_port=mailbox.port,
            console_port=options.port,
            language=options.language,
        )
        say(f"data in {folder}")
        say("training the navigation model on another, ordinary day")
        players = await asyncio.to_thread(cast_players, settings, clock)
        await asyncio.to_thread(train_model, settings, clock, end, options.seed)
        service = await Sentinel.open(settings, clock)
        open_parts.push_async_callback(service.stop)
        await service.start()
        servers = Servers()
        open_parts.push_async_callback(servers.close)
        collector = await servers.open(service.collector(), settings.collector)
        console = await _open_console(servers, service, settings)
        yield service, players, mailbox, {"collector": collector, "console": console}


async def _open_console(servers: Servers, service: Sentinel, settings: Settings) -> str:
    """Serve the console on its port, or on another where that one is taken."""
    console = create_console(service)
    try:
        return await servers.open(console, settings.console)
    except CannotListen:
        free = settings.console.model_copy(update={"port": 0})
        return await servers.open(create_console(service), free)


async def _post(story: Story, steps: told.Steps, settings: Settings, collector: str) -> None:
    """Post each sending to the collector, as shippers would, each under its source's token."""
    tokens = {
        source.name: source.token.get_secret_value()
        for source in settings.sources
        if source.token is not None
    }
    posted = dict.fromkeys(tokens, 0)
    async with ClientSession() as session:
        for number, batch in enumerate(story.batches):
            body = "\n".join(batch.lines).encode() + b"\n"
            headers = {
                "Authorization": f"Bearer {tokens[batch.source]}",
                "Content-Type": batch.content_type,
                "Idempotency-Key": f"story-{number}",
            }
            async with session.post(f"{collector}/v1/events", data=body, headers=headers) as reply:
                answer = await reply.json(content_type=None)
                if reply.status != HTTPStatus.OK or answer["unparsed"]:
                    raise StoryLost(f"the collector answered {reply.status}: {answer}")
            count = int(answer["accepted"])
            steps.posted(
                batch.source, posted[batch.source] + 1, int(answer["offset"]) - count + 1, count
            )
            posted[batch.source] += count


def _leaver(alerts: list[Alert], found: list[told.AlertRow]) -> Alert:
    wanted = set(told.by_story(found)["leaver_export"])
    for alert in alerts:
        if alert.id in wanted:
            return alert
    raise StoryLost("no alert on the leaver's export", hint="sentinel check")


def _summary(
    service: Sentinel,
    options: Options,
    found: list[told.AlertRow],
    incident: Incident,
    clocks: list[Deadline],
    papers: list[Path],
    folder: Path,
) -> dict[str, object]:
    return {
        "seed": options.seed,
        "stories": told.by_story(found),
        "look_alikes_alerted": told.look_alikes(found),
        "other_alerts": told.others(found),
        "events": service.status()["events"],
        "alerts": found,
        "incident": {
            "reference": incident.reference,
            "title": incident.title,
            "legal": incident.legal.value,
            "security": incident.security.value,
            "aware_at": isoformat(incident.aware_at) if incident.aware_at else None,
        },
        "clocks": [
            {"obligation": c.obligation, "due_at": isoformat(c.due_at), "met": not c.open}
            for c in clocks
        ],
        "documents": [str(path) for path in papers],
        "data_dir": str(folder),
    }


def _say_alerts(found: list[told.AlertRow], say: Say) -> None:
    say(f"\n{len(found)} alerts")
    for row in found:
        persons = f", {len(row.subjects)} persons" if row.subjects else ""
        say(f"  {row.level:<9} {row.title}  [{row.actor}{persons}]")


async def _copy(service: Sentinel, document: Document, folder: Path) -> Path:
    """Write a draft where it can be opened: in the case it lies sealed."""
    path = folder / "papers" / document.name
    content = await service.document_bytes(document)
    await asyncio.to_thread(path.parent.mkdir, exist_ok=True)
    await asyncio.to_thread(path.write_bytes, content)
    return path


def _say_incident(incident: Incident, clocks: list[Deadline], papers: list[Path], say: Say) -> None:
    say(f"\nincident {incident.reference}: {incident.title}")
    say(f"  {incident.legal.value}, {incident.security.value}")
    for clock in clocks:
        state = "met" if not clock.open else "open"
        say(f"  {clock.obligation:<10} due {isoformat(clock.due_at)}  {state}  ({clock.basis})")
    say("\ndrafts")
    for path in papers:
        say(f"  {path}")


def _say_console(console: str, players: dict[str, Player], say: Say) -> None:
    say(f"\nconsole  {console}")
    say("sign in as (each code is valid for about 30 seconds and works once):")
    for player in players.values():
        code = pyotp.TOTP(player.totp_secret).now()
        roles = ", ".join(sorted(role.value for role in player.actor.roles))
        say(
            f"  {player.name:<10} password {player.password}  code {code}  "
            f"TOTP secret {player.totp_secret}  ({roles})"
        )
    say("\nCtrl-C ends the demo.")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
