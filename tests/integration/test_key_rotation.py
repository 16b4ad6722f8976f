"""The master key is rotated: killed anywhere, everything opens; in the end by the new key alone."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from unittest import mock

import pytest
from sqlalchemy import text

from sentinel.app import parts, rotation
from sentinel.app.approving import open_approvals
from sentinel.app.service import Sentinel
from sentinel.cli.main import main
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.domain.event import Event
from sentinel.domain.incident import Incident, Role
from sentinel.errors import ConfigError, StorageError
from sentinel.store.disk import Disk
from sentinel.store.keys import master, ring
from sentinel.store.keys.master import LocalMasterKey
from sentinel.store.seal import AesGcmSealer
from sentinel.web.auth.accounts import create_account

OLD, NEW, THIRD = "11" * 32, "22" * 32, "33" * 32


def settings_in(folder: Path, key: str = OLD, **keys: str) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder / "data",
            "log_level": "error",
            "keys": {"master": key, **keys},
            "behaviour": {"enabled": False},
            "sources": [{"name": "crm", "format": "json", "profile": "crm-audit", "token": "t"}],
        }
    )


def line(number: int) -> bytes:
    return json.dumps(
        {
            "id": f"crm-{number}",
            "time": datetime.now(UTC).isoformat(),
            "actor": {"id": "l.ferrand", "kind": "staff"},
            "action": "customer.read",
            "outcome": "success",
            "customers": [f"C{number:05d}"],
            "ip": "192.0.2.20",
        }
    ).encode()


async def post(service: Sentinel, number: int) -> Event:
    batch = service._intakes["crm"].batch([line(number)], f"b{number}")
    await service._spool.append(batch.events)
    await service.settle()
    return batch.events[0]


async def furnished(settings: Settings) -> None:
    """Have a service take something in, and a case in the store."""
    service = await Sentinel.open(settings, SystemClock())
    await service.start()
    try:
        for number in range(1, 4):
            await post(service, number)
        now = datetime.now(UTC)
        account = create_account(
            name="dpo",
            display_name="d",
            roles=(Role.DPO,),
            language="fr",
            sealer=service.sealer,
            now=now,
        ).account
        await service.in_store(lambda tx: tx.accounts.put(account))
        case = Incident(
            id="i1", reference="INC-2026-0001", title="t", kind="x", created_at=now, created_by="a"
        )
        await service.in_store(lambda tx: tx.incidents.put(case))
        await service.in_store(
            lambda tx: tx.journal.append(
                occurred_at=now, actor="a", action="x", object_id="i1", payload="said"
            )
        )
    finally:
        await service.stop()


def everything(settings: Settings) -> dict[str, object]:
    """Open one of each; raises StorageError where the key is wrong."""
    sealer = parts.open_sealer(settings)
    names = parts.make_pseudonymiser(settings, sealer)
    assert names.bodies is not None
    events = parts.read_events(settings, sealer)
    try:
        said = [names.bodies.open(event).originals for event in events.search()]
    finally:
        events.close()
    spool = parts.open_spool(settings, sealer)
    spooled = len(spool.read(-1))
    spool._lock.release()
    cases = parts.open_cases(settings, sealer, SystemClock())
    try:
        with cases.begin() as tx:
            return {
                "events": sorted(map(str, said)),
                "spool": spooled,
                "person": names.pseudonym("sub", "C00001"),
                "address": names.pseudonym("ip", "192.0.2.20"),
                "account": [one.name for one in tx.accounts.all()],
                "case": tx.incidents.get("i1").title,
                "journal": [tx.journal.opened(one) for one in tx.journal.lines(object_id="i1")],
                "approvals": open_approvals(settings)._key,
            }
    finally:
        cases.close()


@pytest.fixture
async def house(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    await furnished(settings)
    return settings


def new_key(key: str = NEW) -> LocalMasterKey:
    return LocalMasterKey(bytes.fromhex(key))


def rotate(settings: Settings, key: str = NEW) -> list[tuple[str, int]]:
    return list(rotation.rotate(settings, new_key(key), "tester"))


def with_key(settings: Settings, key: str) -> Settings:
    return settings_in(settings.data_dir.parent, key)


async def test_either_key_opens_until_the_old_one_is_retired(house: Settings) -> None:
    before = everything(house)
    assert "C00001" in str(before["events"])
    told = dict(rotate(house))
    assert told["persons"] == 4
    assert told["accounts"] == told["incidents"] == 1
    assert everything(house) == everything(with_key(house, NEW)) == before
    with pytest.raises(StorageError):
        everything(with_key(house, THIRD))
    assert rotation.retire(with_key(house, NEW), "tester") == [new_key(OLD).id]
    assert everything(with_key(house, NEW)) == before
    with pytest.raises(StorageError, match="the key in force is"):
        everything(house)
    with parts.reading(with_key(house, NEW)) as tx:
        actions = [one.action for one in tx.journal.lines(object_id="keys")]
    assert [one for one in actions if one != "keys.used"] == [
        "keys.rotated", "keys.resealed", "keys.retired",
    ]  # fmt: skip


async def test_what_is_sealed_again_opens_by_the_new_root_alone(house: Settings) -> None:
    rotate(house)
    (newest,) = ring.open_roots(house.data_dir, new_key())[-1:]
    alone = AesGcmSealer(newest)
    cases = parts.open_cases(house, alone, SystemClock())
    try:
        with cases.begin() as tx:
            assert tx.accounts.all()
            assert tx.incidents.get("i1")
            assert "said" in [tx.journal.opened(one) for one in tx.journal.lines(object_id="i1")]
        with cases._engine.begin() as connection:
            old = AesGcmSealer(bytes.fromhex(OLD))
            for table in ("accounts", "incidents", "deadlines", "findings", "alerts"):
                bodies = connection.scalars(text(f"SELECT body FROM {table}")).all()
                assert not any(old.is_current(body) for body in bodies), table
    finally:
        cases.close()


async def test_twice_rotated_and_retired_everything_still_opens(house: Settings) -> None:
    before = everything(house)
    rotate(house)
    second = with_key(house, NEW)
    rotation.retire(second, "tester")
    rotate(second, THIRD)
    third = with_key(house, THIRD)
    rotation.retire(third, "tester")
    assert everything(third) == before
    assert len(ring.read_ring(house.data_dir).roots) == 3  # type: ignore[union-attr]


async def test_cut_short_after_any_step_both_keys_open_and_it_goes_on(house: Settings) -> None:
    before = everything(house)
    steps = 0
    while True:
        running = rotation.rotate(house, new_key(), "tester")
        for _ in range(steps + 1):
            end = next(running, None)
        running.close()
        if end is None:
            break
        assert everything(house) == everything(with_key(house, NEW)) == before
        steps += 1
    assert steps > 10
    assert rotate(house)[0] == ("root keys", 2)  # no further root for going on
    assert rotate(with_key(house, NEW))  # also when the new key is set already


async def test_a_kill_anywhere_leaves_what_both_keys_open(house: Settings) -> None:
    before = everything(house)
    spawn = multiprocessing.get_context("spawn")
    for delay in (0.0, 0.01, 0.03):
        ready = spawn.Event()
        child = spawn.Process(target=_rotate_for_ever, args=(str(house.data_dir.parent), ready))
        child.start()
        assert ready.wait(60)
        await asyncio.sleep(delay)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert everything(house) == before
    rotate(house)
    assert everything(with_key(house, NEW)) == before


def _rotate_for_ever(folder: str, ready) -> None:
    settings = settings_in(Path(folder))
    ready.set()
    while True:
        rotate(settings)


class FailingDisk(Disk):
    """Fails at the n-th thing that it is asked."""

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")

    def create(self, path: Path) -> int:
        self._count()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        self._count()
        super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._count()
        super().fsync(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._count()
        super().replace(source, target)


def test_a_disk_that_fails_leaves_the_ring_before(tmp_path: Path) -> None:
    old, new = new_key(OLD), new_key()
    first = ring.rotated(tmp_path, old, new)
    failures = 0
    for at in range(1, 20):
        try:
            ring.write_ring(tmp_path, ring.Ring(roots=first.roots[:1]), FailingDisk(at))
        except StorageError:
            failures += 1
            found = ring.read_ring(tmp_path)
            assert found in (first, ring.Ring(roots=first.roots[:1]))
            ring.write_ring(tmp_path, first)
    assert failures > 4
    assert len(ring.open_roots(tmp_path, old)) == 1 or ring.read_ring(tmp_path) == first


async def test_a_service_that_runs_meets_the_new_root_and_goes_on(house: Settings) -> None:
    service = await Sentinel.open(house, SystemClock())
    await service.start()
    try:
        before = await post(service, 1)
        rotate(house)
        after = await post(service, 1)
        assert after.fields["sentinel.subject"] == before.fields["sentinel.subject"]
        fresh = await post(service, 99)
        assert (await service.in_store(lambda tx: tx.incidents.get("i1"))).title == "t"
    finally:
        await service.stop()
    new = with_key(house, NEW)
    opened = everything(new)
    assert "C00099" in str(opened["events"])
    assert fresh.fields["sentinel.subject"] == [
        parts.make_pseudonymiser(new).pseudonym("sub", "C00099")
    ]


def test_the_same_key_is_no_rotation(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in force"):
        ring.rotated(tmp_path, new_key(), new_key())


def test_two_rotations_at_once_are_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    first = rotation.rotate(settings, new_key(), "tester")
    next(first)
    with pytest.raises(StorageError, match="another process"):
        rotate(settings, THIRD)
    first.close()


@pytest.mark.parametrize("wrong", [b"", b"{}", b'{"version":2,"roots":[]}', b"\x00\xff"])
def test_a_ring_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / ring.FILE
    path.parent.mkdir()
    path.write_bytes(wrong)
    with pytest.raises(StorageError):
        ring.open_sealer(tmp_path, new_key())
    assert path.read_bytes() == wrong


class Kms:
    """A KMS as a plug-in sees one: the key never leaves it."""

    def __init__(self, name: str) -> None:
        self.id = f"test-kms:{name}"
        self._inside = AesGcmSealer(name.encode().ljust(32, b"!"))

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        return self._inside.seal(key, context=purpose)

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        return self._inside.open(wrapped, context=purpose)


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys.modules[__name__], "Kms", Kms)
    point = EntryPoint("test-kms", f"{__name__}:Kms", master.GROUP)

    def found(*, group: str, name: str = "") -> EntryPoints:
        return EntryPoints([point] if group == master.GROUP and name in ("", "test-kms") else [])

    with mock.patch.object(master, "entry_points", found):
        yield


async def test_a_kms_keeps_the_master_key(tmp_path: Path, kms: None) -> None:
    settings = Settings.model_validate(
        settings_in(tmp_path).model_dump() | {"keys": {"kms": "test-kms", "kms_key": "k1"}}
    )
    await furnished(settings)
    before = everything(settings)
    found = ring.read_ring(settings.data_dir)
    assert found is not None
    assert found.masters == {"test-kms:k1"}
    list(rotation.rotate(settings, Kms("k2"), "tester"))
    second = settings.model_copy(
        update={"keys": settings.keys.model_copy(update={"kms_key": "k2"})}
    )
    rotation.retire(second, "tester")
    assert everything(second) == before
    with pytest.raises(StorageError):
        everything(settings)


def test_a_plug_in_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "keys": {"kms": "nowhere"}})
    with pytest.raises(ConfigError, match="nowhere"):
        parts.open_sealer(settings)


async def test_from_the_command_line(tmp_path: Path) -> None:
    key, fresh = tmp_path / "master.key", tmp_path / "secrets" / "new.key"
    key.write_text(OLD)
    await furnished(settings_in(tmp_path))
    gc.collect()  # a sealer tells what it did when it is gone: at the end of a process, usually
    toml = tmp_path / "sentinel.toml"
    toml.write_text(f'data_dir = "data"\n[keys]\nmaster_file = "{key}"\n')
    assert "persons: 4" in command(toml, "rotate", "--new-key-file", str(fresh))
    assert fresh.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(command(toml, "show", "--json"))["roots"]) == 2
    toml.write_text(f'data_dir = "data"\n[keys]\nmaster_file = "{fresh}"\n')
    assert "retired local:" in command(toml, "retire")
    assert "no other" in command(toml, "retire")
    shown = json.loads(command(toml, "show", "--json"))
    assert (shown["persons"], shown["opens"], shown["computable"]) == (4, True, False)
    uses = [json.loads(one) for one in command(toml, "uses", "--json").splitlines()]
    assert {"seal:person", "seal:account", "seal:data-key:journal"} <= {
        name for one in uses for name in one["counts"]
    }


def command(toml: Path, *arguments: str) -> str:
    out = io.TextIOWrapper(io.BytesIO(), write_through=True)
    argv = ["sentinel", "--config", str(toml), "keys", *arguments]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdout", out),
        pytest.raises(SystemExit) as left,
    ):
        main()
    assert left.value.code == 0
    told: bytes = out.buffer.getvalue()  # type: ignore[attr-defined]
    return told.decode()
