"""Plays a drill end to end: the real service, in a folder of its own, on a clock that is told.

The lines go through the real collector on loopback; between two steps the clock stops at every
alarm that falls due, so that each one rings where it would have rung.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from aiohttp import ClientSession, web

from sentinel.app import parts
from sentinel.app.bundle.pack import Made, make_bundle
from sentinel.app.drill.acts import Done, Players, by_pseudonym, player
from sentinel.app.drill.guard import Guard, closed_house
from sentinel.app.drill.load import Stage
from sentinel.app.drill.pack import Pack, write_pack
from sentinel.app.drill.sandbox import Outbox, drill_settings, replace_channels
from sentinel.app.drill.score import (
    Mark,
    Score,
    moments_of,
    points,
    target_marks,
    unknowns,
    work_marks,
)
from sentinel.app.duties import Duties
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.alert import Alert
from sentinel.domain.duration import parse_duration
from sentinel.domain.incident import Incident, Role
from sentinel.errors import ContentError, Refused, SentinelError
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.runbooks import read_runbook
from sentinel.store.ports import CaseTx

BEFORE = timedelta(minutes=10)
HOST = "127.0.0.1"


async def run_drill(real: Settings, stage: Stage, out: Path) -> tuple[Score, Path]:
    """Play ``stage`` and write its evidence pack into the new folder ``out``.

    ``real``: the settings of the house, of which the drill takes the organisation and the content.
    Raises ContentError where the scenario cannot be played, Refused where ``out`` holds something.
    """
    await asyncio.to_thread(_require_new, out)
    with tempfile.TemporaryDirectory(prefix="sentinel-drill-") as data:
        return await _Drill(real, stage, Path(data), out).run()


def _require_new(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused("the evidence pack needs a new folder", where=str(out))


class _Drill:
    """One drill. The folder of its data goes when it ends; what it proves is in the pack."""

    def __init__(self, real: Settings, stage: Stage, data: Path, out: Path) -> None:
        self._stage = stage
        self._scenario = stage.scenario
        self._settings = drill_settings(real, stage.scenario, data)
        self._clock = ManualClock(stage.scenario.occurred - BEFORE)
        self._outbox = Outbox(out / "outbox", self._clock)
        self._out = out
        self._done: list[Done] = []
        self._alarms = 0

    async def run(self) -> tuple[Score, Path]:
        with closed_house() as guard:
            async with self._service(guard) as (service, url):
                await self._post(url)
                await service.settle()
                alert = await self._alert(service)
                persons = by_pseudonym(service, self._stage.persons)
                players = Players(service, self._scenario, alert, persons, self._outbox)
                await self._play(service, players)
                return await self._finish(service, players, alert, guard)

    @asynccontextmanager
    async def _service(self, guard: Guard) -> AsyncIterator[tuple[Sentinel, str]]:
        async with AsyncExitStack() as opened:
            service = await Sentinel.open(self._settings, self._clock)
            opened.push_async_callback(service.stop)
            replace_channels(service.registry, self._outbox)
            await service.start()
            runner = web.AppRunner(service.collector(), access_log=None)
            await runner.setup()
            opened.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, HOST, 0).start()
            port = int(runner.addresses[0][1])
            guard.allow(HOST, port)
            yield service, f"http://{HOST}:{port}/v1/events"

    async def _post(self, url: str) -> None:
        """Send the lines as shippers would, once they had the time for it."""
        self._clock.set(self._scenario.occurred + parse_duration(self._scenario.shipped_after))
        tokens = {one.name: one.token for one in self._settings.sources}
        async with ClientSession() as session:
            for source in self._scenario.sources:
                token = tokens[source.name]
                headers = {
                    "Authorization": f"Bearer {token.get_secret_value() if token else ''}",
                    "Content-Type": source.media,
                }
                body = self._stage.lines[source.name]
                async with session.post(url, data=body, headers=headers) as reply:
                    answer = await reply.json(content_type=None)
                    if reply.status != HTTPStatus.OK or answer["unparsed"]:
                        raise ContentError(
                            f"the collector answered {reply.status}: {answer}", where=source.file
                        )

    async def _alert(self, service: Sentinel) -> Alert:
        alerts = await service.in_store(lambda tx: tx.alerts.find(limit=1000))
        for alert in alerts:
            if alert.rule.slug == self._scenario.rule:
                return alert
        raise ContentError(
            f"no alert of the rule {self._scenario.rule}: the drill ends where detection failed",
            hint=", ".join(sorted({one.rule.slug for one in alerts})) or "no alert at all",
        )

    async def _play(self, service: Sentinel, players: Players) -> None:
        _, router = parts.load_notifiers(self._settings, self._clock)
        duties = Duties(self._settings, service.in_store, router, self._clock)
        for act in self._scenario.steps:
            await self._until(service, duties, self._scenario.occurred + act.after)
            refused = ""
            try:
                await players.do(act)
            except SentinelError as error:
                refused = str(error)
            self._done.append(
                Done(id=act.id, at=self._clock.now(), by=act.by, act=act.do, refused=refused)
            )
        await duties.round()
        await service.drain()

    async def _until(self, service: Sentinel, duties: Duties, instant: datetime) -> None:
        """Let time pass until ``instant``, with a stop at every alarm."""

        def next_alarm(tx: CaseTx) -> datetime | None:
            running = tx.incidents.deadlines(open_only=True)
            due = [alarm for clock in running for alarm in clock.alarms if alarm <= instant]
            return min(due, default=None)

        while (alarm := await service.in_store(next_alarm)) is not None:
            self._clock.set(max(alarm, self._clock.now()))
            await duties.round()
            await service.drain()
            self._alarms += 1
        self._clock.set(max(instant, self._clock.now()))

    async def _finish(
        self, service: Sentinel, players: Players, alert: Alert, guard: Guard
    ) -> tuple[Score, Path]:
        book_file = self._settings.runbooks_path / self._scenario.runbook / "runbook.fr.md"
        book = read_runbook(book_file) if book_file.is_file() else None
        case_id = players.incident_id

        def conclude(tx: CaseTx) -> tuple[Incident | None, Score, Made | None]:
            incident = tx.incidents.get(case_id) if case_id else None
            clocks = tx.incidents.deadlines(case_id) if case_id else []
            moments = moments_of(tx, self._scenario, alert, incident)
            marks = [
                *target_marks(self._scenario, moments),
                *work_marks(self._scenario, self._done, incident, book, clocks),
                Mark(id="journal", passed=not verify_journal(tx)),
                Mark(
                    id="everybody_reached",
                    passed=not players.unreached,
                    detail=f"{len(players.unreached)} not in the directory",
                ),
                Mark(id="nothing_left", passed=not guard.refused, detail="; ".join(guard.refused)),
            ]
            score = self._score(incident, moments, marks, guard)
            made = self._bundle(tx, service, incident) if incident else None
            return incident, score, made

        _, score, made = await service.in_store(conclude)
        pack = Pack(folder=self._out, stage=self._stage, score=score, bundle=made)
        await asyncio.to_thread(write_pack, pack, self._settings, self._clock.now())
        return score, self._out

    def _bundle(self, tx: CaseTx, service: Sentinel, incident: Incident) -> Made:
        return make_bundle(
            tx,
            self._settings,
            service.sealer,
            actor=player(Role.DPO),
            reference=incident.reference,
            purpose="Exercice",
            now=self._clock.now(),
        )

    def _score(
        self,
        incident: Incident | None,
        moments: dict[str, datetime],
        marks: list[Mark],
        guard: Guard,
    ) -> Score:
        return Score(
            scenario=self._scenario.id,
            version=self._scenario.version,
            reference=incident.reference if incident else "",
            drill=True,
            points=points(marks),
            passed=all(one.passed for one in marks),
            moments=dict(sorted(moments.items(), key=lambda one: one[1])),
            marks=tuple(marks),
            missed=tuple(one for one in self._done if one.refused),
            unknown=unknowns(incident),
            left=tuple(guard.refused),
            steps=tuple(self._done),
            messages=self._outbox.count,
            alarms=self._alarms,
        )
