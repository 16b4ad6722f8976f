"""What was judged leaves the spool 25 hours later, also where nothing comes and nobody stays up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sentinel.app.service import HORIZON, Sentinel
from sentinel.app.spool_pruning import MARKS
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
A_HEADER = 200  # bytes: what a file without an event has at most


def settings_in(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "log_level": "error",
            "keys": {"master": "5e" * 32},
            "behaviour": {"enabled": False},
        }
    )


@asynccontextmanager
async def running(settings: Settings, clock: ManualClock) -> AsyncIterator[Sentinel]:
    service = await Sentinel.open(settings, clock)
    await service.start()
    service._scheduler.pause()  # the test says when
    try:
        yield service
    finally:
        await service.stop()


async def put(service: Sentinel, clock: ManualClock, *numbers: int) -> None:
    made = [
        Event(id=f"{n:032x}", time=clock.now(), source="crm", ref="", fields={"user.name": "u"})
        for n in numbers
    ]
    await service._spool.append(made)
    await service.settle()


def spooled(settings: Settings) -> int:
    """Return how many files of the spool hold an event."""
    files = (settings.data_dir / "spool").glob("*.seg")
    return sum(path.stat().st_size > A_HEADER for path in files)


async def test_an_idle_service_keeps_nothing_in_its_spool(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path), ManualClock(START)
    async with running(settings, clock) as service:
        await put(service, clock, 1, 2)
        await service._pruning.look()
        clock.set(START + HORIZON)
        await service._pruning.look()
        assert spooled(settings) == 1, "not yet"
        clock.advance(TEN_MINUTES)
        await service._pruning.look()
        assert spooled(settings) == 0
        assert service._events.count() == 2
        await put(service, clock, 3)
        assert (service.lag, service._events.count()) == (0, 3)
    async with running(settings, clock) as service:
        assert (service.lag, service._spool.last_offset) == (0, 2)
        await put(service, clock, 4)
        assert service._events.count() == 4


async def test_a_service_that_starts_on_an_emptied_spool_goes_on(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path), ManualClock(START)
    async with running(settings, clock) as service:
        await put(service, clock, 1, 2)
        await service._pruning.look()
        clock.advance(HORIZON + TEN_MINUTES)
        await service._pruning.look()
    for number in (3, 4):
        async with running(settings, clock) as service:
            assert (service.lag, service._events.count()) == (0, number - 1)
            await put(service, clock, number)
            assert service._events.count() == number


async def test_a_service_that_is_restarted_every_night_prunes_too(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path), ManualClock(START)
    for day in range(3):
        clock.set(START + day * timedelta(hours=23))
        async with running(settings, clock) as service:
            if day == 0:
                await put(service, clock, 1)
            await service._pruning.look()
    assert spooled(settings) == 0


async def test_what_waits_to_be_judged_stays_however_long(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path), ManualClock(START)
    async with running(settings, clock) as service:
        assert service._detecting is not None
        service._detecting.cancel()
        await put(service, clock, 1)
        late = Event(id=f"{2:032x}", time=clock.now(), source="crm", ref="")
        await service._spool.append([late])
        for _ in range(3):
            await service._pruning.look()
            clock.advance(HORIZON)
        assert service.lag == 1
        assert spooled(settings) == 1
        assert [one.id for _, one in service._spool.read(0)] == [late.id]


async def test_marks_do_not_grow_where_nothing_comes(tmp_path: Path) -> None:
    settings, clock = settings_in(tmp_path), ManualClock(START)
    async with running(settings, clock) as service:
        sizes = set()
        for number in range(1, 4):
            await put(service, clock, number)
            for _ in range(3):
                await service._pruning.look()
                clock.advance(HORIZON)
            sizes.add(len(await service.in_store(lambda tx: tx.state.get(MARKS)) or b""))
        assert max(sizes) <= 2 * min(sizes)
