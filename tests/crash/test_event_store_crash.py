"""The embedded event store dies at every single disk call: nothing twice, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faulty_disk import CountingDisk, FailingDisk, KilledHere, KillingDisk, PowerLossDisk

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.events_segments import SegmentEventStore
from sentinel.store.manifest import read_manifest
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))


def event(number: int) -> Event:
    """An event in one of three days, so that each batch touches them all."""
    at = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=number % 3, minutes=number)
    return Event(id=f"{number:032x}", time=at, source="crm", ref=f"crm#{number}")


SPOOL = [event(number) for number in range(24)]


def consume(store: SegmentEventStore, step: int = 6) -> None:
    """What the consumer does: bring batches after what is stored, until the spool is done."""
    while (after := store.stored_offset()) < len(SPOOL) - 1:
        batch = SPOOL[after + 1 : after + 1 + step]
        store.append(batch, last_offset=after + len(batch))


def opened(folder: Path, disk: Disk | None = None) -> SegmentEventStore:
    return SegmentEventStore(folder, SEALER, segment_bytes=700, disk=disk)


def assert_complete(store: SegmentEventStore) -> None:
    assert list(store.search()) == sorted(SPOOL, key=lambda one: one.time)
    assert store.count() == len(SPOOL)
    assert [store.get(one.id) for one in SPOOL] == SPOOL


def die_at(folder: Path, call: int) -> None:
    """Run the consumer until its process dies at disk call number ``call``."""
    disk = KillingDisk(call)
    try:
        store = opened(folder, disk)
    except KilledHere:
        return
    with pytest.raises(KilledHere):
        consume(store)
    store.close()  # what the kernel does for a dead process


def calls_of_a_whole_run(folder: Path) -> int:
    disk = CountingDisk()
    store = opened(folder, disk)
    consume(store)
    store.close()
    return len(disk.log)


def test_death_at_any_disk_call(tmp_path: Path) -> None:
    calls = calls_of_a_whole_run(tmp_path / "whole")
    assert calls > 40
    for call in range(calls):
        folder = tmp_path / str(call)
        die_at(folder, call)
        store = opened(folder)
        found = list(store.search())
        stored = SPOOL[: store.stored_offset() + 1]
        assert found == sorted(stored, key=lambda one: one.time), f"killed at call {call}"
        manifest = read_manifest(folder, SEALER)
        assert manifest is not None
        sizes = {f"{p.parent.name}/{p.name}": p.stat().st_size for p in folder.glob("*/*.seg")}
        assert sizes == manifest.segments, "what was not committed is gone"
        consume(store, step=5)
        assert_complete(store)
        store.close()
        store = opened(folder)
        assert_complete(store)
        store.close()


@pytest.mark.parametrize("call", ["create", "write", "fsync", "replace"])
def test_a_refusing_disk_stores_nothing_of_the_batch_and_works_again(
    tmp_path: Path, call: str
) -> None:
    disk = FailingDisk()
    store = opened(tmp_path, disk)
    store.append(SPOOL[:6], last_offset=5)
    for _ in range(3):
        disk.refuse = {call}
        with pytest.raises(StorageError, match="Input/output error"):
            store.append(SPOOL[6:12], last_offset=11)
        assert store.stored_offset() == 5
        assert store.count() == 6
        assert len(list(store.search())) == 6
        disk.refuse = set()
    consume(store)
    assert_complete(store)
    store.close()
    store = opened(tmp_path)
    assert_complete(store)
    store.close()


def test_power_loss_after_an_append_loses_nothing(tmp_path: Path) -> None:
    disk = PowerLossDisk()
    store = opened(tmp_path, disk)
    consume(store)
    store.close()
    disk.power_loss(tmp_path)
    store = opened(tmp_path)
    assert store.stored_offset() == len(SPOOL) - 1
    assert_complete(store)
    store.close()


def filled(folder: Path) -> list[Path]:
    store = opened(folder)
    consume(store)
    store.close()
    return sorted(folder.glob("*/*.seg"))


def test_a_cut_a_change_or_a_lost_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    for path in filled(tmp_path):
        raw = path.read_bytes()
        for damaged in (raw[:-1], raw[:50], b"", raw[:-20] + bytes([raw[-20] ^ 1]) + raw[-19:]):
            path.write_bytes(damaged)
            with pytest.raises(StorageError) as caught:
                opened(tmp_path)
            assert str(path) in caught.value.where
        path.unlink()
        with pytest.raises(StorageError) as caught:
            opened(tmp_path)
        path.write_bytes(raw)
    store = opened(tmp_path)
    assert_complete(store)
    store.close()


def test_a_lost_or_changed_manifest_is_an_error_and_costs_no_file(tmp_path: Path) -> None:
    files = filled(tmp_path)
    manifest = tmp_path / "manifest"
    raw = manifest.read_bytes()
    manifest.write_bytes(raw[:-1])
    with pytest.raises(StorageError):
        opened(tmp_path)
    manifest.unlink()
    with pytest.raises(StorageError, match="manifest is missing"):
        opened(tmp_path)
    assert all(path.stat().st_size for path in files)


def test_a_file_in_the_folder_of_another_day_does_not_open(tmp_path: Path) -> None:
    files = filled(tmp_path)
    days = {path.parent for path in files}
    first, second = files[0], next(path for path in files if path.parent != files[0].parent)
    assert len(days) == 3
    raw = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(StorageError):
        opened(tmp_path)
    first.write_bytes(raw)
    store = opened(tmp_path)
    assert_complete(store)
    store.close()


def test_one_process_a_folder(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(StorageError, match="another process writes here"):
        opened(tmp_path)
    store.close()
