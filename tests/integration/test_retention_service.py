"""The purge and the backup in the running service: due, caught up, refused, told to a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app.backup import cycle
from sentinel.app.purge import certificates
from sentinel.app.purge.schedule import PATIENCE, Asked, ask
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.domain.hold import HoldScope
from sentinel.domain.incident import Actor, Role
from sentinel.domain.outbox import Message
from sentinel.errors import StorageError
from sentinel.notify.messages import MessageRenderer
from sentinel.respond import holds

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DPO, LAWYER = Actor("dpo-1", frozenset({Role.DPO})), Actor("law-1", frozenset({Role.LEGAL}))


def settings_in(folder: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "data_dir": folder / "data",
        "log_level": "error",
        "keys": {"master": "5e" * 32, "anchor": "11" * 32},
        "behaviour": {"enabled": False},
        "notify": {"email_to": ["dpo@example.org"]},
        "smtp": {"host": "127.0.0.1", "port": 9, "security": "none", "sender": "s@example.org"},
    }
    return Settings.model_validate(given | changes)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[Sentinel, ManualClock]]:
    clock = ManualClock(START)
    service = await Sentinel.open(settings, clock)
    await service.start()
    service._scheduler.pause()  # the test says when
    try:
        yield service, clock
    finally:
        await service.stop()


async def put(service: Sentinel, *times: datetime) -> None:
    known = service._events.stored_offset()
    made = [
        Event(id=f"{known + n + 1:032x}", time=at, source="crm", ref="", fields={"user.name": "u"})
        for n, at in enumerate(times)
    ]
    await service._spool.append(made)
    await service.settle()


async def numbers(service: Sentinel) -> list[int]:
    found = await service.in_store(certificates.all_certificates)
    return [one.number for one in found]


async def alarms(service: Sentinel) -> list[Message]:
    found = await service.in_store(lambda tx: tx.outbox.find())
    return [one for one in found if one.kind == "retention_alarm"]


async def test_a_run_a_day_from_its_time_on_and_missed_days_are_caught_up(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as (service, clock):
        await put(service, START, START - 365 * DAY + timedelta(hours=1))
        await service._retention.look()
        assert await numbers(service) == []
        clock.set(datetime(2026, 3, 3, 1, 29, 59, tzinfo=UTC))  # 02:29:59 in Paris
        await service._retention.look()
        assert await numbers(service) == []
        clock.set(datetime(2026, 3, 3, 1, 30, tzinfo=UTC))
        await service._retention.look()
        await service._retention.look()
        assert await numbers(service) == [1]
        assert service._events.count() == 1
        clock.set(START + 12 * DAY)
        await put(service, START + 12 * DAY)
        await service._retention.look()
        await service._retention.look()
        assert await numbers(service) == [1, 2]
        assert await alarms(service) == []


async def test_a_jump_of_the_clock_takes_nothing_and_rings_once_a_day(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with running(settings) as (service, clock):
        await put(service, START)
        await service._retention.look()
        clock.set(START + 3 * 365 * DAY)
        for _ in range(3):
            await service._retention.look()
            clock.advance(PATIENCE)
        assert service._events.count() == 1
        [alarm] = await alarms(service)
        assert alarm.context["alarm"] == "clock"
        renderer = MessageRenderer(settings.notifiers_path / "messages", languages={})
        assert "l’horloge est douteuse" in renderer.render(alarm).subject
        clock.advance(DAY)
        await service._retention.look()
        assert len(await alarms(service)) == 2
        # a person says that the clock is right
        asked = Asked(by="command-line:root", clock_is_right=True)
        await service.in_store(lambda tx: ask(tx, asked))
        await service._retention.look()
        assert service._events.count() == 0
        [made] = await service.in_store(certificates.all_certificates)
        assert made.by == "command-line:root"


async def test_an_overdue_review_rings(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path)) as (service, clock):

        def hold(tx: Any) -> None:
            made = holds.propose(
                tx, DPO, name="court", reason="the court asked to keep them", now=START,
                scope=HoldScope(source="crm"), review_by=(START + 5 * DAY).date(),
            )  # fmt: skip
            holds.approve(tx, LAWYER, made.id, now=START)

        await service.in_store(hold)
        await service._retention.look()
        clock.set(START + 5 * DAY)
        await put(service, clock.now())
        await service._retention.look()
        assert [a.context["alarm"] for a in await alarms(service)] == []
        clock.set(START + 6 * DAY)
        await put(service, clock.now())
        await service._retention.look()
        await service._retention.look()
        [alarm] = await alarms(service)
        assert alarm.context["detail"] == "court: 2026-03-07"


async def test_a_backup_a_day_pruned_in_time_and_a_failure_rings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = {"dir": tmp_path / "backups", "key": "ab" * 32}
    async with running(settings_in(tmp_path, backup=backup)) as (service, clock):
        for day in range(10):
            clock.set(START + day * DAY)
            await put(service, clock.now())
            await service._retention.look()
            await service._retention.look()
        kinds = [one.kind for one in cycle.archives(tmp_path / "backups")]
        assert (kinds[0], kinds.count("monthly"), kinds.count("weekly")) == ("monthly", 1, 1)
        assert kinds.count("daily") <= 7
        made = (await service.in_store(certificates.all_certificates))[-1]
        assert made.gone_everywhere is not None
        assert made.gone_everywhere.isoformat() == "2026-09-02"

        def broken(*_: object, **__: object) -> None:
            raise StorageError("no room")

        monkeypatch.setattr("sentinel.app.purge.schedule.create", broken)
        clock.set(START + 10 * DAY)
        await put(service, clock.now())
        await service._retention.look()
        assert [a.context["alarm"] for a in await alarms(service)] == ["backup"]
