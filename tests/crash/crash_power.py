"""Runs on a disk that forgets what was not synced, and fails at random.

`kill -9` leaves the page cache alive, so only such a disk shows that an acknowledgement waits for
the fsync. Taken out (``fsync=False``), these runs lose events, and the suite must say so.
"""

from __future__ import annotations

import errno
import os
import random
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from crash_verdict import Figures
from faulty_disk import PowerLossDisk

from sentinel.collect.spool import Spool
from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
BATCHES = 30


class UnreliableDisk(PowerLossDisk):
    """Loses what was not synced, and refuses a call now and then with EIO or ENOSPC."""

    def __init__(self, chance: random.Random, *, honest: bool, often: float) -> None:
        super().__init__(honest=honest)
        self._chance = chance
        self._often = often
        self.injected = 0

    def _perhaps(self) -> None:
        if self._chance.random() < self._often:
            self.injected += 1
            code = self._chance.choice([errno.EIO, errno.ENOSPC])
            raise OSError(code, os.strerror(code))

    def create(self, path: Path) -> int:
        self._perhaps()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        if self._chance.random() < self._often:
            super().write(fd, data[: self._chance.randrange(len(data) + 1)])
            self.injected += 1
            code = self._chance.choice([errno.EIO, errno.ENOSPC])
            raise OSError(code, os.strerror(code))
        super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._perhaps()
        super().fsync(fd)

    def truncate(self, path: Path, size: int) -> None:
        self._perhaps()
        super().truncate(path, size)

    def unlink(self, path: Path) -> None:
        self._perhaps()
        super().unlink(path)


async def power_run(folder: Path, chance: random.Random, figures: Figures, *, fsync: bool) -> None:
    """Fill a spool on such a disk, cut the power, and look for what was acknowledged."""
    disk = UnreliableDisk(chance, honest=fsync, often=chance.choice([0, 0.01, 0.05, 0.2]))
    spool_folder = folder / "data" / "spool"
    acknowledged: list[str] = []
    spool: Spool | None = None
    for number in range(chance.randrange(1, BATCHES)):
        batch = [_event(f"{number}-{n}") for n in range(chance.choice([1, 2, 20]))]
        with suppress(StorageError):  # refused, opening or appending: the sender keeps it
            spool = spool or _open(spool_folder, disk)
            await spool.append(batch)
            acknowledged += [event.id for event in batch]
        if spool is not None and chance.random() < 0.1:
            await spool.close()
            spool = None
    if spool is not None:
        await spool.close()
    disk.power_loss(folder)
    figures.powers_lost += 1
    figures.injected_errors += disk.injected
    figures.runs["power lost, EIO, ENOSPC"] += 1
    figures.acknowledged += len(acknowledged)
    found = await _found(spool_folder)
    figures.lost += len(set(acknowledged) - set(found))
    figures.stored_twice += len(found) - len(set(found))
    kept = set(found)
    figures.out_of_order += [i for i in found if i in set(acknowledged)] != [
        i for i in acknowledged if i in kept
    ]


def _open(folder: Path, disk: PowerLossDisk | None = None) -> Spool:
    return Spool.open(folder, SEALER, segment_bytes=6000, max_bytes=1 << 30, disk=disk)


async def _found(folder: Path) -> list[str]:
    spool = _open(folder)
    out: list[str] = []
    after = -1
    while rows := spool.read(after, limit=500):
        out += [event.id for _, event in rows]
        after = rows[-1][0]
    await spool.close()
    return out


def _event(name: str) -> Event:
    return Event(id=name, time=datetime(2026, 1, 2, tzinfo=UTC), source="crm", ref=f"crm#{name}")
