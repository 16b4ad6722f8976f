"""A person is erased: nothing links them, their events stay closed, the journal still verifies."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from sentinel import config
from sentinel.app import erasure, parts
from sentinel.app.directory import open_directory
from sentinel.app.service import Sentinel
from sentinel.cli.main import main
from sentinel.clock import SystemClock
from sentinel.config import BehaviourSettings, Settings
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.event import Event
from sentinel.domain.hold import Hold, HoldScope
from sentinel.errors import Refused, StorageError

SENTINEL = Path(sys.executable).with_name("sentinel")
VICTIM, OTHER, STAFF = "C00123", "C00456", "a.martin"
EMAIL = "zoe.victim@example.org"
REASON = "The person asked for erasure, and nothing stands against it."


def line(number: int, *customers: str, **more: object) -> str:
    moment = SystemClock().now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "id": f"crm-{number}",
            "time": moment,
            "actor": {"id": STAFF, "kind": "staff", "roles": ["support"], "team": "support-1"},
            "action": "customer.read",
            "outcome": "success",
            "customers": list(customers),
            "category": "identity",
            "records": 1,
            "mfa": True,
            "ip": "192.0.2.4",
            "path": f"/crm/customers/{customers[0]}?mail=Zoe.Victim%40example.org",
            "session": "s-81",
            "environment": "production",
        }
        | more
    )


class Done(NamedTuple):
    stdout: str
    stderr: str


class House:
    """A data directory made by the real command line and the real service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: Settings = config.load(folder / "sentinel.toml", {}).model_copy(
            update={"behaviour": BehaviourSettings(enabled=False)}
        )

    def run(self, *arguments: str, fails: int = 0) -> Done:
        """Run a command as its entry point does, in this process: a new one costs seconds."""
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        argv = ["sentinel", "--config", str(self.folder / "sentinel.toml"), *arguments]
        with (
            mock.patch.object(sys, "argv", argv),
            mock.patch.object(sys, "stdout", out),
            mock.patch.object(sys, "stderr", err),
            pytest.raises(SystemExit) as left,
        ):
            main()
        told = [one.buffer.getvalue().decode() for one in (out, err)]  # type: ignore[attr-defined]
        assert left.value.code == fails, told
        return Done(*told)

    async def service(self) -> Sentinel:
        service = await Sentinel.open(self.settings)
        await service.start()
        return service

    async def post(self, *lines: str, service: Sentinel | None = None) -> list[Event]:
        running = service or await self.service()
        try:
            batch = running._intakes["crm"].batch([one.encode() for one in lines], lines[0][:40])
            await running._spool.append(batch.events)
            await running.settle()
            return batch.events
        finally:
            if service is None:
                await running.stop()

    def token(self, name: str) -> str:
        return str(self.folder / f"{name}.token")

    def second(self, name: str = "legal") -> tuple[str, str]:
        return "--approver-token-file", self.token(name)

    def erase(self, *more: str, person: str = VICTIM, fails: int = 0, by: str = "dpo") -> str:
        done = self.run(
            "person", "erase", person, "--request", "REQ-7", "--reason", REASON,
            "--token-file", self.token(by), *more, fails=fails,
        )  # fmt: skip
        return done.stdout + done.stderr

    def originals(self, event: Event) -> dict[str, object]:
        done = self.run(
            "person", "originals", event.id, "--reason", REASON, "--token-file",
            self.token("dpo"), *self.second(), "--json",
        )  # fmt: skip
        found: dict[str, object] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with three accounts and their tokens, made once."""
    folder = tmp_path_factory.mktemp("template")
    subprocess.run([SENTINEL, "init"], cwd=folder, check=True, capture_output=True)
    house = House(folder)
    for name, role in (("dpo", "dpo"), ("legal", "legal"), ("ana", "analyst")):
        with parts.reading(house.settings) as tx:
            known = tx.accounts.by_name(name)
        if known is None:
            house.run("account", "add", name, "--role", role)
        Path(house.token(name)).write_text(house.run("account", "token", name).stdout)
    return folder


@pytest.fixture
def house(template: Path, tmp_path: Path) -> House:
    shutil.copytree(template, tmp_path / "house")
    return House(tmp_path / "house")


async def test_a_person_is_erased_in_the_data_directory_of_the_service(house: House) -> None:
    events = await house.post(
        line(1, VICTIM), line(2, VICTIM, OTHER), line(3, OTHER, path="/crm/customers/C00456")
    )
    persons = parts.make_pseudonymiser(house.settings)
    name = persons.pseudonym("sub", VICTIM)
    assert name in str(events[0].fields)
    with_directory(house, name)
    before = {event.id: house.originals(event) for event in events}
    assert VICTIM in str(before[events[0].id])
    assert "Zoe.Victim%40example.org" in str(before[events[1].id])
    chain = [(one.seq, one.hash) for one in journal(house)]

    told = house.erase(*house.second(), "--yes")
    assert "erased: 2 keys, 1 entries of the directory" in told  # the person, and their e-mail
    after = {event.id: house.originals(event) for event in events}
    assert VICTIM not in str(after)
    assert "victim" not in str(after).lower()
    assert name in after[events[0].id]["closed"]
    assert after[events[2].id] == before[events[2].id]  # another person's event is as it was
    assert OTHER in str(after[events[1].id])

    verified = json.loads(house.run("journal", "verify", "--json").stdout)
    assert verified["breaks"] == []
    assert [(one.seq, one.hash) for one in journal(house)][: len(chain)] == chain
    actions = [one.action for one in journal(house)]
    assert actions.count("person.erasure_ordered") == actions.count("person.erased") == 1
    assert actions.count("event.opened") == 2 * len(events)
    for path in house.settings.data_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert VICTIM.encode() not in content, path
            assert b"zoe" not in content.lower(), path

    again = await house.post(line(4, VICTIM))
    assert name not in str(again[0].fields)  # who comes back is somebody new
    assert VICTIM in str(house.originals(again[0]))
    stored = {one.id: one for one in all_events(house)}
    assert stored[events[0].id].fields["sentinel.subject"] == [name]


async def test_a_service_that_runs_forgets_at_once(house: House) -> None:
    service = await house.service()
    try:
        (first,) = await house.post(line(1, VICTIM), service=service)
        house.erase(*house.second(), "--yes")
        (second,) = await house.post(line(2, VICTIM), service=service)
        assert first.fields["sentinel.subject"] != second.fields["sentinel.subject"]
    finally:
        await service.stop()
    assert VICTIM not in str(house.originals(first))


async def test_what_a_restored_map_brings_back_is_erased_again(house: House) -> None:
    (event,) = await house.post(line(1, VICTIM))
    keys = house.settings.data_dir / "keys"
    shutil.copytree(keys, house.folder / "backup")
    house.erase(*house.second(), "--yes")
    shutil.rmtree(keys)
    shutil.copytree(house.folder / "backup", keys)
    assert VICTIM in str(house.originals(event))  # as after any restore
    await (await house.service()).stop()
    assert VICTIM not in str(house.originals(event))
    assert [one.action for one in journal(house)].count("person.erased") == 2
    await (await house.service()).stop()
    assert [one.action for one in journal(house)].count("person.erased") == 2


async def test_an_order_that_a_crash_cut_short_is_carried_out(house: House) -> None:
    event = (await house.post(line(1, VICTIM), f"not json, of {VICTIM}"))[0]
    name = parts.make_pseudonymiser(house.settings).pseudonym("sub", VICTIM)
    with_directory(house, name)
    with parts.reading(house.settings) as tx:  # and then the power went
        erasure.order(
            tx, [name], request="R", reason=REASON, by=erasure_actor("dpo"),
            approved_by=erasure_actor("legal"), at=SystemClock().now(),
        )  # fmt: skip
    await (await house.service()).stop()
    assert VICTIM not in str(house.originals(event))
    directory = open_directory(house.settings, parts.open_sealer(house.settings))
    assert directory.opened([name]) == {}
    directory.close()
    with parts.reading(house.settings) as tx:
        assert tx.dead_letters.find() == []


async def test_a_letter_with_the_person_in_it_goes_too(house: House) -> None:
    await house.post(line(1, VICTIM), f"not json, but it names {VICTIM}", "not json, of nobody")
    with parts.reading(house.settings) as tx:
        assert len(tx.dead_letters.find()) == 2
    assert "1 dead letters" in house.erase(*house.second(), "--yes")
    with parts.reading(house.settings) as tx:
        assert len(tx.dead_letters.find()) == 1


async def test_it_takes_two_people_a_role_a_reason_and_a_yes(house: House) -> None:
    (event,) = await house.post(line(1, VICTIM))
    assert "would be erased" in house.erase(*house.second(), fails=1)
    refused = {
        "the author cannot be the approver": (house.second("dpo"), "dpo"),
        "needs the role dpo": (house.second(), "ana"),
        "approved by": (house.second("ana"), "dpo"),
    }
    for why, (second, by) in refused.items():
        assert why in house.erase(*second, "--yes", by=by, fails=1)
    done = house.run(
        "person", "erase", VICTIM, "--request", "R", "--reason", "because", "--token-file",
        house.token("dpo"), *house.second(), "--yes", fails=1,
    )  # fmt: skip
    assert "written reason" in done.stderr
    assert "nobody in the map" in house.erase(*house.second(), "--yes", person="C09999", fails=2)
    assert VICTIM in str(house.originals(event))


async def test_a_legal_hold_stands_in_the_way(house: House) -> None:
    await house.post(line(1, VICTIM))
    name = parts.make_pseudonymiser(house.settings).pseudonym("sub", VICTIM)
    now = SystemClock().now()
    hold = Hold(
        id="h1", incident_id="", created_at=now, created_by="dpo", name="a complaint",
        reason=REASON, scope=HoldScope(person=name), review_by=now.date(),
    )  # fmt: skip
    with parts.reading(house.settings) as tx:
        tx.records.put(hold)
    assert "a legal hold, a complaint" in house.erase(*house.second(), "--yes", fails=1)


async def test_without_the_key_nobody_opens_anything(house: House) -> None:
    (event,) = await house.post(line(1, VICTIM))
    (house.folder / "secrets" / "master.key").write_text("11" * 32)
    other = config.load(house.folder / "sentinel.toml", {})
    for attempt in (
        lambda: parts.make_pseudonymiser(other),
        lambda: parts.read_events(other, parts.open_sealer(other)).get(event.id),
    ):
        with pytest.raises(StorageError):
            attempt()


def test_a_refusal_names_no_person(house: House) -> None:
    with parts.reading(house.settings) as tx, pytest.raises(Refused) as caught:
        erasure.order(
            tx, ["sub_aaaaaaaaaaaaaaaa"], request="R", reason=REASON,
            by=erasure_actor("legal"), approved_by=erasure_actor("dpo"), at=SystemClock().now(),
        )  # fmt: skip
    assert "sub_" not in str(caught.value)


def erasure_actor(role: str):
    from sentinel.domain.incident import Actor, Role

    return Actor(role, frozenset({Role(role)}))


def with_directory(house: House, name: str) -> None:
    directory = open_directory(house.settings, parts.open_sealer(house.settings))
    directory.take(
        [DirectoryEntry(pseudonym=name, name="Zoe Victim", email=EMAIL)],
        at=SystemClock().now(),
        by="dpo",
        source="test",
    )
    directory.close()


def journal(house: House):
    with parts.reading(house.settings) as tx:
        return tx.journal.lines()


def all_events(house: House) -> list[Event]:
    events = parts.read_events(house.settings, parts.open_sealer(house.settings))
    try:
        return list(events.search())
    finally:
        events.close()
