"""The API: JSON for a session, problem details otherwise, a probe without data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_house import House, browsing, furnish, signed_in_as

from sentinel.domain.incident import Role


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    furnish(opened)
    yield opened
    opened.close()


async def test_health_needs_no_session_and_says_nothing_else(house: House) -> None:
    async with browsing(house) as browser:
        status, body = await browser.get("/api/v1/health")
    assert (status, json.loads(body)) == (200, {"status": "ok", "rules": "current"})


@pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/incidents", "/api/v1/incidents/x"])
async def test_without_a_session_it_is_401_as_a_problem(house: House, path: str) -> None:
    async with browsing(house) as browser:
        response = await browser.client.get(path)
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["status"] == 401


async def test_alerts(house: House) -> None:
    async with signed_in_as(house) as browser:
        body = json.loads((await browser.get("/api/v1/alerts?state=open"))[1])
        assert json.loads((await browser.get("/api/v1/alerts?state=dismissed"))[1])["alerts"] == []
    (alert,) = body["alerts"]
    assert alert["rule"] == "leaver_bulk_export"
    assert alert["refs"] == ["crm#crm-000123"]
    assert alert["first"] == "2026-03-05T11:30:00.000Z"
    assert alert["reasons"][0]["text"] == "the employment ends on 2026-03-09"


async def test_incidents_with_their_clocks(house: House) -> None:
    async with signed_in_as(house) as browser:
        listed = json.loads((await browser.get("/api/v1/incidents"))[1])["incidents"]
        one = json.loads((await browser.get("/api/v1/incidents/INC-2026-0001"))[1])
    assert listed == [one]
    assert one["aware_at"] == "2026-03-05T13:20:00.000Z"
    assert one["deadlines"][0]["due_at"] == "2026-03-08T13:20:00.000Z"


async def test_unknown_incident_is_a_404_problem(house: House) -> None:
    async with signed_in_as(house) as browser:
        response = await browser.client.get("/api/v1/incidents/none")
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["title"] == "Not Found"


async def test_an_administrator_gets_a_403_problem(house: House) -> None:
    async with signed_in_as(house, Role.ADMIN) as browser:
        response = await browser.client.get("/api/v1/incidents")
        assert response.status == 403
        assert response.content_type == "application/problem+json"
