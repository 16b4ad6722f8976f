"""`kill -9` right after the 200: the batch is stored, its alert is delivered, once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession

from sentinel import config
from sentinel.app import parts
from sentinel.clock import SystemClock
from sentinel.demo.mailbox import Mailbox

SENTINEL = Path(sys.executable).with_name("sentinel")
EVENTS = 200


def _audit_line(number: int) -> bytes:
    return msgspec.json.encode(
        {
            "id": f"crm-{number:06d}",
            "time": "2026-01-02T03:04:05.678Z",
            "actor": {"id": "a.admin", "kind": "staff", "roles": ["admin"], "team": "it"},
            "action": "session.login" if number == 17 else "report.view",
            "outcome": "success",
            "mfa": number != 17,
            "ip": "192.0.2.4",
        }
    )


async def _sentinel(*arguments: str, cwd: Path) -> None:
    process = await asyncio.create_subprocess_exec(SENTINEL, *arguments, cwd=cwd)
    assert await process.wait() == 0


@asynccontextmanager
async def _running(
    cwd: Path, mail_port: int
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
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
        SENTINEL,
        "run",
        cwd=cwd,
        env=os.environ | settings,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while True:
                line = (await process.stderr.readline()).decode()
                assert line, "sentinel run ended before it listened"
                if found := re.match(r"collector\s+(http://\S+)", line):
                    break
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _post(collector: str, token: str) -> None:
    body = b"\n".join(_audit_line(number) for number in range(EVENTS))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    async with (
        ClientSession() as session,
        session.post(f"{collector}/v1/events", data=body, headers=headers) as reply,
    ):
        assert reply.status == 200
        assert (await reply.json())["accepted"] == EVENTS


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 0.1, 0.4])
async def test_acknowledged_events_and_their_alert_survive_a_kill(
    tmp_path: Path, pause: float
) -> None:
    await _sentinel("init", "--json", cwd=tmp_path)
    token = (tmp_path / "secrets" / "source-crm.token").read_text().strip()
    async with Mailbox() as mailbox:
        async with _running(tmp_path, mailbox.port) as (first, collector):
            await _post(collector, token)
            await asyncio.sleep(pause)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        async with _running(tmp_path, mailbox.port) as (second, _):
            async with asyncio.timeout(60):
                while not mailbox.messages:  # noqa: ASYNC110 - a real server, seen from outside
                    await asyncio.sleep(0.05)
            await asyncio.sleep(3)  # time for a second delivery, which must not come
            second.send_signal(signal.SIGTERM)
            await second.wait()
    assert second.returncode == 0
    assert len(mailbox.messages) == 1
    _assert_stored(tmp_path)


def _assert_stored(folder: Path) -> None:
    settings = config.load(folder / "sentinel.toml", environ={})
    events = parts.open_events(settings, parts.open_sealer(settings))
    try:
        stored = list(events.search())
    finally:
        events.close()
    assert {event.ref for event in stored} == {f"crm#crm-{n:06d}" for n in range(EVENTS)}
    assert len(stored) == EVENTS
    cases = parts.open_cases(settings, parts.open_sealer(settings), SystemClock())
    try:
        with cases.begin() as tx:
            alerts = tx.alerts.find()
    finally:
        cases.close()
    assert [alert.rule.slug for alert in alerts] == ["admin_session_without_mfa"]
