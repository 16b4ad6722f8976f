"""The blind windows on their page, on today's page, and over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from console_house import START, House, browsing, signed_in_as

from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.incident import Role

HOUR = timedelta(hours=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    stopped = BlindWindow(
        id="w1", cause=Cause.STOPPED, source="", begin=START - 9 * HOUR, seen=START, end=START
    )
    silent = BlindWindow(id="w2", cause=Cause.SILENCE, source="crm", begin=START, seen=START)
    opened.now_in_store(lambda tx: [tx.blind.put(one) for one in (stopped, silent)])
    yield opened
    opened.close()


async def test_the_page_in_french(house: House) -> None:
    async with signed_in_as(house, Role.ADMIN, language="fr") as browser:
        status, page = await browser.get("/blind-windows")
    assert status == 200
    assert "Périodes sans visibilité" in page
    assert page.index("Une source est silencieuse") < page.index("Sentinel ne fonctionnait pas")
    assert "toutes les sources" in page
    assert "en cours" in page


async def test_the_page_in_english(house: House) -> None:
    async with signed_in_as(house, language="en") as browser:
        _, page = await browser.get("/blind-windows")
        _, today = await browser.get("/")
    assert "what senders did not send again afterwards was not received" in page
    assert 'href="/blind-windows"' in today


async def test_the_api(house: House) -> None:
    async with browsing(house) as browser:
        assert (await browser.client.get("/api/v1/blind-windows")).status == 401
    async with signed_in_as(house) as browser:
        told = json.loads((await browser.get("/api/v1/blind-windows"))[1])
        assert [one["id"] for one in told["windows"]] == ["w2", "w1"]
        assert told["windows"][0]["to"] is None
        assert told["windows"][1]["title"]["fr"] == "Sentinel ne fonctionnait pas"
        for query, ids in {
            "source=www": ["w1"],
            "open=1": ["w2"],
            "until=2026-03-05T12:00": ["w1"],
            "since=2026-03-05T13:30:01Z": ["w2"],
        }.items():
            told = json.loads((await browser.get(f"/api/v1/blind-windows?{query}"))[1])
            assert [one["id"] for one in told["windows"]] == ids, query
