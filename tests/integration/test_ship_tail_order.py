"""A followed log keeps its order through whatever rotation does to it, however fast."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from ship_house import FULL, House, line_paths, paths_of, until
from test_ship_tail import append, lines, settings

TURNS = 400 if FULL else 15


def older(log: Path) -> Path:
    """Make room for the newest of the older files, as logrotate does."""
    for path in sorted(log.parent.glob("access.log.*"), key=lambda one: -int(one.suffix[1:])):
        path.rename(path.with_suffix(f".{int(path.suffix[1:]) + 1}"))
    return log.with_suffix(".log.1")


def age_alike(folder: Path) -> None:
    """Let one step of the file system's clock see all older files."""
    for path in folder.glob("access.log.*"):
        os.utime(path, (1_760_000_000, 1_760_000_000))


def copy_and_cut(log: Path) -> None:
    shutil.copy(log, older(log))
    os.truncate(log, 0)


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
@pytest.mark.parametrize("seed", range(20 if FULL else 1))
async def test_cut_again_and_again(tmp_path: Path, pattern: str, seed: int) -> None:
    """With the copies among the files, cuts may follow each other faster than looks do."""
    chance = random.Random(seed)
    log = tmp_path / "access.log"
    house = await House(tmp_path, settings(tmp_path, pattern, batch_lines=7)).start()
    written = 0
    for _ in range(TURNS):
        count = chance.randrange(1, 30)
        append(log, lines(written, written + count))
        written += count
        if pattern == "access.log":  # a file that nobody saw before its name went is not known
            await house.until(written - count + 1)
        else:
            await asyncio.sleep(chance.choice([0, 0.01, 0.06]))
        copy_and_cut(log)
        if chance.random() < 0.1:
            await house.stop()
            house = await House(tmp_path, settings(tmp_path, pattern, batch_lines=7)).start()
    append(log, lines(written, written + 1))
    await until(lambda: len(house.events()) > written)
    await asyncio.sleep(0.2)
    assert paths_of(house.events()) == line_paths(written + 1)
    await house.stop()


async def test_what_follows_a_cut_waits_for_the_copy(tmp_path: Path) -> None:
    """The copy is somewhere else when the cut is seen, and comes back."""
    log = tmp_path / "access.log"
    house = await House(tmp_path, settings(tmp_path)).start()
    append(log, lines(0, 5))
    await house.until(5)
    append(log, lines(5, 10))
    away = tmp_path / "moving"
    shutil.copy(log, away)
    log.write_text(lines(10, 15))
    await asyncio.sleep(0.4)
    away.rename(log.with_suffix(".log.1"))
    await house.until(15)
    assert paths_of(house.events()) == line_paths(15)
    append(log, lines(15, 16))
    await house.until(16)
    log.write_text(lines(16, 18))  # no copy at all
    await house.until(18)
    assert paths_of(house.events()) == line_paths(18)
    await house.stop()


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
async def test_a_stop_while_a_copy_is_looked_for(tmp_path: Path, pattern: str) -> None:
    """The next process goes on looking: the copy is neither lost nor read as another file."""
    log = tmp_path / "access.log"
    house = await House(tmp_path, settings(tmp_path, pattern)).start()
    append(log, lines(0, 5))
    await house.until(5)
    append(log, lines(5, 10))
    away = tmp_path / "moving"
    shutil.copy(log, away)
    log.write_text(lines(10, 15))
    await asyncio.sleep(0.3)
    await house.stop()
    away.rename(log.with_suffix(".log.1"))
    house = await House(tmp_path, settings(tmp_path, pattern)).start()
    await house.until(15)
    assert paths_of(house.events()) == line_paths(15)
    assert len({event.id for event in house.events()}) == 15
    await house.stop()


async def test_older_files_are_read_to_their_end_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of each than one turn reads, in one log; another log does not wait."""
    monkeypatch.setattr("sentinel.collect.inputs.tail._A_ROUND", 2)
    log = tmp_path / "access.log"
    for number, first in ((3, 0), (2, 100), (1, 200)):
        append(log.with_suffix(f".log.{number}"), lines(first, first + 100))
    log.with_suffix(".log.3.gz").write_bytes(gzip.compress(log.with_suffix(".log.3").read_bytes()))
    log.with_suffix(".log.3").unlink()
    age_alike(tmp_path)
    append(log, lines(300, 400))
    append(tmp_path / "other.log", lines(0, 20))
    house = await House(tmp_path, settings(tmp_path, "*.log*", batch_lines=10)).start()
    await house.until(420)
    places = {name: i for i, name in enumerate(event.ref for event in house.events())}
    own = [e for e in house.events() if "other.log" not in e.ref]
    assert paths_of(own) == line_paths(400)
    assert max(i for ref, i in places.items() if "other.log" in ref) < 200
    await house.stop()


async def test_a_file_that_begins_like_another_is_read(tmp_path: Path) -> None:
    """Tables begin alike: one that goes on is no copy of one that does not."""
    options: dict[str, Any] = settings(tmp_path, "*.csv")
    options["sources"][0] |= {"format": "csv", "profile": "business-facts"}
    head = "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
    row = "ticket,T{},C00123,a.martin,s,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
    append(tmp_path / "a.csv", head)
    house = await House(tmp_path, options).start()
    await asyncio.sleep(0.2)
    append(tmp_path / "b.csv", head + row.format(0))
    await until(lambda: len(house.events()) == 1)
    await house.stop()


async def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A pipe, a folder and a link to itself among the names: none is opened or waited for."""
    log = tmp_path / "access.log"
    os.mkfifo(tmp_path / "access.log.pipe")
    log.with_suffix(".log.d").mkdir()
    log.with_suffix(".log.loop").symlink_to(log.with_suffix(".log.loop"))
    house = await House(tmp_path, settings(tmp_path, "access.log*")).start()
    append(log, lines(0, 5))
    await house.until(5)
    log.write_text(lines(5, 8))  # cut: its rest is looked for among the names
    await house.until(8)
    assert paths_of(house.events()) == line_paths(8)
    await house.stop()


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
async def test_a_cut_between_reading_and_its_mark(tmp_path: Path, pattern: str) -> None:
    """The marks tell what was read, not what stands in the file when they are written."""
    log = tmp_path / "access.log"

    class Cutting:
        """A spool under which the log is copied and cut."""

        def __init__(self, spool: Any) -> None:
            self._spool = spool
            self.done = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self._spool, name)

        async def append(self, events: Any) -> int:
            offset = await self._spool.append(events)
            if events and not self.done:
                self.done = True
                copy_and_cut(log)
                append(log, lines(10, 13))
            return int(offset)

    append(log, lines(0, 10))
    house = await House(tmp_path, settings(tmp_path, pattern, batch_lines=4)).start(Cutting)
    await until(lambda: len(house.events()) >= 13)
    await asyncio.sleep(0.3)
    assert paths_of(house.events()) == line_paths(13)
    assert len({event.id for event in house.events()}) == 13
    await house.stop()
