"""Dead letters: kept redacted and sealed, read again by other formats, fed once, and erased."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentinel.app import parts
from sentinel.app.replay import replay, waiting
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.dead_letter import LetterState
from sentinel.domain.event import Event

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SENTINEL = Path(sys.executable).with_name("sentinel")
LINE = (
    '192.0.2.7 - C00123 [02/Mar/2026:07:59:58 +0000] "GET /help?card=4111111111111111 HTTP/1.1" '
    '200 512 "-" "Mozilla/5.0"'
)


def settings_in(folder: Path, fmt: str) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "log_level": "error",
            "keys": {"master": "00" * 32},
            "behaviour": {"enabled": False},
            "sources": [
                {
                    "name": "www",
                    "format": fmt,
                    "profile": "nginx-site" if fmt == "nginx_combined" else "crm-audit",
                    "token": "t",
                    "silent_after_minutes": 0,
                }
            ],
        }
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Sentinel]:
    service = await Sentinel.open(settings, ManualClock(START))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def send(service: Sentinel, *lines: str) -> None:
    batch = service._intakes["www"].batch([line.encode() for line in lines], "batch")
    await service._spool.append(batch.events)
    await service.settle()


async def stored(service: Sentinel) -> list[Event]:
    return [event for event in service._events.search() if event.text("url.path")]


async def test_a_letter_is_fed_once_to_the_running_service(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, "json")) as service:
        await send(service, LINE, "neither this nor that")
        letters = await service.in_store(lambda tx: tx.dead_letters.find())
        assert {letter.source for letter in letters} == {"www"}
        for letter in letters:
            event = await service.event(letter.id)
            assert event is not None
            assert event.sealed == b"", "the line lies in the letter alone"
            opened = service.sealer.open(letter.sealed, context=letter.context)
            assert b"4111111111111111" not in opened, "redacted before it was sealed"
        await service.sight.look()
        assert service.status()["dead_letters"] == {"www": 2}

        now = settings_in(tmp_path, "nginx_combined")
        dry = await replay(now, source=None, since=None, dry_run=True)
        assert dry.read.understood == {"www": 1}
        assert (dry.kept, await stored(service)) == (0, [])
        done = await replay(now, source="www", since=START, dry_run=False)
        assert (done.kept, done.fed, done.service_runs) == (1, 0, True)
        await service.sight.feed()
        await service.settle()
        (event,) = await stored(service)
        assert event.text("sentinel.dead_letter") in {letter.id for letter in letters}
        assert event.time == datetime(2026, 3, 2, 7, 59, 58, tzinfo=UTC)

        again = await replay(now, source=None, since=None, dry_run=False)
        assert (again.kept, again.read.understood.total()) == (0, 0)
        assert again.read.reasons.total() == 1
        await service.sight.feed()
        await service.settle()
        assert await stored(service) == [event]
        done_letters = await service.in_store(
            lambda tx: tx.dead_letters.find(state=LetterState.REPLAYED)
        )
        assert [(letter.event_id, letter.sealed) for letter in done_letters] == [(event.id, b"")]
        lines = await service.in_store(lambda tx: tx.journal.lines(object_id="dead_letters"))
        assert [line.action for line in lines] == ["dead_letters.replayed"]


async def test_without_a_service_the_spool_is_fed(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, "json")) as service:
        await send(service, LINE)
    now = settings_in(tmp_path, "nginx_combined")
    done = await replay(now, source=None, since=None, dry_run=False)
    assert (done.kept, done.fed, done.service_runs) == (1, 1, False)
    async with running(now) as service:
        await service.settle()
        assert len(await stored(service)) == 1
    assert [letter.state for letter in waiting(now, source=None, since=None)] == [
        LetterState.REPLAYED
    ]


async def test_a_death_between_spool_and_mark_doubles_nothing(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, "json")) as service:
        await send(service, LINE)
        now = settings_in(tmp_path, "nginx_combined")
        await replay(now, source=None, since=None, dry_run=False)
        before = await service.in_store(lambda tx: tx.dead_letters.find())
        await service.sight.feed()
        (letter,) = before
        assert letter.state is LetterState.PARSED
        # As after a death: the event is in the spool, the letter does not say so.
        events = [event for _, event in service._spool.read(-1)][-1:]
        await service._spool.append(events)
        await service.settle()
        assert len(await stored(service)) == 1


async def test_an_unknown_source_keeps_its_letters(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, "json")) as service:
        await send(service, LINE)
    bare = settings_in(tmp_path, "json").model_copy(update={"sources": []})
    done = await replay(bare, source=None, since=None, dry_run=False)
    assert done.read.reasons == {("www", "the source is no longer declared"): 1}
    assert [letter.state for letter in waiting(bare, source=None, since=None)] == [
        LetterState.WAITING
    ]


def sentinel(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [SENTINEL, *arguments],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith("SENTINEL_")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_the_commands(tmp_path: Path) -> None:
    async with running(settings_in(tmp_path, "json")) as service:
        await send(service, LINE, "neither")
    (tmp_path / "sentinel.toml").write_text(
        'data_dir = "data"\nlanguage = "fr"\n[keys]\nmaster = "' + "00" * 32 + '"\n[[sources]]\n'
        'name = "www"\ntoken = "t"\nformat = "nginx_combined"\nprofile = "nginx-site"\n'
    )
    code, out, _ = sentinel(tmp_path, "dead-letters", "--json")
    rows: list[dict[str, Any]] = [json.loads(row) for row in out.splitlines()]
    assert (code, len(rows)) == (0, 2)
    assert "192.0.2.7" not in out
    code, out, _ = sentinel(tmp_path, "dead-letters", "--clear")
    assert "192.0.2.7" in out
    assert "4111111111111111" not in out
    code, out, err = sentinel(tmp_path, "replay", "--dry-run")
    assert (code, out.splitlines()[0]) == (1, "www: 1 understood now")
    assert "nothing was changed" in err
    code, out, _ = sentinel(tmp_path, "replay", "--since", "2026-03-02T09:30", "--json")
    assert (code, json.loads(out)["kept"]) == (0, 0)
    code, out, _ = sentinel(tmp_path, "replay", "--json")
    assert (json.loads(out)["fed"], json.loads(out)["fed_by"]) == (1, "this command")
    code, out, _ = sentinel(tmp_path, "blind", "--json")
    causes = [json.loads(row)["cause"] for row in out.splitlines()]
    assert causes == ["parse_failures"]
    code, out, _ = sentinel(tmp_path, "blind")
    assert "ne sont pas comprises" in out
    with parts.reading(settings_in(tmp_path, "json")) as tx:
        actions = [line.action for line in tx.journal.lines(object_id="dead_letters")]
    assert actions == ["dead_letters.read", "dead_letters.replayed"]
