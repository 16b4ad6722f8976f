"""The API as a program uses it: tokens, versions, keys, problems; every command is described."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from console_house import START, House, furnish, make_alert

from sentinel.config import Settings
from sentinel.domain.incident import Role
from sentinel.respond.journal_check import verify_journal
from sentinel.respond.workflow.catalogue import SPECS
from sentinel.web.auth.tokens import issue, revoke
from sentinel.web.console.app import create_console

CASE = "/api/v1/incidents/incident-1"
WHY = "The access log shows the whole story, line by line"


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


def token_of(house: House, name: str, *roles: Role, days: int = 30) -> str:
    account = house.account(name, *roles).account
    now = house.clock.now()
    return house.now_in_store(
        lambda tx: issue(tx, account, name="test", days=days, now=now, by="setup")[0]
    )


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(create_console(house))) as client:
        yield client


def head(token: str, version: int | None = None, key: str = "") -> dict[str, str]:
    found = {"Authorization": f"Bearer {token}"}
    if version is not None:
        found["If-Match"] = f'"{version}"'
    return found | ({"Idempotency-Key": key} if key else {})


def lines(house: House) -> int:
    return len(house.now_in_store(lambda tx: tx.journal.lines()))


async def test_a_command_by_token_changes_the_case_and_its_version(house: House) -> None:
    token = token_of(house, "cmd", Role.COMMANDER)
    async with calling(house) as client:
        seen = await client.get(CASE, headers=head(token))
        assert seen.headers["ETag"] == '"1"'
        done = await client.post(
            f"{CASE}/commands/contain", json={"note": "Account suspended"}, headers=head(token, 1)
        )
        assert (done.status, done.headers["ETag"]) == (200, '"2"')
        assert (await done.json())["security"] == "contained"


async def test_the_second_of_two_commanders_learns_what_changed(house: House) -> None:
    first, second = (token_of(house, name, Role.COMMANDER) for name in ("one", "two"))
    async with calling(house) as client:
        assert (
            await client.post(f"{CASE}/commands/contain", json={}, headers=head(first, 1))
        ).status == 200
        late = await client.post(
            f"{CASE}/commands/add_task",
            json={"title": "Call the bank", "owner": "dpo"},
            headers=head(second, 1),
        )
        told = await late.json()
        assert (late.status, late.content_type) == (412, "application/problem+json")
        assert (told["seen"], told["current"]) == (1, 2)
        assert [change["action"] for change in told["changes"]] == ["incident.contained"]
        again = await client.post(
            f"{CASE}/commands/add_task",
            json={"title": "Call the bank", "owner": "dpo"},
            headers=head(second, 2),
        )
        assert again.status == 200
    assert house.now_in_store(verify_journal) == []


async def test_the_same_key_does_it_once_and_answers_the_same(house: House) -> None:
    token = token_of(house, "cmd", Role.COMMANDER)
    body = {"title": "Call the bank", "owner": "dpo"}
    async with calling(house) as client:
        url = f"{CASE}/commands/add_task"
        first = await client.post(url, json=body, headers=head(token, 1, "k1"))
        written = lines(house)
        second = await client.post(url, json=body, headers=head(token, 1, "k1"))
        assert (first.status, second.status) == (200, 200)
        assert await first.json() == await second.json()
        assert second.headers["Idempotency-Replayed"] == "true"
        assert lines(house) == written
        other = await client.post(url, json=body | {"owner": "legal"}, headers=head(token, 1, "k1"))
        assert other.status == 422
        tasks = await (await client.get(f"{CASE}/tasks", headers=head(token))).json()
        assert [task["title"] for task in tasks["tasks"]] == ["Call the bank"]


@pytest.mark.parametrize(
    ("command", "body", "headers", "status"),
    [
        ("contain", {}, {}, 428),
        ("contain", {}, {"If-Match": "three"}, 400),
        ("contain", {"nonsense": 1}, {"If-Match": '"1"'}, 400),
        ("confirm_breach", {"basis": WHY}, {"If-Match": '"1"'}, 400),
        ("add_note", {"text": "x", "occurred_at": "2026-03-05T10:00"}, {"If-Match": '"1"'}, 400),
        ("qualify", {"outcome": "perhaps", "reasons": WHY}, {"If-Match": '"1"'}, 400),
        ("qualify", {"outcome": "register", "reasons": WHY}, {"If-Match": '"1"'}, 409),
        ("nothing", {}, {"If-Match": '"1"'}, 404),
        ("acknowledge_alert", {}, {"If-Match": '"1"'}, 404),
        ("contain", {}, {"If-Match": '"1"', "Idempotency-Key": "x" * 201}, 400),
    ],
)
async def test_what_is_wrong_is_a_problem_and_changes_nothing(
    house: House, command: str, body: dict[str, object], headers: dict[str, str], status: int
) -> None:
    token = token_of(house, "cmd", Role.COMMANDER)
    before = lines(house)
    async with calling(house) as client:
        answer = await client.post(
            f"{CASE}/commands/{command}", json=body, headers=head(token) | headers
        )
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert (await answer.json())["status"] == status
    assert lines(house) == before


async def test_a_token_ends_is_revoked_and_dies_with_its_account(house: House) -> None:
    token = token_of(house, "cmd", Role.COMMANDER, days=1)
    async with calling(house) as client:
        assert (await client.get(CASE, headers=head(token))).status == 200
        assert (await client.get(CASE, headers=head("snt_" + "x" * 43))).status == 401
        assert (await client.get(CASE, headers={"Authorization": "Basic x"})).status == 401
        house.clock.advance(timedelta(days=1))
        refused = await client.get(CASE, headers=head(token))
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        fresh = token_of(house, "other", Role.COMMANDER)
        account = house.now_in_store(lambda tx: tx.accounts.by_name("other"))

        def end(tx) -> None:
            [record] = tx.api.tokens(account.id)
            revoke(tx, account, record.token_hash[:12], now=house.clock.now(), by="setup")

        house.now_in_store(end)
        assert (await client.get(CASE, headers=head(fresh))).status == 401


async def test_an_auditor_reads_and_writes_nothing(house: House) -> None:
    token = token_of(house, "aud", Role.AUDITOR)
    async with calling(house) as client:
        assert (await client.get(f"{CASE}/timeline", headers=head(token))).status == 200
        answer = await client.post(f"{CASE}/commands/contain", json={}, headers=head(token, 1))
        assert answer.status == 403


async def test_a_processor_notice_opens_a_case_whose_clock_runs(house: House) -> None:
    token = token_of(house, "ana", Role.ANALYST)
    notice = {
        "channel": "processor",
        "informant": "Mail host",
        "title": "Mailboxes read",
        "description": "The host says that an intruder read mailboxes.",
        "received_at": (START - timedelta(hours=1)).isoformat(),
        "processor_aware_at": (START - timedelta(hours=30)).isoformat(),
    }
    async with calling(house) as client:
        made = await client.post("/api/v1/commands/intake", json=notice, headers=head(token))
        body = await made.json()
        assert made.status == 201
        assert body["legal"] == "breach_confirmed"
        clocks = {one["obligation"]: one for one in body["deadlines"]}
        due = START + timedelta(hours=71)
        assert clocks["CNIL-72"]["due_at"] == due.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert "ecs_611_2013:initial" in clocks
        assert (await client.get(made.headers["Location"], headers=head(token))).status == 200


async def test_evidence_goes_in_and_comes_out_with_its_custody(house: House) -> None:
    token, auditor = token_of(house, "cmd", Role.COMMANDER), token_of(house, "aud", Role.AUDITOR)
    content = bytes(range(256)) * 1000
    async with calling(house) as client:
        added = await client.post(
            f"{CASE}/evidence",
            params={
                "name": "../../export.csv",
                "described": "The exported file",
                "source": "workstation",
                "acquired_at": START.isoformat(),
            },
            data=content,
            headers=head(token),
        )
        assert added.status == 201
        evidence_id = (await added.json())["id"]
        url = f"{CASE}/evidence/{evidence_id}/export"
        assert (await client.post(url, headers=head(auditor))).status == 409
        out = await client.post(url, params={"purpose": "audit"}, headers=head(auditor))
        assert await out.read() == content
        [kept] = (await (await client.get(f"{CASE}/evidence", headers=head(token))).json())[
            "evidence"
        ]
        assert kept["name"] == "export.csv"
        assert [line["act"] for line in kept["custody"]] == ["intake", "export"]
        assert all(line["sha256"] == kept["sha256"] for line in kept["custody"])
    [sealed] = (house.directory / "evidence").iterdir()
    assert content[:64] not in sealed.read_bytes()


async def test_alert_commands_take_the_alert_s_own_version(house: House) -> None:
    token = token_of(house, "ana", Role.ANALYST)
    alert = make_alert()
    url = f"/api/v1/alerts/{alert.id}"
    async with calling(house) as client:
        assert (await client.get(url, headers=head(token))).headers["ETag"] == '"1"'
        done = await client.post(
            f"{url}/commands/dismiss_alert", json={"reason": WHY}, headers=head(token, 1)
        )
        assert (await done.json())["state"] == "dismissed"
        back = await client.post(
            f"{url}/commands/reopen_alert", json={"reason": WHY}, headers=head(token, 2)
        )
        assert (await back.json())["state"] == "acknowledged"


async def test_every_command_is_described(house: House) -> None:
    token = token_of(house, "ana", Role.ANALYST)
    async with calling(house) as client:
        told = await (await client.get("/api/v1/openapi.json", headers=head(token))).json()
        routed = {
            route.resource.canonical
            for route in client.server.app.router.routes()
            if route.resource is not None and route.resource.canonical.startswith("/api/v1")
        }
    assert told["openapi"] == "3.1.0"
    operations = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))
    assert set(SPECS) <= set(operations)
    described = set(told["paths"])
    plain = {path for path in routed if "{command}" not in path}
    ours = {path for path in plain if "/blind" not in path and "/affected" not in path}
    assert ours - described <= {path for path in routed if "evidence}" in path}
