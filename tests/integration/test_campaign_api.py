"""Campaigns of letters over HTTP: the same doors, hashes and counts, nobody's name."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from console_house import House, code_of, furnish

from sentinel.app.directory import open_directory
from sentinel.config import Settings
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.incident import Authority, Role
from sentinel.web.auth import tokens
from sentinel.web.auth.accounts import NewAccount
from sentinel.web.console.app import create_console

CASE = "/api/v1/incidents/INC-2026-0001"
SUBJECT = "sub_aaaaaaaaaaaaaaaa"
SETTINGS = """
[organisation]
name = "Exemple SAS"
address = "1 rue de l’Exemple, 75000 Paris"
website = "https://www.example.org/incident"
[organisation.dpo]
name = "Camille Dubreuil"
email = "dpo@example.org"
phone = "+33 1 99 00 12 34"
hours = "9 h - 18 h"
hours_en = "9 am to 6 pm"
[keys]
master = "{key}"
[mail]
sender = "info@example.org"
bounce_address = "bounces@example.org"
[mail.primary]
host = "127.0.0.1"
security = "none"
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    tree = tomllib.loads(SETTINGS.format(key="11" * 32))
    opened = House(tmp_path, Settings.model_validate({**tree, "data_dir": tmp_path / "var"}))
    furnish(opened)
    (tmp_path / "var").mkdir(exist_ok=True)
    yield opened
    opened.close()


def made(house: House, name: str, role: Role) -> tuple[NewAccount, str]:
    account = house.account(name, role)
    token, _ = house.now_in_store(
        lambda tx: tokens.issue(
            tx, account.account, name="t", days=1, now=house.clock.now(), by="t"
        )
    )
    return account, token


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    async with TestClient(TestServer(create_console(house))) as client:
        yield client


def head(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ready(house: House) -> None:
    """Freeze one person of the case, with an address, and what the letter needs."""
    now = house.clock.now()
    directory = open_directory(house.settings, house.sealer)
    entry = DirectoryEntry(pseudonym=SUBJECT, name="Personne", email="p@example.org", language="fr")
    directory.take([entry], at=now, by="t", source="test")
    directory.close()
    case = house.now_in_store(lambda tx: tx.incidents.get("INC-2026-0001"))
    answers = {
        **case.answers,
        "m.taken": [{"at": now.isoformat(), "fr": "Le compte a été suspendu.", "en": "Suspended."}],
        "letter.story.fr": "Un salarié a lu des dossiers sans motif.",
        "letter.story.en": "A member of staff read files without a reason.",
    }
    person = AffectedPerson(
        subject=SUBJECT, first=now, last=now, accesses=1, categories=("contact", "identity")
    )
    frozen = Affected(
        subjects=(SUBJECT,),
        categories={"contact": 1, "identity": 1},
        first=now,
        last=now,
        sha256="ab" * 32,
        persons=(person,),
    )
    changed = msgspec.structs.replace(
        case,
        kind="out_of_scope_access",
        authority=Authority.DUE,
        answers=answers,
        affected=frozen,
        version=case.version + 1,
    )
    house.now_in_store(lambda tx: tx.incidents.put(changed))


async def test_prepare_approve_start_and_stop(house: House) -> None:
    ready(house)
    comms, by_comms = made(house, "comms", Role.COMMS)
    dpo, by_dpo = made(house, "dpo", Role.DPO)
    async with calling(house) as client:
        done = await client.post(f"{CASE}/campaigns", headers=head(by_comms))
        assert done.status == 201, await done.text()
        campaign = await done.json()
        assert campaign["audience_count"] == 1
        url = f"/api/v1/campaigns/{campaign['id']}"
        early = await client.post(f"{url}/start", json={}, headers=head(by_dpo))
        assert early.status in (403, 409, 422)
        for name, account, token in (("ask", comms, by_comms), ("approve", dpo, by_dpo)):
            code = code_of(account, house.clock.now())
            done = await client.post(f"{url}/{name}", json={"code": code}, headers=head(token))
            assert done.status == 200, await done.text()
        assert "mac" not in await done.json()
        done = await client.post(f"{url}/start", json={}, headers=head(by_dpo))
        assert (await done.json())["state"] == "canary"
        shown = await (await client.get(url, headers=head(by_dpo))).text()
        assert '"queued":1' in shown
        assert SUBJECT not in shown
        assert "p@example.org" not in shown
        bare = await client.post(f"{url}/stop", json={}, headers=head(by_dpo))
        assert bare.status in (403, 409, 422)
        why = {"reason": "The wording needs another look"}
        done = await client.post(f"{url}/stop", json=why, headers=head(by_dpo))
        assert (await done.json())["state"] == "stopped"
        listed = await (await client.get("/api/v1/campaigns", headers=head(by_dpo))).json()
        assert [one["state"] for one in listed["campaigns"]] == ["stopped"]


async def test_who_may_not_and_what_is_not(house: House) -> None:
    _, auditor = made(house, "auditor", Role.AUDITOR)
    _, comms = made(house, "comms", Role.COMMS)
    async with calling(house) as client:
        refused = await client.post(f"{CASE}/campaigns", headers=head(auditor))
        assert refused.status == 403
        unfrozen = await client.post(f"{CASE}/campaigns", headers=head(comms))
        assert unfrozen.status in (403, 409, 422)
        absent = await client.get("/api/v1/campaigns/none", headers=head(comms))
        assert absent.status == 404
        nobody = await client.get("/api/v1/campaigns")
        assert nobody.status == 401
        wrong = await client.post(
            "/api/v1/campaigns/none/start", json={"nonsense": 1}, headers=head(comms)
        )
        assert wrong.status == 400
