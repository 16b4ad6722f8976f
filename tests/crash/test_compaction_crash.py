"""The embedded store dies at any disk call while it compacts or purges: nothing twice or lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from faulty_disk import CountingDisk, FailingDisk, KilledHere, KillingDisk, PowerLossDisk

from sentinel.domain.event import Event
from sentinel.domain.hunt import Groups, Hunt, Op, Test
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.manifest import read_manifest
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
FIRST = datetime(2026, 1, 2, tzinfo=UTC)
EACH = int(os.environ.get("SENTINEL_CRASH_EACH", "9"))
"""Of so many disk calls one is died at; 1 in the long run."""
THIRD = FIRST + timedelta(days=1, minutes=13)


def event(number: int) -> Event:
    """An event in one of three days, so that each batch touches them all."""
    at = FIRST + timedelta(days=number % 3, minutes=number)
    fields = {"user.name": f"usr_{number % 4}", "n": number}
    return Event(id=f"{number:032x}", time=at, source="crm", ref=f"crm#{number}", fields=fields)


SPOOL = [event(number) for number in range(24)]


def opened(folder: Path, disk: Disk | None = None) -> EmbeddedEventStore:
    return EmbeddedEventStore(folder, SEALER, segment_bytes=700, disk=disk, compact_at=0)


def work(store: EmbeddedEventStore, step: int = 6, *, purging: bool = False) -> None:
    """Bring batches after what is stored, as the consumer does; compact after each."""
    while (after := store.stored_offset()) < len(SPOOL) - 1:
        batch = SPOOL[after + 1 : after + 1 + step]
        store.append(batch, last_offset=after + len(batch))
        store.compact()
    if purging:
        store.purge(before=THIRD)


def assert_holds(store: EmbeddedEventStore, expected: list[Event]) -> None:
    assert list(store.search()) == sorted(expected, key=lambda one: one.time)
    assert store.count() == len(expected)
    assert [store.get(one.id) for one in expected] == expected
    [*groups] = store.aggregate(Hunt(), Groups(by=("user.name",)))
    assert sum(group.count for group in groups) == len(expected)


def assert_tidy(folder: Path) -> None:
    """Nothing lies in the folder that the manifest does not name."""
    manifest = read_manifest(folder, SEALER)
    assert manifest is not None
    sizes = {f"{path.parent.name}/{path.name}": path.stat().st_size for path in folder.glob("*/*")}
    assert sizes == {**manifest.segments, **manifest.columns}


def calls_of(folder: Path, run: Callable[[EmbeddedEventStore], None]) -> int:
    disk = CountingDisk()
    store = opened(folder, disk)
    run(store)
    store.close()
    return len(disk.log)


def test_death_at_any_disk_call_of_a_compaction(tmp_path: Path) -> None:
    calls = calls_of(tmp_path / "whole", work)
    assert calls > 80
    for call in range(0, calls, EACH):
        folder = tmp_path / str(call)
        store = None
        try:
            store = opened(folder, KillingDisk(call))
            work(store)
        except KilledHere:
            pass
        if store is not None:
            kernel_ends(store)
        store = opened(folder)
        assert_holds(store, SPOOL[: store.stored_offset() + 1])
        assert_tidy(folder)
        work(store, step=5)
        assert_holds(store, SPOOL)
        store.close()
        store = opened(folder)
        assert_holds(store, SPOOL)
        store.close()


def test_death_at_any_disk_call_of_a_purge(tmp_path: Path) -> None:
    """A day goes as a whole or not at all, and the next purge takes what the first one left."""
    stays = [one for one in SPOOL if one.time >= THIRD]
    before = calls_of(tmp_path / "work", work)
    calls = calls_of(tmp_path / "whole", lambda store: work(store, purging=True))
    assert calls > before + 10
    for call in range(before - 2, calls, max(EACH // 3, 1)):
        folder = tmp_path / str(call)
        store = opened(folder, KillingDisk(call))
        with suppress(KilledHere):
            work(store, purging=True)
        kernel_ends(store)
        store = opened(folder)
        assert_tidy(folder)
        left = {one.id for one in store.search()}
        for day in {one.time.date() for one in SPOOL}:
            of_day = {one.id for one in SPOOL if one.time.date() == day}
            to_stay = {one.id for one in stays if one.time.date() == day}
            assert left & of_day in (of_day, to_stay)
        store.purge(before=THIRD)
        assert_holds(store, stays)
        store.close()


def kernel_ends(store: EmbeddedEventStore) -> None:
    """Do what the kernel does for a dead process: drop its lock, nothing else."""
    store._disk = Disk()
    store._leftovers = []
    store.close()


@pytest.mark.parametrize("call", ["create", "write", "fsync", "replace"])
def test_a_refusing_disk_leaves_the_tail_as_it_was(tmp_path: Path, call: str) -> None:
    disk = FailingDisk()
    store = opened(tmp_path, disk)
    store.append(SPOOL[:12], last_offset=11)
    for _ in range(2):
        disk.refuse = {call}
        with pytest.raises(StorageError, match="Input/output error"):
            store.compact()
        disk.refuse = set()
        assert_holds(store, SPOOL[:12])
    assert store.compact() == 12
    work(store)
    assert_holds(store, SPOOL)
    store.close()
    store = opened(tmp_path)
    assert_holds(store, SPOOL)
    assert_tidy(tmp_path)
    store.close()


def test_power_loss_after_a_compaction_loses_nothing(tmp_path: Path) -> None:
    disk = PowerLossDisk()
    store = opened(tmp_path, disk)
    work(store)
    store.close()
    disk.power_loss(tmp_path)
    store = opened(tmp_path)
    assert_holds(store, SPOOL)
    store.close()


def test_a_cut_a_change_or_a_lost_column_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    work(store)
    store.close()
    for path in sorted(tmp_path.glob("*/*.col")):
        raw = path.read_bytes()
        for damaged in (raw[:-1], raw[:50], b"", raw[:-40] + bytes([raw[-40] ^ 1]) + raw[-39:]):
            path.write_bytes(damaged)
            with pytest.raises(StorageError) as caught:
                opened(tmp_path)
            assert str(path) in caught.value.where
        path.unlink()
        with pytest.raises(StorageError):
            opened(tmp_path)
        path.write_bytes(raw)
    store = opened(tmp_path)
    assert_holds(store, SPOOL)
    store.close()


def test_each_byte_of_a_column_file_is_protected(tmp_path: Path) -> None:
    """A change anywhere is met at opening or by whoever reads the chunk, never passed over."""
    store = opened(tmp_path)
    store.append(SPOOL[:3], last_offset=2)
    store.compact()
    store.close()
    path = sorted(tmp_path.glob("*/*.col"))[0]
    raw = path.read_bytes()
    for at in range(0, len(raw), 11):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x41]) + raw[at + 1 :])
        with pytest.raises(StorageError):
            read_all(tmp_path)
    path.write_bytes(raw)


def read_all(folder: Path) -> None:
    """Read each chunk of each file, the filters too."""
    store = opened(folder)
    try:
        list(store.search())
        for name in ("user.name", "event.id"):
            store.hunt(Hunt(where=Test(field=name, op=Op.IS, value="nobody")))
            store.aggregate(Hunt(), Groups(by=(name,)))
    finally:
        store.close()


def test_a_reader_of_an_older_manifest_goes_on(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.append(SPOOL[:12], last_offset=11)
    reader = EmbeddedEventStore(tmp_path, SEALER, read_only=True)
    search = writer.search()
    first = next(search)
    writer.compact()
    writer.append(SPOOL[12:], last_offset=23)
    writer.compact()
    assert [first, *search] == sorted(SPOOL[:12], key=lambda one: one.time)
    assert_holds(reader, SPOOL[:12])
    writer.purge(before=THIRD)  # removes files at once: the reader looks at the manifest again
    stays = [one for one in SPOOL if one.time >= THIRD]
    assert {one.id for one in reader.hunt(Hunt())} == {one.id for one in stays}
    with pytest.raises(StorageError, match="opened to read"):
        reader.compact()
    reader.close()
    writer.close()
