"""The shell loop of the nginx page does what the page says, against a real server."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest_asyncio
from aiohttp import web

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "nginx.md"


class Collector:
    """Acknowledges bodies, or refuses while it is told to."""

    def __init__(self) -> None:
        self.refusing = False
        self.refused: list[tuple[str, bytes]] = []
        self.accepted: list[tuple[str, bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer of-the-test"
        sent = (request.headers["Idempotency-Key"], await request.read())
        (self.refused if self.refusing else self.accepted).append(sent)
        return web.Response(status=503 if self.refusing else 200)

    @property
    def text(self) -> bytes:
        return b"".join(body for _, body in self.accepted)


@pytest_asyncio.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    taking = Collector()
    application = web.Application()
    application.router.add_post("/v1/events", taking.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield taking, f"http://127.0.0.1:{runner.addresses[0][1]}/v1/events"
    await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.02)


async def test_the_loop_sends_each_whole_line_once(
    collector: tuple[Collector, str], tmp_path: Path
) -> None:
    taking, url = collector
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (tmp_path / "loop.sh").write_text(next(b for b in blocks if b.startswith("#!")))
    (tmp_path / "header").write_text("Authorization: Bearer of-the-test\n")
    log = tmp_path / "access.log"
    log.write_text("first\nsecond\nhal")
    environment = {
        **os.environ, "LOG": str(log), "HEADER": str(tmp_path / "header"), "URL": url,
        "STATE": str(tmp_path / "offset"), "PAUSE": "0.05",
    }  # fmt: skip
    taking.refusing = True
    loop = await asyncio.create_subprocess_exec(
        "sh", str(tmp_path / "loop.sh"), env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: len(taking.refused) >= 2)
        assert len(set(taking.refused)) == 1  # the same lines under the same key
        taking.refusing = False
        await until(lambda: taking.text == b"first\nsecond\n")
        assert taking.accepted[0] == taking.refused[0]
        with log.open("a") as file:
            file.write("f\nfourth\n")
        await until(lambda: taking.text == b"first\nsecond\nhalf\nfourth\n")
        log.rename(tmp_path / "access.log.1")
        log.write_text("after rotation\n")
        await until(lambda: taking.text.endswith(b"fourth\nafter rotation\n"))
        assert len({key for key, _ in taking.accepted}) == len(taking.accepted)
    finally:
        loop.terminate()
        await loop.wait()
