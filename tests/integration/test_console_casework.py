"""A case from the first call to its closing, by two people, in the console alone, fr and en."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import FormData
from console_house import START, Browser, House, browsing, furnish

from sentinel.config import Settings
from sentinel.domain.incident import Authority, Incident, Legal, Outcome, Persons, Role
from sentinel.domain.record import Evidence, Proposal, Task
from sentinel.respond.journal_check import verify_journal

WHY = "The access log shows the whole story, line by line"
PAGES = ("qualification", "decisions", "timeline", "tasks", "evidence", "sheet")
PROPOSAL = re.compile(r'name="proposal_id" value="([^"]+)"')


def local(instant: datetime) -> str:
    return instant.astimezone(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


@asynccontextmanager
async def two_people(house: House) -> AsyncIterator[tuple[Browser, Browser]]:
    people = [
        house.account("c.commander", Role.COMMANDER, Role.DPO),
        house.account("d.dpo", Role.DPO, Role.LEGAL),
    ]
    async with browsing(house) as first, browsing(house) as second:
        for browser, made in zip((first, second), people, strict=True):
            assert (await browser.sign_in(made)).status == 303
        yield first, second


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_shows_with_its_clocks(house: House, language: str) -> None:
    made = house.account("reader", Role.COMMANDER, language=language)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        for name in PAGES:
            status, body = await browser.get(f"/incidents/incident-1/{name}")
            assert status == 200, name
            assert ("Notification initiale à la CNIL" in body) == (language == "fr"), name
        status, body = await browser.get("/intake")
        assert status == 200
        assert ("sous-traitant" in body) == (language == "fr")


async def post(browser: Browser, house: House, incident_id: str, path: str, **given: str):
    version = house.now_in_store(lambda tx: tx.incidents.get(incident_id).version)
    return await browser.post(
        f"/incidents/{incident_id}/{path}",
        form=f"/incidents/{incident_id}/decisions",
        version=str(version),
        back="/decisions",
        **given,
    )


async def test_from_a_call_to_the_closing_by_two_people(house: House) -> None:
    async with two_people(house) as (first, second):
        opened = await first.post(
            "/intake",
            form="/intake",
            channel="phone",
            title="Letters to the wrong person",
            description="A customer got the invoice of somebody else.",
            received_at=local(START - timedelta(hours=2)),
        )
        assert opened.status == 303
        case = opened.headers["Location"].split("/")[2].split("?")[0]

        def now() -> Incident:
            return house.now_in_store(lambda tx: tx.incidents.get(case))

        assert (now().legal, now().channel) == (Legal.SIGNAL, "phone")

        async def do(browser: Browser, name: str, **given: str) -> None:
            answer = await post(browser, house, case, name, **given)
            assert answer.status == 303, (name, await answer.text())

        await do(first, "do/triage")
        await do(first, "do/start_investigation")
        await do(first, "do/extend_investigation", hours="12", reason=WHY)
        aware = local(START - timedelta(minutes=5))
        await do(first, "do/confirm_breach", aware_at=aware, basis=WHY)
        await do(first, "do/contain", note="The letters were called back")
        await do(first, "answers", field="qual.personal_data", value="yes")
        await do(first, "answers", field="qual.kinds", value="confidentiality")
        await do(
            first,
            "answers",
            field="qual.numbers",
            unknown="1",
            owner="dpo",
            due=local(START + timedelta(hours=5)),
        )
        await do(
            first,
            "score",
            dpc="1",
            ei="maximum",
            confidentiality="0.25",
            integrity="0",
            availability="0",
            malicious_intent="0",
            individuals="1",
        )
        await do(first, "do/add_task", title="Write to the customer", owner="dpo")
        [task] = house.now_in_store(lambda tx: tx.records.find(Task, case))
        await do(second, "do/complete_task", task_id=task.id, result="Written")
        await do(
            first,
            "do/add_note",
            text="The second letter is back",
            occurred_at=local(START - timedelta(minutes=1)),
        )
        await do(second, "do/qualify", outcome="register", reasons=WHY)
        assert now().outcome is Outcome.REGISTER
        assert now().departs_from == ""
        await do(second, "do/record_persons", state="exempt", reasons=WHY)
        await do(second, "propose/decide_no_notification", reasons=WHY)
        [proposal] = house.now_in_store(lambda tx: tx.records.find(Proposal, case))
        alone = await post(second, house, case, "do/approve_proposal", proposal_id=proposal.id)
        assert alone.status == 409
        await do(first, "do/approve_proposal", proposal_id=proposal.id)
        assert (now().authority, now().persons) == (Authority.NOT_DUE, Persons.EXEMPT)
        clocks = house.now_in_store(lambda tx: tx.incidents.deadlines(case, open_only=True))
        for clock in clocks:  # what an unknown status as a telecom provider warns of
            await do(second, "do/waive_deadline", deadline_id=clock.id, reason=WHY)
        await do(first, "propose/close", outcome="register", reason=WHY)
        page = (await second.get(f"/incidents/{case}/decisions"))[1]
        found = PROPOSAL.search(page)
        assert found is not None
        await do(second, "do/approve_proposal", proposal_id=found[1])
        assert now().legal is Legal.CLOSED
        for name in PAGES:
            assert (await first.get(f"/incidents/{case}/{name}"))[0] == 200, name
    assert house.now_in_store(verify_journal) == []


async def test_the_slower_of_two_sees_what_changed_and_nothing_is_done(house: House) -> None:
    async with two_people(house) as (first, second):
        given = {"form": "/account", "version": "1", "back": "/decisions"}
        done = await first.post("/incidents/incident-1/do/contain", note="Closed", **given)
        assert done.status == 303
        late = await second.post("/incidents/incident-1/do/contain", note="Closed too", **given)
        text = await late.text()
        assert late.status == 409
        assert "Somebody else was faster" in text
        assert "incident contained" in text
        assert house.now_in_store(lambda tx: tx.incidents.get("incident-1").version) == 2


async def test_a_file_becomes_evidence_and_comes_out_with_a_purpose(house: House) -> None:
    content = b"customer;name\n" * 20_000  # more than a form may otherwise carry
    async with two_people(house) as (first, _):
        form = FormData()
        form.add_field("csrf", await first.token("/account"))
        form.add_field("described", "The exported list")
        form.add_field("acquired_at", local(START - timedelta(hours=1)))
        form.add_field("file", content, filename="liste.csv", content_type="text/csv")
        url = "/incidents/incident-1/evidence"
        sent = await first.client.post(
            url, data=form, headers={"Origin": first.origin}, allow_redirects=False
        )
        assert sent.status == 303
        [kept] = house.now_in_store(lambda tx: tx.records.find(Evidence, "incident-1"))
        assert (kept.name, kept.size) == ("liste.csv", len(content))
        refused = await first.post(f"{url}/{kept.id}/export", purpose="")
        assert refused.status == 400
        out = await first.post(f"{url}/{kept.id}/export", purpose="For the expert")
        assert await out.read() == content
        page = (await first.get(url))[1]
        assert "For the expert" in page


@pytest.mark.parametrize("path", ["do/contain", "propose/close", "answers", "score", "evidence"])
async def test_an_auditor_records_nothing(house: House, path: str) -> None:
    made = house.account("a.auditor", Role.AUDITOR)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        assert (await browser.post(f"/incidents/incident-1/{path}")).status == 403
        for name in PAGES:
            status, body = await browser.get(f"/incidents/incident-1/{name}")
            assert status == 200
            assert "/do/" not in body
