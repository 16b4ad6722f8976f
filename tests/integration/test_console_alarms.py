"""Alarms that nobody heard on the first page; alerts taken into a case, and up again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import FormData
from console_house import Browser, House, browsing, furnish

from sentinel.config import Settings
from sentinel.domain.alert import AlertState
from sentinel.domain.incident import Role
from sentinel.domain.outbox import OutboxState
from sentinel.domain.record import Evidence
from sentinel.respond import clock_watch

WHY = "The same export as in the case, seen by another rule"


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


def fail_the_alarms(house: House) -> None:
    """Ring every clock of the case and let the channel give up."""
    with house.store.begin() as tx:
        for clock in tx.incidents.deadlines(open_only=True):
            rung = msgspec.structs.replace(clock, alarms=(house.clock.now(),))
            tx.incidents.put_deadline(msgspec.structs.replace(rung, version=clock.version + 1))
        for message in clock_watch.tick(tx, house.clock.now(), lambda _: ["email"]):
            tx.outbox.mark_failed(message.id, error="no route")
        assert tx.outbox.find(state=OutboxState.FAILED)


@pytest.mark.parametrize(
    ("language", "said"),
    [("fr", "Alarmes restées sans destinataire"), ("en", "Alarms that reached nobody")],
)
async def test_what_nobody_heard_stands_first(house: House, language: str, said: str) -> None:
    made = house.account("reader", Role.COMMANDER, language=language)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        assert said not in (await browser.get("/"))[1]
        fail_the_alarms(house)
        _, body = await browser.get("/")
        assert body.index(said) < body.index('id="clocks"')
        assert "INC-2026-0001</a>" in body
        with house.store.begin() as tx:
            for clock in tx.incidents.deadlines(open_only=True):
                met = msgspec.structs.replace(clock, met_at=house.clock.now(), alarms=())
                tx.incidents.put_deadline(msgspec.structs.replace(met, version=clock.version + 1))
        assert said not in (await browser.get("/"))[1]  # the clock was met: nobody need be called


async def test_an_administrator_is_not_told_of_cases(house: House) -> None:
    fail_the_alarms(house)
    made = house.account("root", Role.ADMIN)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        _, body = await browser.get("/")
        assert "INC-2026" not in body


def open_alert(house: House) -> str:
    alerts = house.now_in_store(lambda tx: tx.alerts.find(state=AlertState.OPEN))
    return alerts[0].id


def state(house: House, alert_id: str) -> tuple[AlertState, str]:
    found = house.now_in_store(lambda tx: tx.alerts.get(alert_id))
    return found.state, found.incident_id or ""


async def test_an_alert_is_dismissed_taken_up_again_and_into_a_case(house: House) -> None:
    made, alert = house.account("c.commander", Role.COMMANDER), open_alert(house)
    page = f"/alerts/{alert}"

    async def post(browser: Browser, what: str, **fields: str) -> int:
        return (await browser.post(f"{page}/{what}", form=page, **fields)).status

    async with browsing(house) as browser:
        await browser.sign_in(made)
        assert await post(browser, "reopen", reason=WHY) == 409
        assert await post(browser, "dismiss", reason=WHY) == 303
        assert "/attach" not in (await browser.get(page))[1]
        assert await post(browser, "attach", incident="incident-1", reason=WHY) == 409
        assert await post(browser, "reopen", reason="no") == 409
        assert await post(browser, "reopen", reason=WHY) == 303
        assert state(house, alert)[0] is AlertState.ACKNOWLEDGED
        assert "INC-2026-0001" in (await browser.get(page))[1]
        assert await post(browser, "attach", incident="nothing", reason=WHY) == 404
        assert await post(browser, "attach", incident="incident-1", reason=WHY) == 303
        assert state(house, alert) == (AlertState.PROMOTED, "incident-1")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SCRIBE, Role.ADMIN])
async def test_who_may_not_is_refused(house: House, role: Role) -> None:
    made, alert = house.account("other", role), open_alert(house)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        answer = await browser.post(
            f"/alerts/{alert}/attach", form="/account", incident="incident-1", reason=WHY
        )
        assert answer.status in (403, 409)
    assert state(house, alert)[0] is AlertState.OPEN


async def test_evidence_is_taken_in_on_the_version_that_was_seen(house: House) -> None:
    made = house.account("c.commander", Role.COMMANDER)
    async with browsing(house) as browser:
        await browser.sign_in(made)
        page = "/incidents/incident-1/evidence"
        _, body = await browser.get(page)
        assert 'name="version"' in body
        for version, status in (("1", 303), ("1", 409)):
            form = FormData(
                {
                    "csrf": await browser.token(page),
                    "version": version,
                    "described": "The log of the night",
                    "acquired_at": (house.clock.now() - timedelta(hours=3)).strftime(
                        "%Y-%m-%dT%H:%M"
                    ),
                }
            )
            form.add_field("file", b"line", filename="log.txt")
            answer = await browser.client.post(
                page, data=form, headers={"Origin": browser.origin}, allow_redirects=False
            )
            assert answer.status == status, await answer.text()
    assert len(house.now_in_store(lambda tx: tx.records.find(Evidence, "incident-1"))) == 1
