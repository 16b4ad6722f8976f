"""Three alarms fall due while the service is down: at start each fires once, late, marked late.

The real service in a process of its own, killed by `kill -9`, with a clock that the test sets; the
mail goes through a real SMTP server. Killed again right after the start, nothing rings twice.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel import config
from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.demo.mailbox import Mailbox
from sentinel.domain.incident import Actor, Incident, Legal, Role
from sentinel.domain.outbox import OutboxState
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.workflow import COMMANDS

HERE = Path(__file__).parent
SENTINEL = Path(sys.executable).with_name("sentinel")
DPO = Actor("acc-dpo", frozenset({Role.DPO}))
MINUTES = (10, 25, 50)  # into the hour of the stop: when the alarm of the 36th hour falls due


@asynccontextmanager
async def running(folder: Path, mail_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    settings = {
        "SENTINEL_COLLECTOR__PORT": "0",
        "SENTINEL_CONSOLE__PORT": "0",
        "SENTINEL_SMTP__HOST": "127.0.0.1",
        "SENTINEL_SMTP__PORT": str(mail_port),
        "SENTINEL_SMTP__SECURITY": "none",
        "SENTINEL_SMTP__SENDER": "sentinel@example.org",
        "SENTINEL_NOTIFY__EMAIL_TO": "oncall@example.org",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "clocked_service.py"),
        "offset",
        cwd=folder,
        env=os.environ | settings,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(120):
            while True:
                line = (await process.stderr.readline()).decode()
                assert line, "the service ended before it listened"
                if re.match(r"console\s+http", line):
                    break
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


def in_store(folder: Path, work):
    settings = config.load(folder / "sentinel.toml", environ={})
    cases = parts.open_cases(settings, parts.open_sealer(settings), SystemClock())
    try:
        with cases.begin() as tx:
            return work(tx)
    finally:
        cases.close()


def cases_with_alarms(tx, stopped_at: datetime) -> None:
    """Three confirmed breaches whose 36-hour alarm falls into the hour after ``stopped_at``."""
    for number, minutes in enumerate(MINUTES):
        aware = stopped_at + timedelta(minutes=minutes) - timedelta(hours=36)
        incident = Incident(
            id=f"case-{number}",
            reference=tx.incidents.next_reference(aware.year),
            title=f"Case {number}",
            kind="generic",
            created_at=aware,
            created_by="acc-dpo",
            legal=Legal.TRIAGE,
        )
        tx.incidents.put(incident)
        COMMANDS["confirm_breach"](
            tx,
            DPO,
            incident.id,
            aware_at=aware,
            basis="The export stands in the access log",
            now=aware + timedelta(minutes=1),
        )


def alarms(folder: Path, hours: int) -> list[dict[str, object]]:
    found = in_store(folder, lambda tx: tx.outbox.find(limit=1000))
    return [
        message.context | {"state": message.state}
        for message in found
        if message.kind == "deadline_alarm"
        and datetime.fromisoformat(str(message.context["alarm"]))
        - datetime.fromisoformat(str(message.context["anchor"]))
        == timedelta(hours=hours)
        and message.context["obligation"] == "CNIL-72"
    ]


async def until_sent(folder: Path, count: int) -> None:
    async with asyncio.timeout(90):
        while True:
            told = await asyncio.to_thread(alarms, folder, 36)
            if len([one for one in told if one["state"] == OutboxState.SENT]) >= count:
                return
            await asyncio.sleep(0.5)


@pytest.mark.slow
async def test_alarms_missed_while_down_fire_once_each_late_and_marked(tmp_path: Path) -> None:
    init = await asyncio.create_subprocess_exec(SENTINEL, "init", "--json", cwd=tmp_path)
    assert await init.wait() == 0
    (tmp_path / "offset").write_text("0")
    now = datetime.now(UTC)
    await asyncio.to_thread(in_store, tmp_path, lambda tx: cases_with_alarms(tx, now))
    async with Mailbox() as mailbox:
        async with running(tmp_path, mailbox.port) as first:
            await asyncio.sleep(2)
            assert await asyncio.to_thread(alarms, tmp_path, 36) == []
            first.send_signal(signal.SIGKILL)
            await first.wait()
        (tmp_path / "offset").write_text("3600")  # the hour passes while nothing runs
        async with running(tmp_path, mailbox.port) as second:
            await until_sent(tmp_path, 3)
            second.send_signal(signal.SIGKILL)
            await second.wait()
        async with running(tmp_path, mailbox.port) as third:
            await asyncio.sleep(8)  # more than one round of the clocks
            third.send_signal(signal.SIGTERM)
            await third.wait()
        assert third.returncode == 0
        rung = alarms(tmp_path, 36)
        assert sorted(str(one["incident_id"]) for one in rung) == ["case-0", "case-1", "case-2"]
        assert all(one["late"] is True for one in rung)
        assert {one["state"] for one in rung} == {OutboxState.SENT}
        assert len(mailbox.messages) >= 3
    journal = in_store(
        tmp_path,
        lambda tx: [
            tx.journal.opened(line)
            for line in tx.journal.lines()
            if line.action == "deadline.alarm"
        ],
    )
    late = [one for one in journal if one["late"] and one["obligation"] == "CNIL-72"]
    assert len([one for one in late if one["deadline"] in {r["deadline_id"] for r in rung}]) >= 3
    assert in_store(tmp_path, verify_journal) == []
