"""Backup and restore where cases lie in PostgreSQL, and events on Elasticsearch."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app import parts
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import restore
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.errors import Refused
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.sql_engine import open_engine
from sentinel.store.sql_schema import migrate

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def settings_in(folder: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "data_dir": folder / "data",
        "log_level": "error",
        "keys": {"master": "5e" * 32, "anchor": "11" * 32},
        "behaviour": {"enabled": False},
        "backup": {"dir": folder / "backups", "key": "ab" * 32, "automatic": False},
    }
    return Settings.model_validate(given | changes)


async def lived(settings: Settings, count: int) -> int:
    """Run the service, take in events, note something; return how many events there are."""
    service = await Sentinel.open(settings, ManualClock(START))
    await service.start()
    try:
        known = service._events.stored_offset()
        made = [
            Event(id=f"{known + n + 1:032x}", time=START - timedelta(minutes=n), source="crm",
                  ref="", fields={"user.name": "usr_a"})
            for n in range(count)
        ]  # fmt: skip
        if made:
            await service._spool.append(made)
        await service.settle()
        await service.in_store(
            lambda tx: tx.journal.append(
                occurred_at=START, actor="a", action="note", object_id="o", payload={"n": count}
            )
        )
        return service._events.count()
    finally:
        await service.stop()


def notes(settings: Settings) -> list[object]:
    cases = parts.open_cases(settings, parts.open_sealer(settings), ManualClock(START))
    with closing(cases), cases.begin() as tx:
        assert check(all_lines(tx)).holds
        lines = [line for line in all_lines(tx) if line.action == "note"]
        return [tx.journal.opened(line) for line in lines]


async def test_cases_in_postgresql(postgres: Any, tmp_path: Path) -> None:
    def database(name: str) -> dict[str, Any]:
        url = postgres.create(name)
        engine = open_engine(url)
        migrate(engine)
        engine.dispose()
        return {"store": {"cases": {"url": url.replace("+psycopg", "")}}}

    settings = settings_in(tmp_path, **database("kept"))
    assert await lived(settings, 7) == 7
    archive, _ = await asyncio.to_thread(create, settings, START)
    shutil.rmtree(settings.data_dir)
    with pytest.raises(Refused, match="database of the cases is not empty"):
        await asyncio.to_thread(restore, settings, archive.path, ManualClock(START), by="x")
    for elsewhere in (settings_in(tmp_path, **database("empty")), settings_in(tmp_path)):
        found = await asyncio.to_thread(
            restore, elsewhere, archive.path, ManualClock(START), by="x"
        )
        assert found.events == 7
        assert notes(elsewhere) == [{"n": 7}]
        assert await lived(elsewhere, 3) == 10
        in_files = (elsewhere.data_dir / "cases.sqlite").exists()
        assert in_files == (elsewhere.store.cases.url is None)
        shutil.rmtree(elsewhere.data_dir)


async def test_events_on_elasticsearch(elastic_settings: dict[str, object], tmp_path: Path) -> None:
    events = {"kind": "elasticsearch", **elastic_settings}
    settings = settings_in(tmp_path, store={"events": events})
    assert await lived(settings, 25) == 25
    archive, _ = await asyncio.to_thread(create, settings, START)
    shutil.rmtree(settings.data_dir)
    with pytest.raises(Refused, match="holds events already"):
        await asyncio.to_thread(restore, settings, archive.path, ManualClock(START), by="x")
    with pytest.raises(Refused, match="events of a server"):
        await asyncio.to_thread(
            restore, settings_in(tmp_path), archive.path, ManualClock(START), by="x"
        )
    events["prefix"] = f"{events.get('prefix', 'sentinel')}_again"
    other = settings_in(tmp_path, store={"events": events})
    found = await asyncio.to_thread(restore, other, archive.path, ManualClock(START), by="x")
    assert found.events == 25
    assert await lived(other, 5) == 30
