"""The blind-window ledger in the real service: each cause with its interval and its alert."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app.service import Sentinel
from sentinel.app.sight_inputs import CAUSES, DROPPED
from sentinel.clock import ManualClock, isoformat
from sentinel.collect import inputs
from sentinel.collect.inputs.syslog_frame import BAD_COUNT, CUT_SHORT
from sentinel.collect.spool import SpoolFull
from sentinel.config import Settings
from sentinel.domain.alert import Alert
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.errors import StorageError

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = """
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


def settings_in(folder: Path, **source: Any) -> Settings:
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "all.yml").write_text(RULES)
    declared = {"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "log_level": "error",
            "keys": {"master": "00" * 32},
            "behaviour": {"enabled": False},
            "detect": {"rules_dir": str(rules)},
            "sources": [declared | source],
        }
    )


class House:
    """The service, its clock, and what is asked of it."""

    def __init__(self, service: Sentinel, clock: ManualClock) -> None:
        self.service = service
        self.clock = clock
        self.number = 0

    def line(self, number: int | None = None, **more: Any) -> bytes:
        self.number = self.number + 1 if number is None else number
        return json.dumps(
            {
                "id": f"crm-{self.number:06d}",
                "time": isoformat(self.clock.now()),
                "actor": {"id": "a.martin", "kind": "staff", "roles": ["support"]},
                "action": "report.view",
                "outcome": "success",
                "mfa": True,
                "ip": "192.0.2.4",
            }
            | more
        ).encode()

    async def send(self, *lines: bytes) -> None:
        batch = self.service._intakes["crm"].batch(lines, f"batch-{self.number}-{lines[0]!r}")
        await self.service._spool.append(batch.events)
        while self.service.lag:
            await self.service._consumer.step()

    async def pass_time(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        await self.service.sight.look()

    async def windows(self, cause: Cause) -> list[BlindWindow]:
        return await self.service.in_store(lambda tx: tx.blind.find(cause=cause))

    async def alerts(self) -> list[Alert]:
        found = await self.service.in_store(lambda tx: tx.alerts.find())
        return [alert for alert in found if alert.rule.slug.startswith("blind_")]


@asynccontextmanager
async def house_in(folder: Path, clock: ManualClock, **source: Any) -> AsyncIterator[House]:
    service = await Sentinel.open(settings_in(folder, **source), clock)
    await service.start()
    try:
        yield House(service, clock)
    finally:
        await service.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


async def test_silence_is_one_window_and_one_alert(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock, silent_after_minutes=10) as house:
        await house.send(house.line())
        await house.pass_time(9)
        assert await house.windows(Cause.SILENCE) == []
        for _ in range(3):
            await house.pass_time(5)
        (window,) = await house.windows(Cause.SILENCE)
        assert (window.source, window.begin, window.end) == ("crm", START, None)
        assert window.seen == START + 24 * MINUTE
        (alert,) = await house.alerts()
        assert alert.rule.titles["fr"] == "Une source est silencieuse\u00a0: crm"
        assert "rien n’a été reçu" in alert.reasons[0].text("fr")
        assert house.service.status()["blind"] == [
            {"cause": "silence", "source": "crm", "since": START}
        ]
        await house.send(house.line())
        await house.pass_time(1)
        (window,) = await house.windows(Cause.SILENCE)
        assert window.end == START + 24 * MINUTE
        assert len(await house.alerts()) == 1
        await house.pass_time(30)
        assert len(await house.windows(Cause.SILENCE)) == 2


async def test_zero_means_that_a_source_may_be_silent(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock, silent_after_minutes=0) as house:
        await house.pass_time(100_000)
        assert await house.windows(Cause.SILENCE) == []


async def test_the_time_without_a_service_is_told_by_the_next(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.pass_time(1)
        assert await house.windows(Cause.STOPPED) == []
    clock.advance(timedelta(hours=2))
    async with house_in(tmp_path, clock) as house:
        (window,) = await house.windows(Cause.STOPPED)
        assert (window.begin, window.end) == (START + MINUTE, None)
        await house.pass_time(0.1)
        (window,) = await house.windows(Cause.STOPPED)
        assert window.end == START + 121.1 * MINUTE
        assert [alert.rule.slug for alert in await house.alerts()] == ["blind_service_stopped"]
        assert await house.windows(Cause.SILENCE) == [], "a restart is no silence"
    clock.advance(timedelta(seconds=20))
    async with house_in(tmp_path, clock) as house:
        await house.pass_time(0.1)
        windows = await house.windows(Cause.STOPPED)
        assert len(windows) == 1, "20 seconds later is adjacent: one window"
        assert len(await house.alerts()) == 1


async def test_missing_numbers_are_told_unless_they_come_late(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with house_in(tmp_path, clock, numbered=True) as house:
        await house.send(house.line(1), house.line(2))
        clock.advance(MINUTE)
        await house.send(house.line(6), house.line(4), house.line(7))
        await house.pass_time(0.5)
        assert await house.windows(Cause.GAP) == []
        await house.send(house.line(5), house.line(6), house.line(8), b"{broken", house.line(10))
        await house.pass_time(2)
        (window,) = await house.windows(Cause.GAP)
        assert (window.count, window.detail) == (1, "3-3"), "9 is the line that was not understood"
        assert (window.begin, window.end) == (START, START + MINUTE)
        (alert,) = await house.alerts()
        assert alert.rule.slug == "blind_sequence_gap"
    async with house_in(tmp_path, clock, numbered=True) as house:
        await house.send(house.line(12), house.line(1), house.line(2))
        await house.pass_time(2)
        (window,) = await house.windows(Cause.GAP)
        assert (window.count, window.detail) == (2, "3-3, 11-11"), "a count begun anew is no gap"


async def test_lines_that_are_not_understood(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.send(*(house.line() for _ in range(300)), b"{broken")
        await house.pass_time(1)
        assert await house.windows(Cause.UNPARSED) == []
        await house.send(*(b"{broken %d" % n for n in range(20)))
        await house.pass_time(1)
        (window,) = await house.windows(Cause.UNPARSED)
        assert (window.source, window.count, window.end) == ("crm", 21, None)
        await house.pass_time(11)
        (window,) = await house.windows(Cause.UNPARSED)
        assert window.end == START + MINUTE
        assert [alert.rule.slug for alert in await house.alerts()] == ["blind_parse_failures"]


async def test_clocks_that_are_wrong(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.send(house.line(time=isoformat(START + 6 * MINUTE)))
        await house.pass_time(1)
        (window,) = await house.windows(Cause.SKEW)
        assert (window.detail, window.begin) == ("ahead", START)
        for _ in range(4):  # an hour behind, and on and on: no backlog, a clock
            await house.send(house.line(time=isoformat(clock.now() - timedelta(hours=1))))
            await house.pass_time(5)
        assert {w.detail for w in await house.windows(Cause.SKEW)} == {"ahead, behind"}


async def test_a_backlog_is_no_wrong_clock(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.send(house.line(time=isoformat(START - timedelta(days=1))))
        await house.pass_time(2)
        await house.send(house.line())
        await house.pass_time(20)
        assert await house.windows(Cause.SKEW) == []


async def test_late_events_and_faults_of_rules(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.send(house.line(action="session.login"))
        await house.send(
            house.line(action="session.login", time=isoformat(START - timedelta(minutes=30)))
        )
        await house.pass_time(1)
        (window,) = await house.windows(Cause.LATE)
        assert (window.begin, window.end, window.count) == (START - 30 * MINUTE,) * 2 + (1,)

        def fails(_event: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(house.service._detector.scope, "judge", fails)
        await house.send(house.line())
        await house.pass_time(1)
        (window,) = await house.windows(Cause.FAULT)
        assert window.detail == "scope:ZeroDivisionError"
        assert window.begin == START + MINUTE
        letters = await house.service.in_store(lambda tx: tx.dead_letters.find())
        assert [letter.reason for letter in letters] == [
            "detection failed: scope:ZeroDivisionError"
        ]
        assert {alert.rule.slug for alert in await house.alerts()} == {
            "blind_late_events",
            "blind_rule_error",
        }


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SpoolFull("full"), Cause.OVERLOAD),
        (OSError(errno.ENOSPC, "No space left"), Cause.DISK_FULL),
        (OSError(errno.EIO, "Input/output error"), Cause.STORAGE),
    ],
)
async def test_what_was_refused(
    tmp_path: Path,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    cause: Cause,
) -> None:
    def refuse(_maps: object) -> int:
        if isinstance(error, OSError):
            raise StorageError("refused") from error
        raise error

    async with house_in(tmp_path, clock) as house:
        with monkeypatch.context() as patched:
            patched.setattr(house.service._spool, "_append", refuse)
            for _ in range(3):
                with pytest.raises((SpoolFull, StorageError)):
                    await house.send(house.line())
                await house.pass_time(1)
        (window,) = await house.windows(cause)
        assert (window.begin, window.end, window.count) == (START, None, 3)
        await house.send(house.line())
        await house.pass_time(1)
        (window,) = await house.windows(cause)
        assert (window.begin, window.end) == (START, START + 3 * MINUTE)
        assert [alert.rule.slug for alert in await house.alerts()] == [f"blind_{cause.value}"]


async def test_senders_told_to_come_again(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock) as house:
        house.service.metrics.refused.labels("429").inc(4)
        await house.pass_time(1)
        (window,) = await house.windows(Cause.OVERLOAD)
        assert (window.source, window.count) == ("", 4)


async def test_a_store_that_cannot_be_reached(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.pass_time(1)
        with monkeypatch.context() as patched:

            def refuse() -> None:
                raise StorageError("the store is away")

            patched.setattr(house.service._cases, "begin", refuse)
            for _ in range(2):
                with pytest.raises(StorageError):
                    await house.pass_time(5)
        await house.pass_time(1)
        (window,) = await house.windows(Cause.STORAGE)
        assert (window.begin, window.end) == (START + MINUTE, START + 12 * MINUTE)


async def test_what_expired_unread_is_told_and_alerts_nobody(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with house_in(tmp_path, clock, silent_after_minutes=0) as house:
        await house.send(b"{broken")
        await house.send(*(house.line() for _ in range(30)))
        clock.advance(timedelta(days=29))
        await house.service.sight.expire()
        assert len(await house.service.in_store(lambda tx: tx.dead_letters.find())) == 1
        clock.advance(timedelta(days=1))
        await house.service.sight.expire()
        assert await house.service.in_store(lambda tx: tx.dead_letters.find()) == []
        (window,) = await house.windows(Cause.EXPIRED)
        assert (window.source, window.count, window.begin) == ("crm", 1, START)
        lines = await house.service.in_store(lambda tx: tx.journal.lines(object_id="dead_letters"))
        assert [line.action for line in lines] == ["dead_letters.expired"]
        assert await house.alerts() == []


async def test_what_inputs_lose_is_told_by_source(tmp_path: Path, clock: ManualClock) -> None:
    async with house_in(tmp_path, clock) as house:
        await house.pass_time(1)
        metrics = house.service.metrics
        metrics.datagrams_lost.labels("crm").inc(700)
        metrics.input_faults.labels("crm", "message too long").inc(2)
        metrics.input_faults.labels("crm", "sender not allowed").inc(5)
        await house.pass_time(1)
        (dropped,) = await house.windows(Cause.OVERLOAD)
        assert (dropped.source, dropped.count) == ("crm", 700)
        assert (dropped.begin, dropped.end) == (clock.now() - MINUTE, clock.now())
        assert dropped.detail == "datagrams dropped by the kernel"
        (long,) = await house.windows(Cause.UNPARSED)
        assert (long.source, long.count, long.detail) == ("crm", 2, "message too long")
        assert len(await house.alerts()) == 2
        await house.pass_time(5)
        assert [w.count for w in await house.windows(Cause.OVERLOAD)] == [700]


def test_every_fault_of_an_input_is_blind_time_or_named_as_none() -> None:
    """A fault that an input counts under a new name must be thought about here."""
    room = Path(inputs.__file__).parent
    counted = set(
        re.findall(
            r'(?:count\(|fault = |labels\([\w.]+, )"([a-zA-Z][^"]*)"',
            "".join(path.read_text() for path in room.glob("*.py")),
        )
    )
    turned_away = {"sender not allowed", "client certificate of another", "connection idle",
                   "TLS handshake refused"}  # fmt: skip
    assert counted | {CUT_SHORT, BAD_COUNT, DROPPED} == set(CAUSES) | turned_away
