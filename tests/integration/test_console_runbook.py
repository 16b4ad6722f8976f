"""The runbook of a case, from the shipped content: start it, do its steps, with proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_house import House, furnish, make_incident, signed_in_as

from sentinel.domain.incident import Incident, Role

BASE = "/incidents/incident-2/runbook"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    furnish(opened)
    case = make_incident("incident-2", reference="INC-2026-0002", runbook="bulk-export")
    opened.now_in_store(lambda tx: tx.incidents.put(case))
    yield opened
    opened.close()


def case(house: House) -> Incident:
    return house.now_in_store(lambda tx: tx.incidents.get("incident-2"))


async def test_a_case_without_a_runbook_says_so(house: House) -> None:
    async with signed_in_as(house) as browser:
        status, body = await browser.get("/incidents/incident-1/runbook")
        assert (await browser.post("/incidents/incident-1/runbook")).status == 404
    assert status == 200
    assert "No runbook is attached to this case." in body


@pytest.mark.parametrize(
    ("language", "word"), [("fr", "Engager la procédure"), ("en", "Start the")]
)
async def test_it_is_shown_in_the_visitor_s_language(
    house: House, language: str, word: str
) -> None:
    async with signed_in_as(house, language=language) as browser:
        status, body = await browser.get(BASE)
    assert status == 200
    assert word in body
    assert 'id="S1"' in body
    assert "I have done this step" not in body, "not before it was started"


async def test_a_step_is_done_once_with_its_proof(house: House) -> None:
    async with signed_in_as(house, Role.ANALYST) as browser:
        assert (await browser.post(BASE)).status == 303
        assert (await browser.post(BASE)).status == 409
        _, body = await browser.get(BASE)
        assert f'action="{BASE}/S1"' in body
        assert (await browser.post(f"{BASE}/S1", evidence=" ")).status == 409
        response = await browser.post(f"{BASE}/S1", evidence="crm#crm-000123")
        assert response.headers["Location"] == f"{BASE}?done=step"
        _, body = await browser.get(BASE)
    assert case(house).steps["S1"].evidence == "crm#crm-000123"
    assert f'action="{BASE}/S1"' not in body
    assert "crm#crm-000123" in body
    assert "Camille Durand" in body


async def test_only_the_role_of_a_step_gets_its_button(house: House) -> None:
    async with signed_in_as(house, Role.DPO) as browser:
        await browser.post(BASE)
        _, body = await browser.get(BASE)
        assert f'action="{BASE}/S1"' not in body, "S1 is the analyst's"
        assert (await browser.post(f"{BASE}/S1", evidence="x")).status == 409
    assert case(house).steps == {}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
async def test_administrator_and_auditor_do_not_start_it(house: House, role: Role) -> None:
    async with signed_in_as(house, role) as browser:
        assert (await browser.post(BASE)).status == 403
        assert (await browser.post(f"{BASE}/S1", evidence="x")).status == 403
    assert case(house).runbook_started_at is None


async def test_a_step_is_left_out_and_the_rest_is_stopped_with_a_reason(house: House) -> None:
    async with signed_in_as(house, Role.ANALYST) as browser:
        await browser.post(BASE)
        assert (await browser.post(f"{BASE}/S1", reason="no")).status == 409
        response = await browser.post(f"{BASE}/S1", reason="nobody answers the telephone")
        assert response.headers["Location"] == f"{BASE}?done=step"
        _, body = await browser.get(BASE)
        assert "Left out:" in body
        assert "nobody answers the telephone" in body
        response = await browser.post(BASE, reason="the export was ordered in ticket 17")
        assert response.headers["Location"] == f"{BASE}?done=runbook_stopped"
    steps = case(house).steps
    assert steps["S1"].skipped == "nobody answers the telephone"
    assert steps["S13"].skipped == "the export was ordered in ticket 17"


async def test_another_runbook_is_chosen(house: House) -> None:
    async with signed_in_as(house, Role.ANALYST) as browser:
        await browser.post(BASE)
        assert (await browser.post(BASE, runbook="leaver")).status == 303
        assert (await browser.post(BASE, runbook="../rules")).status == 404
        _, body = await browser.get(BASE)
    assert case(house).runbook == "leaver"
    assert "Leaver who kept access" in body
