"""kill -9, full disks, failing syncs, lost power: no acknowledged event is lost or moved."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faulty_disk import FailingDisk, KilledHere, KillingDisk, PowerLossDisk

from sentinel.collect.spool import Spool
from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.disk import Disk
from sentinel.store.payload import encode, pack
from sentinel.store.seal import AesGcmSealer
from sentinel.store.segment_log import SegmentLog

KEY = bytes(range(32))
SEALER = AesGcmSealer(KEY)
ROOM = 1 << 30

CHILD = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from sentinel.collect.spool import Spool
from sentinel.domain.event import Event
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 1, 2, tzinfo=UTC)

async def send(spool, sender):
    for batch in range(100_000):
        events = [
            Event(id=f"{sender}-{batch}-{n}", time=NOW, source="crm", ref="",
                  fields={"url.path": "/crm/customers/" + "x" * (37 * batch % 400)})
            for n in range(1 + batch % 7)
        ]
        last = await spool.append(events)
        os.write(1, f"{last} {sender}-{batch} {len(events)}\\n".encode())

async def main():
    spool = Spool.open(Path(sys.argv[1]), AesGcmSealer(bytes(range(32))),
                       segment_bytes=20_000, max_bytes=1 << 30)
    os.write(1, b"ready\\n")
    await asyncio.gather(*(send(spool, sys.argv[2] + str(n)) for n in range(4)))

asyncio.run(main())
"""


def event(number: int) -> Event:
    return Event(
        id=f"{number:032x}", time=datetime(2026, 1, 2, tzinfo=UTC), source="crm", ref="crm#x"
    )


def spool_on(folder: Path, disk: FailingDisk | PowerLossDisk | None = None) -> Spool:
    return Spool.open(folder, SEALER, segment_bytes=4000, max_bytes=ROOM, disk=disk)


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.seg"))


def log_on(folder: Path, disk: Disk) -> SegmentLog:
    return SegmentLog(folder, SEALER, purpose="spool", segment_bytes=900, disk=disk)


def everything(spool: Spool) -> list[Event]:
    out: list[Event] = []
    while rows := spool.read(len(out) - 1, limit=500):
        assert [offset for offset, _ in rows] == list(range(len(out), len(out) + len(rows)))
        out += [one for _, one in rows]
    return out


def everything_in(folder: Path) -> list[Event]:
    async def run() -> list[Event]:
        spool = spool_on(folder)
        try:
            return everything(spool)
        finally:
            await spool.close()

    return asyncio.run(run())


def run_and_kill(folder: Path, run: int, chance: random.Random) -> list[tuple[int, str, int]]:
    """Start a writer, let it acknowledge a random number of batches, kill it; return these."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), f"run{run}s"], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    acknowledged: list[tuple[int, str, int]] = []
    assert child.stdout.readline() == b"ready\n"
    for _ in range(chance.randrange(0, 120)):
        last, batch, count = child.stdout.readline().split()
        acknowledged.append((int(last), batch.decode(), int(count)))
    child.send_signal(signal.SIGKILL)
    for line in child.stdout.read().splitlines(keepends=True):
        if line.endswith(b"\n"):
            last, batch, count = line.split()
            acknowledged.append((int(last), batch.decode(), int(count)))
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    return acknowledged


@pytest.mark.slow
def test_kill_nine_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Thirty processes one after the other on one folder, each killed somewhere."""
    chance = random.Random(20260102)
    acknowledged: list[tuple[int, str, int]] = []
    for run in range(30):
        acknowledged += run_and_kill(tmp_path, run, chance)
    found = everything_in(tmp_path)
    assert len(acknowledged) > 300
    for last, batch, count in acknowledged:
        expected = [f"{batch}-{n}" for n in range(count)]
        assert [one.id for one in found[last - count + 1 : last + 1]] == expected
    ids = [one.id for one in found]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("repair_fails", [False, True])
async def test_a_refusing_disk_acknowledges_nothing_and_works_again_later(
    tmp_path: Path, call: str, code: int, repair_fails: bool
) -> None:
    disk = FailingDisk()
    disk.error = code
    spool = Spool.open(tmp_path, SEALER, segment_bytes=900, max_bytes=ROOM, disk=disk)
    kept: list[Event] = []
    for number in range(0, 40, 2):
        batch = [event(number), event(number + 1)]
        if number % 8 == 6:
            disk.partial = number * 7
            disk.refuse = {call} | ({"truncate", "unlink"} if repair_fails else set())
            before = spool.last_offset
            with pytest.raises(StorageError) as caught:
                await spool.append(batch)
            assert caught.value.hint
            assert os.strerror(code) in caught.value.message
            assert spool.last_offset == before
            assert everything(spool) == kept, "what was acknowledged can be read meanwhile"
            disk.refuse = set()
        assert await spool.append(batch) == len(kept) + 1
        kept += batch
    assert everything(spool) == kept
    await spool.close()

    again = spool_on(tmp_path)
    assert everything(again) == kept
    await again.close()


def test_death_at_any_disk_call(tmp_path: Path) -> None:
    """The log under the spool, killed at every call; a write then leaves half of its bytes."""
    for call in range(200):
        folder = tmp_path / str(call)
        folder.mkdir()
        acknowledged: list[Event] = []
        died = False
        try:
            log = log_on(folder, KillingDisk(call))
            for number in range(12):
                log.append(pack(encode([event(number)])), 1)
                acknowledged.append(event(number))
            log.prune(3)
        except KilledHere:
            died = True
        found = log_on(folder, Disk())
        kept = [one for _, one in found.read(-1, 100)]
        assert found.last_offset in {len(acknowledged) - 1, len(acknowledged)}
        first = max(found.first_offset, 0)
        assert kept[: len(acknowledged) - first] == acknowledged[first:]
        following = found.last_offset + 1
        assert found.append(pack(encode([event(99)])), 1) == following
        found.close()
        if not died:
            assert call > 30
            return
    raise AssertionError("the log never came to its end")


def test_death_while_everything_goes(tmp_path: Path) -> None:
    """Killed at every call of emptying and of what follows: no offset is given out again."""
    for call in range(200):
        folder = tmp_path / str(call)
        folder.mkdir()
        acknowledged, died = -1, False
        try:
            log = log_on(folder, KillingDisk(call))
            for number in range(9):
                acknowledged = log.append(pack(encode([event(number)])), 1)
                if number % 3 == 2:
                    log.prune(acknowledged, last_too=True)
        except KilledHere:
            died = True
        found = log_on(folder, Disk())
        assert found.last_offset in {acknowledged, acknowledged + 1}
        kept = found.read(-1, 100)
        assert [offset for offset, _ in kept] == [int(one.id, 16) for _, one in kept]
        following = found.last_offset + 1
        assert found.append(pack(encode([event(following)])), 1) == following
        found.prune(following, last_too=True)
        found.close()
        assert len(segments(folder)) == 1
        again = log_on(folder, Disk())
        assert (again.first_offset, again.last_offset) == (-1, following)
        again.close()
        if not died:
            assert call > 30
            return
    raise AssertionError("the log never came to its end")


def test_power_loss_after_everything_went(tmp_path: Path) -> None:
    disk = PowerLossDisk()
    log = log_on(tmp_path, disk)
    for number in range(3):
        log.append(pack(encode([event(number)])), 1)
    log.prune(2, last_too=True)
    disk.power_loss(tmp_path)
    found = log_on(tmp_path, Disk())
    assert (found.first_offset, found.last_offset) == (-1, 2)
    found.close()


async def test_no_room_for_a_new_segment(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.error = errno.ENOSPC
    disk.refuse = {"create"}
    spool = Spool.open(tmp_path, SEALER, segment_bytes=1, max_bytes=ROOM, disk=disk)
    for _ in range(3):
        with pytest.raises(StorageError, match="No space left"):
            await spool.append([event(0)])
    disk.refuse = set()
    assert await spool.append([event(0)]) == 0
    disk.refuse = {"create"}
    with pytest.raises(StorageError, match="No space left"):
        await spool.append([event(1)])
    assert everything(spool) == [event(0)]
    disk.refuse = set()
    assert await spool.append([event(1)]) == 1
    await spool.close()


async def test_a_fresh_segment_that_failed_and_stayed_is_passed_over(tmp_path: Path) -> None:
    disk = FailingDisk()
    spool = Spool.open(tmp_path, SEALER, segment_bytes=1, max_bytes=ROOM, disk=disk)
    await spool.append([event(0)])
    disk.refuse = {"fsync", "unlink"}
    with pytest.raises(StorageError):
        await spool.append([event(1)])
    disk.refuse = set()
    assert await spool.append([event(1)]) == 1
    await spool.close()
    assert len(segments(tmp_path)) == 3
    spool = spool_on(tmp_path)
    assert everything(spool) == [event(0), event(1)]
    assert spool.torn_bytes > 0
    assert len(segments(tmp_path)) == 2
    await spool.close()


async def test_a_torn_tail_is_cut_once_and_reported(tmp_path: Path) -> None:
    spool = spool_on(tmp_path)
    await spool.append([event(0)])
    await spool.close()
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"BLK1" + bytes(7))
    for torn in (11, 0):
        spool = spool_on(tmp_path)
        assert spool.torn_bytes == torn
        assert everything(spool) == [event(0)]
        assert path.read_bytes() == whole
        await spool.close()


async def test_what_an_opening_serves_is_durable_first(tmp_path: Path) -> None:
    """A killed process leaves blocks that no sync covered; a consumer must not run ahead."""
    spool = spool_on(tmp_path)
    await spool.append([event(0)])
    await spool.close()
    disk = PowerLossDisk()  # knows of no earlier sync
    spool = spool_on(tmp_path, disk)
    served = everything(spool)
    await spool.close()
    disk.power_loss(tmp_path)
    spool = spool_on(tmp_path)
    assert everything(spool) == served == [event(0)]
    await spool.close()


async def test_a_segment_whose_sync_failed_is_never_written_again(tmp_path: Path) -> None:
    disk = FailingDisk()
    spool = spool_on(tmp_path, disk)
    await spool.append([event(0)])
    disk.refuse = {"fsync"}
    with pytest.raises(StorageError, match="Input/output error"):
        await spool.append([event(1)])
    disk.refuse = set()
    await spool.append([event(2)])
    await spool.append([event(3)])
    first, second = segments(tmp_path)
    assert (first.name, second.name) == ("0000000001.seg", "0000000002.seg")
    assert everything(spool) == [event(0), event(2), event(3)]
    await spool.close()


async def test_the_kernel_itself_refuses(tmp_path: Path) -> None:
    """A real limit instead of an injected one: RLIMIT_FSIZE makes writes short, then EFBIG."""
    code = (
        "import resource, signal, asyncio, sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from test_spool_crash import spool_on, event, everything, StorageError\n"
        "async def main():\n"
        "    spool = spool_on(Path(sys.argv[1]))\n"
        "    await spool.append([event(0)])\n"
        "    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        await spool.append([event(n) for n in range(1, 200)])\n"
        "    except StorageError as error:\n"
        "        assert 'File too large' in str(error), error\n"
        "    else:\n"
        "        raise SystemExit('the write went through')\n"
        "    assert everything(spool) == [event(0)]\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "    assert await spool.append([event(1)]) == 1\n"
        "    await spool.close()\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, complaint = await child.communicate()
    assert child.returncode == 0, complaint.decode()
    spool = spool_on(tmp_path)
    assert everything(spool) == [event(0), event(1)]
    await spool.close()


async def fill_until_power_loss(folder: Path, disk: PowerLossDisk) -> list[Event]:
    """Append, lose the power after the last acknowledgement; return what was acknowledged."""
    spool = spool_on(folder, disk)
    kept: list[Event] = []
    for number in range(60):
        await spool.append([event(number)])
        kept.append(event(number))
        if number == 40:
            await spool.close()
            spool = spool_on(folder, disk)
    await spool.close()
    await asyncio.to_thread(disk.power_loss, folder.parent.parent)
    return kept


async def test_power_loss_after_the_answer_loses_nothing(tmp_path: Path) -> None:
    kept = await fill_until_power_loss(tmp_path / "data" / "spool", PowerLossDisk())
    spool = spool_on(tmp_path / "data" / "spool")
    assert everything(spool) == kept
    await spool.close()


async def test_without_its_syncs_the_spool_would_lose_events(tmp_path: Path) -> None:
    """The test above can fail: a disk that lies about syncs loses what was acknowledged."""
    folder = tmp_path / "data" / "spool"
    kept = await fill_until_power_loss(folder, PowerLossDisk(honest=False))
    spool = spool_on(folder)
    assert len(everything(spool)) < len(kept)
    await spool.close()
