"""Backup and restore on a real service: what was erased since is erased again, and it detects."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app import erasure, parts
from sentinel.app.backup import cycle, ledger
from sentinel.app.backup.create import create
from sentinel.app.backup.restore import Restored, restore
from sentinel.app.backup.verify import unpack, verify
from sentinel.app.duties import signer_of
from sentinel.app.purge import certificates
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.hold import HoldScope
from sentinel.domain.incident import Actor, Role
from sentinel.errors import Refused, StorageError
from sentinel.respond import anchoring, holds
from sentinel.respond.journal_check import all_lines, check

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DPO, LAWYER = Actor("dpo-1", frozenset({Role.DPO})), Actor("law-1", frozenset({Role.LEGAL}))
KEY = bytes.fromhex("ab" * 32)


def settings_in(folder: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "data_dir": folder / "data",
        "log_level": "error",
        "keys": {"master": "5e" * 32, "anchor": "11" * 32},
        "behaviour": {"enabled": False},
        "scope": {
            "staff": {
                "informed_on": "2026-01-05", "informed_how": "a note", "dpia_on": "2025-12-15",
            }
        },
        "backup": {"dir": folder / "backups", "key": "ab" * 32, "automatic": False},
        "sources": [
            {
                "name": "crm", "format": "json", "profile": "crm-audit", "token": "t",
                "silent_after_minutes": 0,
            }
        ],
    }  # fmt: skip
    return Settings.model_validate(given | changes)


@asynccontextmanager
async def running(settings: Settings, at: datetime = START) -> AsyncIterator[Sentinel]:
    service = await Sentinel.open(settings, ManualClock(at))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def line(number: int, at: datetime, actor: str = "a.martin", customer: str = "") -> bytes:
    told = {
        "id": f"crm-{number:06d}", "time": at.isoformat(timespec="milliseconds"),
        "actor": {"id": actor, "kind": "staff", "roles": ["support"], "team": "support-1"},
        "action": "customer.read", "outcome": "success",
        "customers": [customer or f"C{number:05d}"], "category": "identity", "records": 1,
        "mfa": True, "ip": "192.0.2.4",
    }  # fmt: skip
    return json.dumps(told).encode()


async def send(service: Sentinel, *lines: bytes) -> None:
    batch = service._intakes["crm"].batch(lines, f"batch-{lines[0]!r}")
    await service._spool.append(batch.events)
    await service.settle()


def made_backup(settings: Settings, at: datetime, kind: str = "daily") -> cycle.Archive:
    return create(settings, at, kind=kind)[0]


async def back(settings: Settings, archive: cycle.Archive, at: datetime = START) -> Restored:
    return await asyncio.to_thread(restore, settings, archive.path, ManualClock(at), by="x")


async def test_the_whole_way_and_back(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    old = START - 365 * DAY + timedelta(hours=3)  # it must go within the day
    async with running(settings) as service:
        await send(service, *(line(n, START - timedelta(hours=n)) for n in range(1, 20)))
        await send(service, *(line(100 + n, old) for n in range(5)))
        archive = await asyncio.to_thread(made_backup, settings, START)  # beside the service
        before = service.status()["events"]
        await service._retention.look()  # from now on a run is due each day
    assert before == 24

    # after the backup: more comes, a purge, a person is erased, a key destroyed, a hold made
    later = START + DAY
    async with running(settings, later) as service:
        await send(service, line(200, later))
        await service._retention.look()
        assert service.status()["events"] == 20

        def after(tx: Any) -> None:
            hold = holds.propose(
                tx, DPO, name="court", reason="the court asked to keep them", now=later,
                scope=HoldScope(source="crm"), review_by=(later + 90 * DAY).date(),
            )  # fmt: skip
            holds.approve(tx, LAWYER, hold.id, now=later)
            tx.journal.append(
                occurred_at=later, actor="a", action="note", object_id="case-9", payload={"n": 1}
            )
            anchoring.destroy_key(tx, "case-9", actor="dpo-1", reason="asked", now=later)

        await service.in_store(after)
    erased = _erase(settings, "C00003", later)
    _export(settings)
    sealer = parts.open_sealer(settings)
    shutil.rmtree(settings.data_dir)

    found = await back(settings, archive, later)
    assert found.persons == 1
    assert found.reapplied >= 5
    assert found.events == 24, "the court's hold came back too, and keeps what was due"
    assert {(s.what, s.name) for s in found.certificate.stayed} >= {("events", "court")}
    cases = parts.open_cases(settings, sealer, ManualClock(later))
    with closing(cases), cases.begin() as tx:
        verdict = check(all_lines(tx), tx.journal.anchors())
        assert verdict.holds
        known = certificates.all_certificates(tx)
        assert [one.number for one in known] == [1, 2]
        public = signer_of(settings).public  # type: ignore[union-attr]
        assert certificates.faults(known, public) == []
        assert certificates.unjournalled(tx, known) == []
        assert [one.name for one in holds.protecting(tx, later)] == ["court"]
    with closing(parts.open_persons(settings, sealer)) as keys:
        assert keys.person(erased) is None
        assert keys.known("sub", "C00004") is not None

    async with running(settings, later) as service:
        await send(service, line(300, later, actor="b.durand", customer="C00777"))
        assert service.status()["events"] == 25
        assert service.status()["detection"]["waits"] == ""  # type: ignore[index]
        alerts = await service.in_store(lambda tx: tx.alerts.find())
        assert any(alert.rule.slug == "staff_access_without_reason" for alert in alerts)


def _erase(settings: Settings, identifier: str, at: datetime) -> str:
    sealer = parts.open_sealer(settings)
    with (
        closing(parts.open_cases(settings, sealer, ManualClock(at))) as cases,
        closing(parts.open_persons(settings, sealer)) as keys,
    ):
        person = keys.known("sub", identifier)
        assert person is not None
        with cases.begin() as tx:
            erasure.order(
                tx, [person.pseudonym], request="R-1", reason="she asked for it in writing",
                by=DPO, approved_by=LAWYER, at=at,
            )  # fmt: skip
        erasure.at_start(settings, sealer, cases, at)
        assert keys.person(person.pseudonym) is None
    return person.pseudonym


def _export(settings: Settings) -> None:
    sealer = parts.open_sealer(settings)
    cases = parts.open_cases(settings, sealer, ManualClock(START))
    with closing(cases), cases.begin() as tx:
        ledger.export(tx, settings)


async def test_an_entry_taken_from_the_ledger_is_missed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with running(settings) as service:
        await send(service, line(1, START))
        archive = await asyncio.to_thread(made_backup, settings, START)

        def destroy(tx: Any) -> None:
            for number in range(3):
                name = f"object-{number}"
                tx.journal.append(
                    occurred_at=START, actor="a", action="note", object_id=name, payload={}
                )
                anchoring.destroy_key(tx, name, actor="dpo-1", reason="asked", now=START)

        await service.in_store(destroy)
        await service._retention.look()
    folder = settings.ledger_path
    assert folder is not None
    entries = sorted(folder.glob("*.entry"))
    assert len(entries) == 3
    assert b"object-" not in b"".join(one.read_bytes() for one in entries)
    entries[1].unlink()
    shutil.rmtree(settings.data_dir)
    assert (await back(settings, archive)).gaps == 1
    entries[2].write_bytes(entries[2].read_bytes()[:-1] + b"x")
    shutil.rmtree(settings.data_dir)
    with pytest.raises(StorageError, match="altered"):
        await back(settings, archive)
    assert not settings.data_dir.exists()


@pytest.fixture
async def house(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    async with running(settings) as service:
        await send(service, *(line(n, START - timedelta(minutes=n)) for n in range(1, 6)))
    return settings


async def test_nothing_is_restored_over_data_and_nothing_is_half_restored(house: Settings) -> None:
    archive = made_backup(house, START)
    with pytest.raises(Refused, match="not empty"):
        await back(house, archive)
    shutil.rmtree(house.data_dir)
    raw = archive.path.read_bytes()
    for wrong in (raw[:-1], raw[: len(raw) // 2], raw[:3000] + b"\0" + raw[3001:], raw + b"x", b""):
        archive.path.write_bytes(wrong)
        with pytest.raises(StorageError):
            await back(house, archive)
        assert not house.data_dir.exists()
        assert [one.name for one in house.data_dir.parent.iterdir()] == ["backups"]
    archive.path.write_bytes(raw)
    other = house.model_copy(
        update={"backup": house.backup.model_validate({"dir": house.backup.dir, "key": "cd" * 32})}
    )
    with pytest.raises(StorageError, match="made under key"):
        await back(other, archive)
    stolen = house.model_copy(update={"keys": house.keys.model_validate({"master": "77" * 32})})
    with pytest.raises(StorageError, match="the key in force"):
        await back(stolen, archive)
    assert not house.data_dir.exists()
    house.data_dir.mkdir()
    await back(house, archive)  # an empty folder is as good as none
    assert (house.data_dir / "cases.sqlite").exists()


async def test_a_backup_is_made_whole_or_not_at_all(
    house: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = house.backup.dir
    assert folder is not None

    def broken(*_: object) -> None:
        raise StorageError("the disk went away")

    monkeypatch.setattr("sentinel.app.backup.create.verify", broken)
    with pytest.raises(StorageError, match="went away"):
        made_backup(house, START)
    assert cycle.archives(folder) == []
    assert not list(folder.glob(".making-*"))
    assert not list(house.data_dir.glob(".backup-*"))


async def test_a_backup_holds_no_key_and_nothing_in_clear(house: Settings, tmp_path: Path) -> None:
    archive = made_backup(house, START)
    raw = archive.path.read_bytes()
    for told in (b"a.martin", b"C00003", b"192.0.2.4", b"cases.sqlite", b"SQLite"):
        assert told not in raw
    _, about, sizes = unpack(archive.path, KEY, tmp_path / "out")
    assert "5e" * 32 not in json.dumps(about)
    assert "ab" * 32 not in json.dumps(about)
    assert "data/keys/persons.sqlite" in sizes
    text = b"".join(one.read_bytes() for one in (tmp_path / "out").rglob("*") if one.is_file())
    for secret in ("5e" * 32, "11" * 32, "ab" * 32):
        assert secret.encode() not in text
        assert bytes.fromhex(secret) not in text
    for told in (b"a.martin", b"192.0.2.4"):
        assert told not in text


async def test_backups_under_load_fit_together(tmp_path: Path) -> None:
    """Archives made while batches come in are whole: each restores, none has lost what it had."""
    settings = settings_in(tmp_path)
    async with running(settings) as service:
        made = []
        for number in range(4):
            sending = asyncio.gather(
                *(send(service, *(line(1000 * number + 100 * k + n, START - timedelta(minutes=n))
                                  for n in range(20))) for k in range(5))
            )  # fmt: skip
            at = START + number * timedelta(minutes=1)
            made.append(await asyncio.to_thread(made_backup, settings, at))
            await sending
    for archive in made:
        assert verify(archive.path, KEY, settings).files >= 4
    shutil.rmtree(settings.data_dir)
    await back(settings, made[-1])
    async with running(settings) as service:
        await service.settle()
        assert service.status()["events"] >= 300  # type: ignore[operator]


def test_the_cycle_of_a_year(tmp_path: Path) -> None:
    """A daily archive for 7 days, a weekly one for 4 weeks, a monthly one for 6 months."""
    for number in range(400):
        now = START + number * DAY
        today = now.date()
        there = cycle.archives(tmp_path)
        for one in cycle.overdue(there, today, "Europe/Paris"):
            one.path.unlink()
        there = cycle.archives(tmp_path)
        kind = cycle.kind_for(there, today, "Europe/Paris")
        (tmp_path / cycle.name_of(kind, now, f"{number:08x}")).touch()
        there = cycle.archives(tmp_path)
        ages = {k: [(today - o.made_at.date()).days for o in there if o.kind == k]
                for k in cycle.KINDS}  # fmt: skip
        assert max(ages["daily"], default=0) <= 7
        assert max(ages["weekly"], default=0) <= 28
        assert max(ages["monthly"], default=0) <= 184
        if number > 200:
            assert (len(ages["weekly"]), len(ages["monthly"])) in {(3, 6), (3, 7), (4, 6), (2, 6),
                                                                   (2, 7), (4, 7)}  # fmt: skip
            assert cycle.gone_everywhere(there, today, "Europe/Paris") <= today + 185 * DAY
