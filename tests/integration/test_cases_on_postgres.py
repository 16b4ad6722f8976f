"""The whole service with its cases in a real PostgreSQL, which dies under it and comes back."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from sentinel.app import parts
from sentinel.app.service import Sentinel
from sentinel.cli.doctor import examine
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.alert import Alert
from sentinel.errors import StorageError
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.case_store import at_schema

sys.path.insert(0, str(Path(__file__).parents[1] / "contract"))

from case_targets import fresh_database

STAFF = {
    "monitoring": True,
    "informed_on": "2026-01-05",
    "informed_how": "a note",
    "dpia_on": "2025-12-15",
    "dpia_reference": "x",
    "council_on": "2025-12-18",
}


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = fresh_database(request.getfixturevalue("postgres"))
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "log_level": "error",
            "keys": {"master": "11" * 32},
            "behaviour": {"enabled": False},
            "store": {"cases": {"url": url}},
            "scope": {"staff": STAFF},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )


async def post(service: Sentinel, *numbers: int) -> None:
    lines = [
        json.dumps(
            {
                "id": f"crm-{number}",
                "time": datetime.now(UTC).isoformat(),
                "actor": {"id": f"u.{number}", "kind": "staff", "roles": ["support"]},
                "action": "customer.read",
                "outcome": "success",
                "customers": [f"C{number:05d}"],
                "category": "identity",
                "records": 1,
                "mfa": True,
            }
        ).encode()
        for number in numbers
    ]
    batch = service._intakes["crm"].batch(lines, f"b{numbers}")
    await service._spool.append(batch.events)


async def alerts(service: Sentinel) -> list[Alert]:
    """Return what was found of accesses; the ledger of blind windows alerts too, of the outage."""
    found = await service.in_store(lambda tx: tx.alerts.find(limit=1000))
    return [alert for alert in found if alert.actor]


async def test_nothing_is_lost_or_doubled_when_the_database_dies(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgres")
    service = await Sentinel.open(settings, SystemClock())
    await service.start()
    try:
        await post(service, *range(10))
        await service.settle()
        before = await alerts(service)
        server.kill()
        await post(service, *range(10, 20))  # acknowledged: the spool needs no database
        with pytest.raises(StorageError):
            await alerts(service)
        await asyncio.sleep(0.5)
        server.start()
        for _ in range(120):
            await asyncio.sleep(0.5)
            if not service.lag:
                break
        await service.settle()
        found = await alerts(service)
        assert service.status()["events"] == 20
        stored = await service.in_store(lambda tx: check(all_lines(tx), []))
        assert not stored.breaks
        actors = [one.actor for one in found]
        assert len(actors) == len(set(actors))
        assert {one.actor for one in before} <= set(actors)
        assert len(actors) == 20
    finally:
        await service.stop()
    assert not (settings.data_dir / "cases.sqlite").exists()
    again = await Sentinel.open(settings, SystemClock())
    try:
        await again.start()
        assert len(await alerts(again)) == 20
    finally:
        await again.stop()


async def test_nothing_in_the_database_names_anybody(settings: Settings) -> None:
    service = await Sentinel.open(settings, SystemClock())
    await service.start()
    await post(service, 7)
    await service.settle()
    assert await alerts(service)
    await service.stop()
    cases = parts.open_cases(settings, parts.open_sealer(settings), SystemClock())
    with cases._engine.begin() as connection:
        tables = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).all()
        whole = "".join(
            str(row)
            for table in tables
            for row in connection.execute(text(f'SELECT t::text FROM "{table}" t'))
        )
    cases.close()
    assert "finding" in tables or "findings" in tables
    for word in ("C00007", "u.7"):
        assert word not in whole
        assert word.encode().hex() not in whole


def test_the_doctor_looks_at_the_database(settings: Settings) -> None:
    settings.data_dir.mkdir()
    assert verdict(settings).startswith("nobody can sign in")
    url = str(parts.cases_target(settings))
    assert at_schema(url)[1].missing == ()
    other = settings.model_copy(deep=True)
    gone = url.rsplit("?", 1)[0].rsplit("/", 1)[0] + "/nowhere?" + url.rsplit("?", 1)[1]
    other.store.cases.__dict__["url"] = type(settings.store.cases.url)(gone)
    assert "nowhere" in verdict(other)


def verdict(settings: Settings) -> str:
    return next(one.detail for one in examine(settings) if one.name == "case store")
