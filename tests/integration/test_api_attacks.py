"""The API in the hands of people who hurry, race, retry, lose a role, or try to cheat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from console_house import START, House, furnish

from sentinel.clock import isoformat
from sentinel.config import Settings
from sentinel.domain.incident import Incident, Legal, Role
from sentinel.domain.record import Proposal, ProposalState, Task
from sentinel.respond.journal_check import verify_journal
from sentinel.web.auth.tokens import issue
from sentinel.web.console.app import create_console

CASE = "/api/v1/incidents/incident-1"
WHY = "The access log shows the whole story, line by line"
CLOSE = {"command": "close", "arguments": {"outcome": "register", "reason": WHY}}


@pytest.fixture
def house(tmp_path: Path):
    made = House(tmp_path, Settings(data_dir=tmp_path))
    furnish(made)
    yield made
    made.close()


def token_of(house: House, name: str, *roles: Role) -> str:
    known = house.now_in_store(lambda tx: tx.accounts.by_name(name))
    account = known or house.account(name, *roles).account
    now = house.clock.now()
    return house.now_in_store(
        lambda tx: issue(tx, account, name="test", days=30, now=now, by="setup")[0]
    )


def change_account(house: House, name: str, **changes: object) -> None:
    def change(tx) -> None:
        account = tx.accounts.by_name(name)
        tx.accounts.put(msgspec.structs.replace(account, **changes))

    house.now_in_store(change)


class Caller:
    def __init__(self, client: TestClient, house: House) -> None:
        self.client = client
        self.house = house

    def case(self) -> Incident:
        return self.house.now_in_store(lambda tx: tx.incidents.get("incident-1"))

    async def do(
        self, token: str, command: str, /, *, seen: int | None = None, key: str = "", **body: object
    ) -> tuple[int, dict[str, object]]:
        version = self.case().version if seen is None else seen
        headers = {"Authorization": f"Bearer {token}", "If-Match": f'"{version}"'}
        if key:
            headers["Idempotency-Key"] = key
        answer = await self.client.post(f"{CASE}/commands/{command}", json=body, headers=headers)
        return answer.status, await answer.json()

    async def propose(self, token: str, asked: dict[str, object] | None = None) -> str:
        status, told = await self.do(token, "propose", **(asked or CLOSE))
        assert status == 200, told
        found = self.house.now_in_store(lambda tx: tx.records.find(Proposal, "incident-1"))
        return found[-1].id

    def proposal(self, proposal_id: str) -> ProposalState:
        return self.house.now_in_store(lambda tx: tx.records.get(Proposal, proposal_id)).state


@asynccontextmanager
async def calling(house: House) -> AsyncIterator[Caller]:
    async with TestClient(TestServer(create_console(house))) as client:
        yield Caller(client, house)
    assert house.now_in_store(verify_journal) == []


async def test_of_six_commanders_at_once_one_wins(house: House) -> None:
    tokens = [token_of(house, f"c{number}", Role.COMMANDER) for number in range(6)]
    async with calling(house) as caller:
        answers = await asyncio.gather(
            *(
                caller.do(token, "add_task", seen=1, title=f"Call {number}", owner="dpo")
                for number, token in enumerate(tokens)
            )
        )
    assert sorted(status for status, _ in answers) == [200] + [412] * 5
    assert len(house.now_in_store(lambda tx: tx.records.find(Task, "incident-1"))) == 1


async def test_one_key_sent_ten_times_at_once_is_done_once(house: House) -> None:
    token = token_of(house, "c", Role.COMMANDER)
    async with calling(house) as caller:
        answers = await asyncio.gather(
            *(
                caller.do(token, "add_task", seen=1, key="k", title="Call", owner="dpo")
                for _ in range(10)
            )
        )
    assert {status for status, _ in answers} == {200}
    assert all(told == answers[0][1] for _, told in answers)
    assert len(house.now_in_store(lambda tx: tx.records.find(Task, "incident-1"))) == 1


async def test_a_key_is_bound_to_person_body_version_and_command(house: House) -> None:
    first, second = (token_of(house, name, Role.COMMANDER) for name in ("one", "two"))
    async with calling(house) as caller:
        given: dict[str, object] = {"title": "Call", "owner": "dpo"}
        assert (await caller.do(first, "add_task", seen=1, key="k", **given))[0] == 200
        assert (await caller.do(first, "add_task", seen=2, key="k", **given))[0] == 422
        assert (await caller.do(first, "add_task", seen=1, key="k", title="x", owner="dpo"))[
            0
        ] == 422
        assert (await caller.do(first, "contain", seen=1, key="k"))[0] == 422
        # another person's key of the same text is another key: it says nothing of the first
        assert (await caller.do(second, "add_task", seen=1, key="k", **given))[0] == 412
        # what was refused is not remembered as done
        assert (await caller.do(second, "add_task", seen=2, key="k", **given))[0] == 200


@pytest.mark.parametrize(
    ("roles", "status"),
    [((Role.AUDITOR,), 403), ((Role.AUDITOR, Role.COMMANDER), 403), ((Role.ADMIN,), 403),
     ((Role.ADMIN, Role.DPO), 403), ((Role.SCRIBE,), 409), ((Role.COMMS,), 409)],
)  # fmt: skip
async def test_a_reader_commands_nothing(
    house: House, roles: tuple[Role, ...], status: int
) -> None:
    token = token_of(house, "reader", Role.COMMANDER)
    change_account(house, "reader", roles=roles)  # the token outlives the role
    async with calling(house) as caller:
        assert (await caller.do(token, "contain"))[0] == status
        assert caller.case().version == 1


@pytest.mark.parametrize("command", ["close", "decide_no_notification", "record_affected"])
async def test_what_takes_two_people_is_no_command_of_one(house: House, command: str) -> None:
    token = token_of(house, "dpo", Role.DPO, Role.COMMANDER)
    async with calling(house) as caller:
        assert (await caller.do(token, command, reason=WHY, outcome="register"))[0] == 404


@pytest.mark.parametrize(
    "smuggled",
    [{"approved_by": "somebody"}, {"approvals": ["somebody"]}, {"now": "2026-03-01T00:00:00Z"},
     {"actor": "somebody"}, {"incident_id": "incident-2"}, {"regimes": []}],
)  # fmt: skip
async def test_nothing_is_smuggled_in(house: House, smuggled: dict[str, object]) -> None:
    token = token_of(house, "dpo", Role.DPO, Role.COMMANDER)
    aware = isoformat(START - timedelta(hours=1))
    async with calling(house) as caller:
        status, _ = await caller.do(token, "amend_awareness", aware_at=aware, basis=WHY, **smuggled)
        assert status == 400
        asked = {"command": "close", "arguments": {**CLOSE["arguments"], **smuggled}}
        assert (await caller.do(token, "propose", **asked))[0] == 409
        assert caller.case().version == 1


@pytest.mark.parametrize(
    ("instant", "status"),
    [
        ("2026-03-05T13:00:00+00:00", 200),  # earlier than START - 10 min: at once
        ("2026-03-05T13:25:00+00:00", 409),  # later than recorded: two people
        ("2026-03-05T13:31:00+00:00", 409),  # the future
        ("2026-03-05T14:20:00+01:00", 409),  # what stands there already
        ("2025-10-26T02:30", 400),  # twice in Paris, and without an offset
        ("2025-10-26T02:30+02:00", 200),
        ("2025-10-26T02:30+01:00", 200),
        ("2025-03-30T02:30", 400),
        ("0001-01-01T00:00:00+14:00", 400),
        ("2017-01-01T00:00:00Z", 404),  # before the GDPR: no rule set is in force
    ],
)
async def test_awareness_is_moved_only_as_the_law_allows(
    house: House, instant: str, status: int
) -> None:
    token = token_of(house, "dpo", Role.DPO, Role.COMMANDER)
    async with calling(house) as caller:
        before = caller.case()
        assert (await caller.do(token, "amend_awareness", aware_at=instant, basis=WHY))[0] == status
        assert (caller.case().aware_at == before.aware_at) is (status != 200)
        [clock] = [
            one
            for one in house.now_in_store(lambda tx: tx.incidents.deadlines("incident-1"))
            if one.obligation == "CNIL-72"
        ]
        assert clock.due_at - clock.anchor_at == timedelta(hours=72)
        assert clock.anchor_at == caller.case().aware_at


async def test_two_tokens_of_one_person_are_one_person(house: House) -> None:
    first = token_of(house, "dpo", Role.DPO, Role.COMMANDER)
    second = token_of(house, "dpo")
    assert first != second
    async with calling(house) as caller:
        proposal = await caller.propose(first)
        status, told = await caller.do(second, "approve_proposal", proposal_id=proposal)
        assert (status, "author" in str(told["detail"])) == (409, True)
        assert caller.proposal(proposal) is ProposalState.PENDING


async def test_an_author_who_lost_the_role_or_the_account_is_no_author(house: House) -> None:
    author = token_of(house, "one", Role.DPO, Role.COMMANDER)
    approver = token_of(house, "two", Role.DPO)
    async with calling(house) as caller:
        later = {
            "command": "amend_awareness",
            "arguments": {"aware_at": isoformat(START - timedelta(minutes=1)), "basis": WHY},
        }
        proposal = await caller.propose(author, later)
        change_account(house, "one", roles=(Role.SCRIBE,))
        assert (await caller.do(approver, "approve_proposal", proposal_id=proposal))[0] == 409
        change_account(house, "one", roles=(Role.COMMANDER,), disabled=True)
        assert (await caller.do(approver, "approve_proposal", proposal_id=proposal))[0] == 409
        assert (await caller.do(author, "withdraw_proposal", proposal_id=proposal))[0] == 401
        change_account(house, "one", roles=(Role.COMMANDER,), disabled=False)
        change_account(house, "two", roles=(Role.ANALYST,))
        assert (await caller.do(approver, "approve_proposal", proposal_id=proposal))[0] == 409
        assert caller.proposal(proposal) is ProposalState.PENDING
        change_account(house, "two", roles=(Role.DPO,))
        assert (await caller.do(approver, "approve_proposal", proposal_id=proposal))[0] == 200
        assert caller.case().aware_at == START - timedelta(minutes=1)
        assert (await caller.do(approver, "approve_proposal", proposal_id=proposal))[0] == 409


async def test_no_proposal_closes_over_an_open_clock_and_none_is_used_up(house: House) -> None:
    author = token_of(house, "one", Role.DPO, Role.COMMANDER)
    approver = token_of(house, "two", Role.DPO)
    async with calling(house) as caller:
        assert (await caller.do(author, "qualify", outcome="register", reasons=WHY))[0] == 200
        proposal = await caller.propose(author)
        status, told = await caller.do(approver, "approve_proposal", proposal_id=proposal)
        assert (status, "clocks still run" in str(told["detail"])) == (409, True)
        assert caller.proposal(proposal) is ProposalState.PENDING
        assert caller.case().legal is Legal.QUALIFIED


async def test_reasons_for_a_delay_over_http(house: House) -> None:
    token = token_of(house, "dpo", Role.DPO)
    alert = house.now_in_store(lambda tx: tx.alerts.find(incident_id="incident-1"))
    given: dict[str, object] = {
        "ground": "portal",
        "reasons": "The portal was out of order from Saturday noon",
        "facts": [{"at": "2026-03-07T12:00:00+01:00", "text": "It answered 503"}],
        "evidence": [one.id for one in alert] or ["none"],
    }
    async with calling(house) as caller:
        assert (await caller.do(token, "explain_lateness", **given))[0] == 409  # not late
        house.clock.advance(timedelta(hours=90))
        for change, status in (
            ({"ground": "bad luck"}, 400),
            ({"facts": "yesterday"}, 400),
            ({"facts": [{"at": "2026-03-07T12:00", "text": "It answered 503"}]}, 400),
            ({"facts": [{"at": "2026-03-07T12:00:00Z"}]}, 400),
            ({"facts": [{"at": "2026-03-07T12:00:00Z", "text": 1}]}, 400),
            ({"facts": [{"at": "2026-03-07T12:00:00Z", "text": "It was", "x": 1}]}, 400),
            ({"facts": []}, 409),
            ({"evidence": ["unknown"]}, 409),
        ):
            assert (await caller.do(token, "explain_lateness", **(given | change)))[0] == status
        status, _ = await caller.do(token, "explain_lateness", **given)
        assert status == (200 if alert else 409)
