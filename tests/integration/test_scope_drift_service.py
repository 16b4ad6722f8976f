"""The comparison of every morning: once a day, of what is new, under pseudonyms, journalled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.app import parts
from sentinel.app.scope_drift import ScopeDrift
from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.alert import Alert
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact
from sentinel.errors import UnreadableFile
from sentinel.respond.fold import Folder
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import CaseTx

EARLY = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # 04:00 in Paris, before the hour that is set
HEAD = "staff,role,category,last_used\n"
USED = "2026-03-01T08:00:00Z"
FITS = f"a.sre,sre,connection_data,{USED}\n"
TOO_MUCH = f"a.sre,sre,identity,{USED}\n"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "permissions.csv"
        self.write(FITS)
        self.settings = Settings.model_validate(
            {
                "data_dir": folder / "var",
                "keys": {"master": bytes(range(32)).hex()},
                "scope": {"drift": {"permissions": self.file, "at": "06:30"}},
            }
        )
        self.clock = ManualClock(EARLY)
        sealer = parts.open_sealer(self.settings)
        self.cases = parts.open_cases(self.settings, sealer, self.clock)
        self.events = MemoryEventStore()
        self.pseudonym = parts.make_pseudonymiser(self.settings).pseudonym
        self.drift = self.again()

    def again(self) -> ScopeDrift:
        folder = Folder(self.clock, window=timedelta(hours=1), route=lambda _alert: [])
        return ScopeDrift(self.settings, self.in_store, self.events, folder, self.clock)

    def write(self, rows: str) -> None:
        self.file.write_text(HEAD + rows, encoding="utf-8")

    async def in_store(self, function: Callable[[CaseTx], Any], /) -> Any:
        with self.cases.begin() as tx:
            return function(tx)

    async def on(self, days: int, hour: int = 9) -> list[tuple[str, str]]:
        self.clock.advance(EARLY + timedelta(days=days, hours=hour - 3) - self.clock.now())
        return [(item.kind.value, item.what) for item in await self.drift.look()]

    def alerts(self) -> list[Alert]:
        with self.cases.begin() as tx:
            return tx.alerts.find()

    def told(self) -> list[Any]:
        with self.cases.begin() as tx:
            return [tx.journal.opened(line) for line in tx.journal.lines(object_id="scope:drift")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.cases.close()


async def test_it_compares_once_a_day_and_only_from_its_hour_on(desk: Desk) -> None:
    assert await desk.drift.look() == []
    assert desk.told() == []
    assert await desk.on(0) == []
    assert desk.told() == [{"differences": 0, "new": 0}]
    desk.write(FITS + TOO_MUCH)
    assert await desk.on(0, hour=15) == []  # the day is done
    assert await desk.on(1) == [("too_much", "identity")]


async def test_what_is_new_is_told_once_also_after_a_restart(desk: Desk) -> None:
    desk.write(FITS + TOO_MUCH)
    assert await desk.on(0) == [("too_much", "identity")]
    (alert,) = desk.alerts()
    assert alert.actor == desk.pseudonym("usr", "a.sre")
    assert alert.rule.slug == "permission_drift"
    desk.drift = desk.again()
    assert await desk.on(1) == []  # still there: not news
    desk.write(FITS)
    assert await desk.on(2) == []
    desk.write(FITS + TOO_MUCH)
    assert await desk.on(3) == [("too_much", "identity")]  # it was gone, and came back
    assert [one["new"] for one in desk.told()] == [1, 0, 0, 1]


async def test_leavers_and_dormant_accounts_by_facts_and_stored_accesses(desk: Desk) -> None:
    usr = desk.pseudonym("usr", "b.old")
    old = "b.old,sre,connection_data,2025-06-01T08:00:00Z\n"
    desk.write(FITS + old)
    assert ("dormant", "") in {(kind, "") for kind, _ in await desk.on(0)}
    at = EARLY + timedelta(hours=20)
    fields: dict[str, Any] = {"user.name": usr, "sentinel.actor.kind": "staff"}
    desk.events.append([Event(id="1", time=at, source="crm", ref="", fields=fields)], last_offset=0)
    ended = Fact(kind="employment", id="E", actor=usr, valid_to=EARLY, recorded_at=EARLY)
    with desk.cases.begin() as tx:
        tx.facts.put_many([ended])
    kinds = {kind for kind, _ in await desk.on(1)}
    assert "leaver" in kinds
    assert "dormant" not in kinds  # there is an access now


async def test_a_file_that_cannot_be_read_is_an_error_and_the_day_is_not_done(desk: Desk) -> None:
    desk.file.unlink()
    with pytest.raises(UnreadableFile):
        await desk.on(0)
    assert desk.told() == []
    desk.write(FITS + TOO_MUCH)
    assert await desk.on(0, hour=10) == [("too_much", "identity")]
