"""The crash suite: a thousand ends of the service, and what was lost, doubled or left unsaid.

``python tests/crash/crash_suite.py --runs 1000`` prints the figures and exits 1 where one that
must be nought is not. A *run* is one life of the real service, or of the spool on a disk that
forgets, and its end. ``--without-fsync`` takes the fsync out of that disk: the suite must fail.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from crash_life import Forked, begin_life
from crash_power import power_run
from crash_sender import Sender, Writer, now
from crash_verdict import Figures, Interval, judge

from sentinel.store import frames
from sentinel.store.frames import NO_LINK, Head

LIVES_A_HOUSE = 25
ROOM = "48m"


class House:
    """A data directory and the lives that are spent in it."""

    def __init__(self, folder: Path, chance: random.Random, figures: Figures) -> None:
        self.folder = folder
        self.chance = chance
        self.figures = figures
        self.sender = Sender(chance)
        self.writer = Writer(chance, folder / "log")
        self.blind: list[Interval] = []
        self._dead_since: datetime | None = None

    def begin(self, *, settle: bool = False) -> tuple[Forked, str]:
        """Start a life; return it and where it listens."""
        life = begin_life(self.folder, settle=settle)
        url = life.hear().decode().strip()
        if not url:
            raise AssertionError((self.folder / "complaints").read_text()[-3000:])
        if not settle:
            self.writer.write()
        if self._dead_since is not None:
            self.blind.append((self._dead_since, now()))
            self._dead_since = None
        return life, url

    def dies(self) -> None:
        """Note that from now on nobody listens."""
        self.sender.forget_refusal()
        self._dead_since = now()

    def send_for(self, url: str, seconds: float) -> None:
        """Send batch after batch."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.sender.send(url):
            pass


def killed(house: House) -> None:
    """`kill -9` while batches are under way, at a moment that nobody chose."""
    life, url = house.begin()
    pause = house.chance.choice([0.001, 0.01, 0.05, 0.2]) * house.chance.random()
    house.send_for(url, 0.05 * house.chance.random())
    killer = os.fork()
    if killer == 0:
        time.sleep(pause)
        life.kill(signal.SIGKILL)
        os._exit(0)
    while house.sender.send(url):
        pass
    house.dies()
    os.waitpid(killer, 0)
    assert life.wait() == -signal.SIGKILL


def torn(house: House) -> None:
    """A kill that leaves half of a block at the end of the spool."""
    killed(house)
    segments = sorted((house.folder / "data" / "spool").glob("*.seg"))
    if not segments:
        return
    body = house.chance.randbytes(house.chance.randrange(20, 400))
    head = frames.write_head(Head(len(body) + frames.TAG_BYTES, 3, 10**6, 10**6 + 2, NO_LINK))
    torn_block = (head + body)[: house.chance.randrange(1, frames.HEAD_BYTES)]
    if house.chance.random() < 0.3:
        torn_block = bytes(house.chance.randrange(1, 5000))  # space that was given and not filled
    with segments[-1].open("ab") as file:
        file.write(torn_block)
    house.figures.torn_tails_made += 1


def stopped(house: House) -> None:
    """A stop as an administrator does it."""
    life, url = house.begin()
    house.send_for(url, 0.2 * house.chance.random())
    life.kill(signal.SIGTERM)
    assert life.wait() == 0
    house.dies()


def sender_restarts(house: House) -> None:
    """The sender dies before the answer comes, starts again and sends the same once more."""
    life, url = house.begin()
    for _ in range(house.chance.randrange(1, 5)):
        house.send_for(url, 0.02 * house.chance.random())
        house.sender.send(url, hang_up=True)
        time.sleep(0.003 * house.chance.random())
        house.sender.send(url)
    life.kill(signal.SIGKILL)
    house.dies()
    life.wait()


def rotated(house: House) -> None:
    """The followed file gets another name, with and without a service, and in the middle of it."""
    _turn_over(house, house.writer.rotate)


def truncated(house: House) -> None:
    """The followed file is copied and cut, with and without a service, and in the middle of it."""
    _turn_over(house, house.writer.copy_and_truncate)


def _turn_over(house: House, change: Callable[[], None]) -> None:
    life, url = house.begin()
    for _ in range(house.chance.randrange(1, 4)):
        house.writer.write()
        time.sleep(house.chance.choice([0, 0.02, 0.08]))
        change()
        house.send_for(url, 0.02 * house.chance.random())
        house.writer.write()
    time.sleep(house.chance.choice([0, 0, 0.03, 0.1]))
    life.kill(signal.SIGKILL)
    house.dies()
    life.wait()
    if house.chance.random() < 0.5:  # while nobody looks
        house.writer.write()
        change()
        house.writer.write()


def disk_full(house: House) -> None:
    """The disk (a real one, small) fills up under the service, and has room again, or it dies."""
    life, url = house.begin()
    house.send_for(url, 0.05)
    ballast = house.folder / "data" / "ballast"
    _fill(ballast, house.chance)
    for _ in range(house.chance.randrange(4, 12)):
        house.sender.send(url)
        time.sleep(0.01)
    if house.chance.random() < 0.4:
        life.kill(signal.SIGKILL)
        house.dies()
        life.wait()
        ballast.unlink()
        return
    ballast.unlink()
    deadline = time.monotonic() + 60
    while not house.sender.send(url):  # by itself, without a restart
        if time.monotonic() > deadline:
            complaints = (house.folder / "complaints").read_text()[-3000:]
            raise AssertionError(f"not taken up again: {house.sender.last}\n{complaints}")
        time.sleep(0.02)
    house.send_for(url, 0.05)
    life.kill(signal.SIGKILL)
    house.dies()
    life.wait()


def _fill(path: Path, chance: random.Random) -> None:
    piece = 1 << 20
    with path.open("wb", buffering=0) as file:
        while piece:
            try:
                file.write(bytes(piece))
            except OSError:
                piece //= 4
        left = chance.choice([0, 0, 1, 3, 9]) * 4096
        file.truncate(max(0, file.tell() - left))


KINDS: dict[str, tuple[Callable[[House], None], int]] = {
    "kill -9": (killed, 10),
    "torn tail": (torn, 4),
    "full disk": (disk_full, 4),
    "restart of the sender": (sender_restarts, 4),
    "rotation": (rotated, 4),
    "truncation": (truncated, 4),
    "stop": (stopped, 1),
}


def spend_house(runs: int, chance: random.Random, figures: Figures, root: Path) -> None:
    """Spend ``runs`` lives in a fresh house on a small disk of its own, then judge it."""
    with tempfile.TemporaryDirectory(dir=root) as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir()
        small = _mount(data)
        kinds = [kind for kind in KINDS if small or kind != "full disk"]
        weights = [KINDS[kind][1] for kind in kinds]
        house = House(folder, chance, figures)
        try:
            for kind in chance.choices(kinds, weights, k=runs):
                KINDS[kind][0](house)
                figures.runs[kind] += 1
            _last_life(house)
            figures.rotations += house.writer.rotations
            figures.truncations += house.writer.truncations
            judge(folder, (house.sender, house.writer), house.blind, figures)
        finally:
            if small:
                subprocess.run(["umount", "-l", str(data)], check=True)


def _last_life(house: House) -> None:
    """Let everything be acknowledged and judged."""
    life, url = house.begin()
    house.writer.finish()
    while house.sender.bursting:
        assert house.sender.send(url), "the last life refuses"
    life.kill(signal.SIGTERM)
    assert life.wait() == 0
    house.dies()
    life, _ = house.begin(settle=True)
    assert life.wait() == 0, (house.folder / "complaints").read_text()[-3000:]


def _mount(folder: Path) -> bool:
    """Give the house a real file system that can be full. False where this needs more rights."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "crash-suite", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(runs: int, *, seed: int, fsync: bool = True, power_share: float = 0.3) -> Figures:
    """Spend about ``runs`` runs; return the figures."""
    chance, figures = random.Random(seed), Figures()
    root = Path(tempfile.mkdtemp(prefix="crash-suite-"))
    try:
        power_runs = round(runs * power_share)
        for number in range(power_runs):
            folder = root / f"power-{number}"
            asyncio.run(power_run(folder, chance, figures, fsync=fsync))
            shutil.rmtree(folder, ignore_errors=True)
        left = runs - power_runs
        while left > 0:
            here = min(left, LIVES_A_HOUSE)
            try:
                spend_house(here, chance, figures, root)
            except (AssertionError, OSError) as error:
                figures.broken_houses += 1
                figures.notes.append(f"a house could not be judged: {error}"[:2000])
            left -= here
            print(json.dumps(vars(figures) | {"left": left}), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return figures


def main() -> int:
    """Run the suite from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260102)
    parser.add_argument("--power-share", type=float, default=0.3)
    parser.add_argument("--without-fsync", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    figures = run(
        options.runs,
        seed=options.seed,
        fsync=not options.without_fsync,
        power_share=options.power_share,
    )
    cpu = sum(os.times()[:4])
    told = vars(figures) | {
        "all_runs": figures.runs.total(),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(cpu, 1),
        "faults": figures.faults,
    }
    print(json.dumps(told, indent=2))
    return int(figures.faults > 0)


if __name__ == "__main__":
    sys.exit(main())
