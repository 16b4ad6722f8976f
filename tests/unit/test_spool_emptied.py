"""Where nothing comes any more, nothing stays in the spool; offsets go on all the same."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.collect.spool import Spool
from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.frames import HEADER_FIXED_BYTES
from sentinel.store.payload import encode, pack
from sentinel.store.seal import AesGcmSealer
from sentinel.store.segment_log import SegmentLog

SEALER = AesGcmSealer(bytes(range(32)))
A_HEADER = HEADER_FIXED_BYTES + 69  # a data key of 32 bytes, sealed
ROOM = 1 << 30


def event(number: int) -> Event:
    return Event(
        id=f"{number:032x}",
        time=datetime(2026, 1, 2, tzinfo=UTC),
        source="crm",
        ref=f"crm#{number}",
        fields={"note": "x" * 500},
    )


def opened(folder: Path) -> Spool:
    return Spool.open(folder, SEALER, max_bytes=ROOM)


def log_on(folder: Path, disk: Disk | None = None) -> SegmentLog:
    return SegmentLog(folder, SEALER, purpose="spool", segment_bytes=1, disk=disk or Disk())


def append(log: SegmentLog, number: int) -> int:
    return log.append(pack(encode([event(number)])), 1)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


async def test_everything_that_is_done_with_goes_and_offsets_go_on(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([event(0), event(1), event(2)])
    (path,) = files(tmp_path)
    kept = os.open(path, os.O_RDONLY)
    assert spool.prune(2) == 1
    (mark,) = files(tmp_path)
    assert mark != path
    assert mark.stat().st_size == A_HEADER, "no event lies in it"
    assert (spool.first_offset, spool.last_offset, spool.size_bytes) == (-1, 2, 0)
    assert spool.read(-1) == []
    assert spool.prune(2) == 0
    assert await spool.append([event(3)]) == 3
    assert not mark.exists()
    assert [offset for offset, _ in spool.read(-1)] == [3]
    assert os.fstat(kept).st_nlink == 0
    os.close(kept)
    await spool.close()


async def test_what_is_not_done_with_stays_whole(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([event(0), event(1), event(2)])
    assert spool.prune(1) == 0
    assert [offset for offset, _ in spool.read(-1)] == [0, 1, 2]
    await spool.append([event(3)])
    assert len(files(tmp_path)) == 1, "a segment that stays is written on"
    await spool.close()


@pytest.mark.parametrize("reopenings", [1, 2])
async def test_an_emptied_spool_goes_on_after_reopening(tmp_path: Path, reopenings: int) -> None:
    spool = opened(tmp_path)
    await spool.append([event(0), event(1)])
    spool.prune(1)
    for _ in range(reopenings):
        await spool.close()
        spool = opened(tmp_path)
        assert (spool.first_offset, spool.last_offset, spool.torn_bytes) == (-1, 1, 0)
        assert len(files(tmp_path)) == 1
    assert await spool.append([event(2)]) == 2
    await spool.close()
    assert len(files(tmp_path)) == 1
    spool = opened(tmp_path)
    assert (spool.first_offset, spool.last_offset, spool.torn_bytes) == (2, 2, 0)
    assert [one.ref for _, one in spool.read(-1)] == ["crm#2"]
    assert spool.prune(2) == 1
    assert (spool.first_offset, spool.last_offset) == (-1, 2)
    await spool.close()


async def test_a_closed_spool_is_not_emptied(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([event(0)])
    await spool.close()
    assert spool.prune(0) == 0
    spool = opened(tmp_path)
    assert [offset for offset, _ in spool.read(-1)] == [0]
    await spool.close()


async def test_without_its_mark_an_emptied_spool_has_forgotten_its_offsets(tmp_path: Path) -> None:
    """What the mark is for: the test before cannot pass without it."""
    spool = opened(tmp_path)
    await spool.append([event(0), event(1)])
    spool.prune(1)
    await spool.close()
    files(tmp_path)[0].unlink()
    spool = opened(tmp_path)
    assert spool.last_offset == -1
    await spool.close()


async def test_a_write_that_failed_after_the_mark_leaves_the_mark(tmp_path: Path) -> None:
    class Full(Disk):
        refuses = False

        def fsync(self, fd: int) -> None:
            if self.refuses:
                raise OSError(28, "No space left on device")
            super().fsync(fd)

    disk = Full()
    log = log_on(tmp_path, disk)
    append(log, 0)
    log.prune(0, last_too=True)
    disk.refuses = True
    with pytest.raises(StorageError, match="No space left"):
        append(log, 1)
    assert log.last_offset == 0
    disk.refuses = False
    assert log_on(tmp_path).last_offset == 0
    assert append(log, 1) == 1
    log.close()


async def test_a_torn_first_block_after_the_mark_is_cut(tmp_path: Path) -> None:
    log = log_on(tmp_path)
    append(log, 0)
    log.prune(0, last_too=True)
    append(log, 1)
    log.close()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[: A_HEADER + 100])
    log = log_on(tmp_path)
    assert (log.last_offset, log.torn_bytes) == (0, 100)
    assert path.stat().st_size == A_HEADER
    assert append(log, 1) == 1
    log.close()


async def test_who_empties_and_who_appends_do_not_meet(tmp_path: Path) -> None:
    """Two threads, as in the service: every event is read once, or pruned after it was there."""
    log = log_on(tmp_path)
    last, done = -1, threading.Event()

    def empty() -> None:
        while not done.is_set():
            log.prune(log.last_offset, last_too=True)

    emptying = threading.Thread(target=empty)
    emptying.start()
    try:
        for number in range(300):
            assert append(log, number) == last + 1
            last += 1
    finally:
        done.set()
        emptying.join()
    log.prune(last, last_too=True)
    assert (log.first_offset, log.last_offset) == (-1, 299)
    assert len(files(tmp_path)) == 1
    log.close()
    assert log_on(tmp_path).last_offset == 299
