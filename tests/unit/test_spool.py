"""The spool: order, group commit, back-pressure, one writer, pruning."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.collect.spool import Spool, SpoolFull
from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.payload import UnstorableEvent
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
ROOM = 1 << 30
START = datetime(2026, 1, 2, tzinfo=UTC)


def batch(first: int, count: int = 1) -> list[Event]:
    return [
        Event(
            id=f"{number:032x}",
            time=START + timedelta(seconds=number),
            source="crm",
            ref="",
            fields={"sentinel.record_count": number},
        )
        for number in range(first, first + count)
    ]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


def numbers(rows: list[tuple[int, Event]]) -> list[int]:
    return [int(event.id, 16) for _, event in rows]


class GatedDisk(Disk):
    """A disk whose file syncs wait for a gate, and are counted."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.syncs = 0

    def fsync(self, fd: int) -> None:
        assert self.gate.wait(30)
        self.syncs += 1
        super().fsync(fd)


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    opened = Spool.open(tmp_path / "spool", SEALER, max_bytes=ROOM)
    yield opened
    await opened.close()


async def test_an_empty_spool(spool: Spool) -> None:
    assert (spool.first_offset, spool.last_offset, spool.size_bytes) == (-1, -1, 0)
    assert spool.read(-1) == []
    assert spool.prune(100) == 0
    assert await spool.append([]) == -1


async def test_offsets_count_events(spool: Spool) -> None:
    assert await spool.append(batch(0, 3)) == 2
    assert await spool.append(batch(3, 2)) == 4
    assert (spool.first_offset, spool.last_offset) == (0, 4)
    rows = spool.read(-1)
    assert [offset for offset, _ in rows] == numbers(rows) == [0, 1, 2, 3, 4]


async def test_read_starts_after_and_stops_at_the_limit(spool: Spool) -> None:
    for first in range(0, 60, 6):
        await spool.append(batch(first, 6))
    for after in range(-1, 60):
        for limit in (1, 5, 6, 7, 100):
            expected = list(range(after + 1, min(after + 1 + limit, 60)))
            assert numbers(spool.read(after, limit=limit)) == expected
    assert spool.read(10_000) == []
    assert spool.read(0, limit=0) == []


async def test_a_reference_is_filled_where_the_line_has_none(spool: Spool) -> None:
    own = Event(id="a", time=START, source="crm", ref="crm#crm-000123")
    await spool.append([*batch(0), own])
    assert [event.ref for _, event in spool.read(-1)] == ["crm#0", "crm#crm-000123"]


async def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    for first in range(0, 50, 10):
        spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
        assert spool.last_offset == first - 1
        assert await spool.append(batch(first, 10)) == first + 9
        assert numbers(spool.read(-1)) == list(range(first + 10))
        await spool.close()
    assert len(files(tmp_path)) == 5, "an opening writes a segment of its own"


async def test_opening_alone_writes_no_segment(tmp_path: Path) -> None:
    for _ in range(3):
        await Spool.open(tmp_path, SEALER, max_bytes=ROOM).close()
    assert files(tmp_path) == []


async def test_segments_roll_over_and_read_as_one(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, segment_bytes=600, max_bytes=ROOM)
    for first in range(40):
        await spool.append(batch(first))
    assert len(files(tmp_path)) > 5
    assert spool.size_bytes == sum(path.stat().st_size for path in files(tmp_path))
    assert numbers(spool.read(17, limit=15)) == list(range(18, 33))
    await spool.close()
    spool = Spool.open(tmp_path, SEALER, segment_bytes=600, max_bytes=ROOM)
    assert numbers(spool.read(-1)) == list(range(40))
    await spool.close()


async def test_concurrent_appends_share_a_sync_and_keep_their_order(tmp_path: Path) -> None:
    disk = GatedDisk()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM, disk=disk)
    await spool.append(batch(0))
    disk.syncs = 0
    disk.gate.clear()
    appends = [asyncio.create_task(spool.append(batch(first, 2))) for first in range(1, 401, 2)]
    await asyncio.sleep(0.05)
    disk.gate.set()
    offsets = await asyncio.gather(*appends)
    assert offsets == [first + 1 for first in range(1, 401, 2)]
    assert numbers(spool.read(-1)) == list(range(401))
    assert disk.syncs <= 2
    await spool.close()


async def test_nothing_is_acknowledged_or_shown_before_the_sync_and_the_loop_runs_on(
    tmp_path: Path,
) -> None:
    disk = GatedDisk()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM, disk=disk)
    disk.gate.clear()
    append = asyncio.create_task(spool.append(batch(0, 3)))
    for _ in range(20):  # the loop turns while the disk does not answer
        await asyncio.sleep(0.005)
    assert not append.done()
    assert spool.last_offset == -1
    assert spool.read(-1) == []
    disk.gate.set()
    assert await append == 2
    await spool.close()


async def test_a_full_spool_refuses_then_takes_again_after_pruning(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, segment_bytes=2000, max_bytes=10_000)
    stored = 0
    refused: SpoolFull | None = None
    while refused is None and stored < 1000:
        try:
            await spool.append(batch(stored))
            stored += 1
        except SpoolFull as error:
            refused = error
    assert refused is not None
    assert refused.hint
    assert spool.size_bytes <= 10_000
    assert numbers(spool.read(-1)) == list(range(stored)), "what was acknowledged stays"
    assert spool.prune(spool.last_offset) > 0
    assert await spool.append(batch(stored)) == stored
    await spool.close()


async def test_an_impossible_event_fails_its_own_batch_only(tmp_path: Path) -> None:
    disk = GatedDisk()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM, disk=disk)
    disk.gate.clear()
    bad = [*batch(7), Event(id="b", time=START, source="crm", ref="", fields={"url.path": b"x"})]  # type: ignore[dict-item]
    held = asyncio.create_task(spool.append(batch(0)))
    await asyncio.sleep(0.02)
    group = [asyncio.create_task(spool.append(events)) for events in (batch(1), bad, batch(2, 2))]
    await asyncio.sleep(0.02)
    disk.gate.set()
    results = await asyncio.gather(held, *group, return_exceptions=True)
    assert isinstance(results.pop(2), UnstorableEvent)
    assert results == [0, 1, 3]
    assert numbers(spool.read(-1)) == [0, 1, 2, 3]
    await spool.close()


async def test_a_sender_that_goes_away_disturbs_nobody(tmp_path: Path) -> None:
    disk = GatedDisk()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM, disk=disk)
    disk.gate.clear()
    first, second, third = (asyncio.create_task(spool.append(batch(n))) for n in range(3))
    await asyncio.sleep(0.02)
    second.cancel()
    await asyncio.sleep(0)
    disk.gate.set()
    assert await first == 0
    assert await third in {1, 2}
    assert numbers(spool.read(-1))[-1] == 2
    await spool.close()


async def test_waiting_readers_wake(spool: Spool) -> None:
    waits = [asyncio.create_task(spool.wait_beyond(offset)) for offset in (-1, 0, 1)]
    await asyncio.sleep(0)
    await spool.append(batch(0))
    await waits[0]
    assert not waits[1].done()
    await spool.append(batch(1, 2))
    await asyncio.gather(*waits)
    await spool.wait_beyond(1)


async def test_closing_finishes_the_appends_and_frees_the_readers(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    wait = asyncio.create_task(spool.wait_beyond(5))
    appends = [asyncio.create_task(spool.append(batch(n))) for n in range(3)]
    await asyncio.sleep(0)
    await spool.close()
    assert await asyncio.gather(*appends) == [0, 1, 2]
    with pytest.raises(StorageError, match="closed"):
        await wait
    with pytest.raises(StorageError, match="closed"):
        await spool.append(batch(3))
    await spool.close()


async def test_pruning_removes_whole_segments_and_keeps_the_count(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, segment_bytes=1, max_bytes=ROOM)
    for first in range(0, 10, 2):
        await spool.append(batch(first, 2))
    assert spool.prune(2) == 1, "offset 3 shares a segment with offset 2"
    assert spool.first_offset == 2
    assert numbers(spool.read(-1)) == list(range(2, 10))
    assert spool.prune(8) == 3
    assert numbers(spool.read(-1)) == [8, 9]
    await spool.close()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    assert (spool.first_offset, spool.last_offset) == (8, 9)
    assert await spool.append(batch(10)) == 10
    await spool.close()


async def test_a_second_opening_is_refused(tmp_path: Path, spool: Spool) -> None:
    with pytest.raises(StorageError, match="another process"):
        Spool.open(tmp_path / "spool", SEALER, max_bytes=ROOM)
    code = (
        "import sys; from pathlib import Path; from sentinel.collect.spool import Spool;"
        "from sentinel.store.seal import AesGcmSealer;"
        "Spool.open(Path(sys.argv[1]), AesGcmSealer(bytes(range(32))), max_bytes=1)"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "spool"), stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await other.communicate()
    assert other.returncode != 0
    assert b"another process writes here" in complaint


async def test_a_failed_opening_leaves_no_lock_and_touches_nothing(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    await spool.append(batch(0, 3))
    await spool.close()
    (path,) = files(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="sealed under key"):
        Spool.open(tmp_path, AesGcmSealer(bytes(32)), max_bytes=ROOM)
    assert path.read_bytes() == before
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    assert spool.last_offset == 2
    await spool.close()


async def test_a_lost_segment_is_an_error_not_a_gap(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, segment_bytes=1, max_bytes=ROOM)
    for first in range(3):
        await spool.append(batch(first))
    await spool.close()
    first_path, middle, _ = files(tmp_path)
    raw = middle.read_bytes()
    middle.unlink()
    with pytest.raises(StorageError, match="offsets 1 to 1 are missing") as caught:
        Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    assert str(first_path) in caught.value.where
    middle.write_bytes(raw[:-1])
    with pytest.raises(StorageError, match="missing"):
        Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    assert middle.read_bytes() == raw[:-1], "what is damaged is left for who repairs it"


async def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        Spool.open(tmp_path / "file" / "spool", SEALER, max_bytes=ROOM)
    assert str(tmp_path) in caught.value.where


async def test_a_segment_is_left_by_age_too_so_that_it_can_be_removed(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, SEALER, segment_seconds=0.0, max_bytes=ROOM)
    for number in range(3):
        await spool.append(batch(number))
    assert len(files(tmp_path)) == 3
    assert spool.prune(1) == 2
    assert spool.first_offset == 2
    await spool.close()
    spool = Spool.open(tmp_path, SEALER, max_bytes=ROOM)
    assert (spool.first_offset, spool.last_offset) == (2, 2)
    await spool.append(batch(3))
    await spool.append(batch(4))
    assert len(files(tmp_path)) == 2, "a young segment takes more"
    await spool.close()
