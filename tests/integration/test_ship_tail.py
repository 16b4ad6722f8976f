"""Files followed through what rotation does to them; nginx and Apache writing real ones."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from ship_house import (
    COMBINED,
    FULL,
    LINES,
    House,
    Program,
    free_port,
    line_paths,
    needs,
    paths_of,
    until,
)

WEB = {"format": "nginx_combined", "profile": "nginx-site"}


def settings(folder: Path, *patterns: str, **tail: Any) -> dict[str, Any]:
    paths = [str(folder / pattern) for pattern in patterns or ("access.log",)]
    table = {"paths": paths, "poll_seconds": 0.05, **tail}
    return {"sources": [{"name": "www", "kind": "tail", "tail": table, **WEB}]}


def lines(first: int, last: int) -> str:
    return "".join(COMBINED.format(number) + "\n" for number in range(first, last))


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    running = await House(tmp_path, settings(tmp_path)).start()
    yield running
    await running.stop()


async def holds(house: House, count: int) -> None:
    await until(lambda: len(house.events("www")) >= count)
    await asyncio.sleep(0.3)  # what would come twice comes now
    events = house.events("www")
    assert paths_of(events) == line_paths(count)
    assert len({event.id for event in events}) == count


async def test_a_file_that_appears_later_and_a_last_line_that_waits(
    house: House, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    await asyncio.sleep(0.1)
    append(log, lines(0, 10))
    await holds(house, 10)
    append(log, COMBINED.format(10)[:40])
    await asyncio.sleep(0.3)
    assert len(house.events()) == 10
    append(log, COMBINED.format(10)[40:] + "\n")
    await holds(house, 11)


def renamed(log: Path) -> None:
    log.rename(log.with_name("access.log.1"))


def copied(log: Path) -> None:
    shutil.copy(log, log.with_name("access.log.1"))
    os.truncate(log, 0)


def compressed(log: Path) -> None:
    log.with_name("access.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()


def shift(folder: Path, number: int) -> None:
    for ending in ("", ".gz"):
        old = folder / f"access.log.1{ending}"
        if old.exists():
            old.rename(folder / f"access.log.{number}{ending}")


ROTATIONS = [renamed, copied, compressed]


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
@pytest.mark.parametrize("rotate", ROTATIONS)
async def test_rotation_while_following(
    tmp_path: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    house = await House(tmp_path, settings(tmp_path, pattern)).start()
    log = tmp_path / "access.log"
    for number in range(0, 40, 10):
        append(log, lines(number, number + 5))
        await holds(house, number + 5)
        append(log, lines(number + 5, number + 10))  # not read when it is rotated, perhaps
        rotate(log)
        shift(tmp_path, number + 2)
        append(log, "")
        await holds(house, number + 10)
    await house.stop()


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
@pytest.mark.parametrize("rotate", ROTATIONS)
async def test_rotation_while_nobody_follows(
    tmp_path: Path, rotate: Callable[[Path], None], pattern: str
) -> None:
    log = tmp_path / "access.log"
    append(log, lines(0, 10))
    house = await House(tmp_path, settings(tmp_path, pattern)).start()
    await holds(house, 10)
    await house.stop()
    append(log, lines(10, 20))
    rotate(log)
    append(log, lines(20, 30))
    house = await House(tmp_path, settings(tmp_path, pattern)).start()
    await holds(house, 30)
    await house.stop()


async def test_a_lost_checkpoint_doubles_nothing(tmp_path: Path) -> None:
    """What a ``kill -9`` between the spool and the checkpoint leaves: a checkpoint that is old."""
    log, state = tmp_path / "access.log", tmp_path / "data" / "tail" / "www.json"
    append(log, lines(0, 10))
    house = await House(tmp_path, settings(tmp_path, batch_lines=3)).start()
    await holds(house, 10)
    old = state.read_bytes()
    append(log, lines(10, 20))
    await holds(house, 20)
    await house.stop()
    state.write_bytes(old)
    append(log, lines(20, 25))
    house = await House(tmp_path, settings(tmp_path)).start()
    await holds(house, 25)
    await house.stop()
    state.unlink()
    house = await House(tmp_path, settings(tmp_path)).start()
    await asyncio.sleep(0.3)
    await holds(house, 25)
    await house.stop()


async def test_the_same_first_line_after_a_cut_is_another_file(
    house: House, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    for number in range(3):
        log.write_text(COMBINED.format(0) + "\n")
        await until(lambda wanted=number + 1: len(house.events()) == wanted)  # type: ignore[misc]
        os.truncate(log, 0)
        await asyncio.sleep(0.2)
    assert len({event.id for event in house.events()}) == 3


async def test_start_at_the_end_and_passed_over_names(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    append(log, lines(100, 110))
    append(tmp_path / "access.log.tmp", lines(200, 210))
    options = settings(tmp_path, "access.log*", start="end", exclude=["*.tmp"])
    house = await House(tmp_path, options).start()
    await asyncio.sleep(0.3)
    append(log, lines(0, 5))
    await holds(house, 5)
    await house.stop()


async def test_a_header_reads_the_lines_of_later_batches(tmp_path: Path) -> None:
    options = settings(tmp_path, "facts.csv", batch_lines=2)
    options["sources"][0] |= {"format": "csv", "profile": "business-facts"}
    head = "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at\n"
    row = "ticket,T{},C00123,a.martin,s,identity,,2026-01-02T03:00:00Z,,2026-01-02T03:00:00Z\n"
    append(tmp_path / "facts.csv", head + "".join(row.format(n) for n in range(7)))
    for wanted in (7, 9):
        house = await House(tmp_path, options).start()
        await until(lambda wanted=wanted, house=house: len(house.events()) == wanted)  # type: ignore[misc]
        assert [event.get("fact.id") for event in house.events()] == [
            f"T{n}" for n in range(wanted)
        ]
        await house.stop()
        append(tmp_path / "facts.csv", row.format(7) + row.format(8))


async def test_a_long_line_is_kept_as_its_start(tmp_path: Path) -> None:
    options = settings(tmp_path) | {"collector": {"max_line_bytes": 200}}
    append(tmp_path / "access.log", lines(0, 1) + "x" * 3_000_000 + "\n" + lines(1, 2))
    house = await House(tmp_path, options).start()
    await until(lambda: len(house.events()) == 3)
    assert paths_of(house.events()) == ["/line/0", "", "/line/1"]
    await house.stop()


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log {folder}/access.log combined;
  keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""
APACHE = """
ServerRoot /etc/apache2
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
Listen 127.0.0.1:{port}
ServerName localhost
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
ErrorLog {folder}/error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {folder}/access.log combined
KeepAlive On
MaxKeepAliveRequests 0
RedirectMatch 204 ^/line/
"""


async def ask(port: int, numbers: range) -> None:
    """Ask for some pages on one connection, reading the answers meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = asyncio.create_task(reader.read())
    for first in range(numbers.start, numbers.stop, 500):
        few = range(first, min(first + 500, numbers.stop))
        asked = [_request(number, last=number == numbers[-1]) for number in few]
        writer.write("".join(asked).encode())
        await writer.drain()
    got = await answers
    writer.close()
    assert got.count(b"HTTP/1.1 20") == len(numbers)


def _request(number: int, *, last: bool) -> str:
    end = "Connection: close\r\n" if last else ""
    return f"GET /line/{number} HTTP/1.1\r\nHost: localhost\r\n{end}\r\n"


PROGRAMS = {"nginx": "nginx", "apache": "apache2"}


def server(name: str, program: str, folder: Path, port: int) -> Program:
    conf = folder / f"{name}.conf"
    if name == "nginx":
        conf.write_text(NGINX.format(folder=folder, port=port))
        return Program(program, "-c", conf, "-e", folder / "error.log")
    conf.write_text(APACHE.format(folder=folder, port=port))
    return Program(program, "-f", conf, "-DFOREGROUND")


@pytest.mark.parametrize("way", ["rename", "copytruncate"])
@pytest.mark.parametrize("name", ["nginx", "apache"])
async def test_a_web_server_under_rotation(
    house: House, tmp_path: Path, name: str, way: str
) -> None:
    program = needs(PROGRAMS[name])
    port, log = free_port(), tmp_path / "access.log"
    os.chmod(tmp_path, 0o755)  # noqa: PTH101
    running = server(name, program, tmp_path, port)
    step = LINES // 10
    try:
        await until((tmp_path / f"{name}.pid").exists)
        await asyncio.sleep(0.3)
        for turn in range(10):
            await ask(port, range(turn * step, (turn + 1) * step))
            begun = turn * step  # each file is seen before it goes, though not all of it is read
            await until(lambda begun=begun: house.spool.last_offset >= begun)  # type: ignore[misc]
            if way == "copytruncate":
                await asyncio.sleep(0.1)  # the last answers are written to the log after them
                shutil.copy(log, tmp_path / f"access.log.{turn}")
                os.truncate(log, 0)
            else:
                log.rename(tmp_path / f"access.log.{turn}")
                running.signal(signal.SIGUSR1)
                await until(log.exists)
                await asyncio.sleep(1.0 if name == "apache" else 0.2)
        await house.until(LINES)
    finally:
        said = running.end()
    events = house.events("www")
    assert paths_of(events) == line_paths(LINES), said
    assert len({event.id for event in events}) == LINES
    assert FULL or LINES == 500
