"""Uses of keys reach the journal, once; keys of whom nobody names any more go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.app import key_uses, parts
from sentinel.app.key_uses import KeyUses
from sentinel.app.service import Sentinel
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.errors import StorageError
from sentinel.store.keys.uses import FOLDER, _leave, left

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "log_level": "error",
            "keys": {"master": "11" * 32},
            "behaviour": {"enabled": False},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )


async def looked(service: Sentinel) -> list[tuple[str, dict[str, int]]]:
    uses = KeyUses(service.settings, service.in_store, service.sealer, service.clock)
    await uses.look()
    found = await service.in_store(lambda tx: key_uses.since(tx, None))
    return [(one.by, one.counts) for one in found]


async def test_what_service_and_commands_did_is_journalled_once(settings: Settings) -> None:
    service = await Sentinel.open(settings, ManualClock(NOW))
    try:
        line = {"id": "1", "time": NOW.isoformat(), "actor": {"id": "a.b", "kind": "staff"},
                "action": "customer.read", "customers": ["C00001"], "ip": "192.0.2.1"}  # fmt: skip
        service._intakes["crm"].batch([json.dumps(line).encode()], "b")
        _leave({"open:account": 3, "nothing": 0}, settings.data_dir, "command-line:zoe")
        (told,) = [one for one in await looked(service) if one[0] == "command-line:zoe"]
        assert told == ("command-line:zoe", {"open:account": 3})
        (own,) = [one[1] for one in await looked(service) if one[0] == "sentinel:service"][:1]
        assert own["seal:event"] == 1  # of the one event, counted in the hot path
        assert own["seal:person"] == 2
        assert left(settings.data_dir) == []
        again = await looked(service)
        assert [one for one in again if one[0] == "command-line:zoe"] == [told]
    finally:
        await service.stop()


async def test_a_death_before_the_file_is_gone_tells_nothing_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await Sentinel.open(settings, ManualClock(NOW))
    try:
        _leave({"open:account": 3}, settings.data_dir, "command-line:zoe")
        monkeypatch.setattr(key_uses, "forget", lambda _: None)
        await looked(service)
        found = await looked(service)
        assert [one for one in found if one[0] == "command-line:zoe"] == [
            ("command-line:zoe", {"open:account": 3})
        ]
    finally:
        await service.stop()


async def test_what_could_not_be_told_is_told_later(settings: Settings) -> None:
    service = await Sentinel.open(settings, ManualClock(NOW))

    async def broken(_: object) -> object:
        raise StorageError("no disk")

    try:
        service.sealer.uses.clear()
        service.sealer.uses["open:test"] = 7
        _leave({"open:account": 3}, settings.data_dir, "command-line:zoe")
        uses = KeyUses(settings, broken, service.sealer, service.clock)  # type: ignore[arg-type]
        with pytest.raises(StorageError):
            await uses.look()
        assert service.sealer.uses["open:test"] == 7
        found = await looked(service)
        assert [counts["open:test"] for _, counts in found if "open:test" in counts] == [7]
        assert ("command-line:zoe", {"open:account": 3}) in found
    finally:
        await service.stop()


async def test_who_is_long_gone_is_forgotten_and_it_is_journalled(settings: Settings) -> None:
    service = await Sentinel.open(settings, ManualClock(NOW + timedelta(days=1600)))
    try:
        keys = parts.open_persons(settings, service.sealer)
        keys.at(NOW)
        name = keys.pseudonym("sub", "C00001")
        await looked(service)
        keys.at(NOW)
        assert keys.person(name) is None
        lines = await service.in_store(lambda tx: tx.journal.lines(object_id="persons"))
        assert [line.action for line in lines] == ["persons.forgotten"]
        keys.close()
    finally:
        await service.stop()


def test_what_is_left_is_no_name_and_nothing_where_there_is_no_house(tmp_path: Path) -> None:
    _leave({"open:account": 1}, tmp_path / "nowhere", "x")
    assert not (tmp_path / "nowhere").exists()
    _leave({}, tmp_path, "x")
    assert not (tmp_path / FOLDER).exists()
    _leave({"open:account": 1}, tmp_path, "x")
    (path,) = (tmp_path / FOLDER).iterdir()
    path.with_name("torn.json").write_bytes(b"{")
    counts = [one.counts for _, one in left(tmp_path)]
    assert sorted(counts, key=str) == [{"open:account": 1}, {"unreadable": 1}]
