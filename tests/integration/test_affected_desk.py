"""The affected persons as people reach them: the command line beside a service, API, console."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from console_house import House, signed_in_as
from typer.testing import CliRunner

from sentinel import config
from sentinel.app import parts
from sentinel.app.affected_cases import AffectedCases
from sentinel.cli.main import app
from sentinel.clock import SystemClock
from sentinel.domain.event import Event, Value
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.domain.scope import Fact
from sentinel.respond.journal_check import verify_journal
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.ports import CaseTx
from sentinel.web.auth.accounts import create_account
from sentinel.web.auth.tokens import issue
from sentinel.web.console.app import create_console

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
WHY = "The interview with the team leader settled these persons."


def access(minutes: float, subject: str, action: str = "customer.read") -> Event:
    fields: dict[str, Value] = {
        "sentinel.actor.kind": "staff",
        "user.name": "usr_a",
        "user.roles": ["support"],
        "user.group.name": "t1",
        "event.action": action,
        "event.outcome": "success",
        "sentinel.data_category": "identity",
        "sentinel.subject": [subject],
    }
    at = START + timedelta(minutes=minutes)
    return Event(id=f"{minutes}-{subject}", time=at, source="crm", ref="", fields=fields)


EVENTS = [
    access(-3 * 24 * 60, "sub_regular"),
    access(1, "sub_own"),
    access(2, "sub_regular"),
    access(3, "sub_none"),
]
OWN = Fact(kind="ticket", id="T1", subject="sub_own", actor="usr_a", valid_from=START - HOUR)
CASE = Incident(
    id="i1",
    reference="INC-2026-0001",
    title="t",
    kind="account_takeover",
    created_at=START,
    created_by="dpo",
    actors=("usr_a",),
    occurred_from=START,
    occurred_to=START + HOUR,
)
SETTINGS = """
data_dir = "var"
[keys]
master = "{key}"
[scope.staff]
informed_on = 2026-01-05
informed_how = "a note"
dpia_on = 2025-12-15
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data directory with a case, whose event store a service holds open."""
    text = SETTINGS.format(key=bytes(range(32)).hex())
    (tmp_path / "sentinel.toml").write_text(text, encoding="utf-8")
    settings = config.load(tmp_path / "sentinel.toml", environ={})
    sealer = parts.open_sealer(settings)
    events = parts.open_events(settings, sealer)
    events.append(EVENTS, last_offset=3)
    cases = parts.open_cases(settings, sealer, SystemClock())
    with cases.begin() as tx:
        tx.incidents.put(CASE)
        tx.facts.put_many([OWN])
        for name, role in (
            ("dpo", Role.DPO),
            ("ana", Role.ANALYST),
            ("law", Role.LEGAL),
            ("aud", Role.AUDITOR),
        ):
            tx.accounts.put(
                create_account(
                    name=name,
                    display_name=name,
                    roles=(role,),
                    language="en",
                    sealer=sealer,
                    now=START,
                ).account
            )
    yield tmp_path
    events.close()
    cases.close()


Call = Callable[..., Any]


@pytest.fixture
def call(folder: Path) -> Call:
    def run(*arguments: str, code: int = 0) -> Any:
        ran = CliRunner().invoke(app, ["--config", str(folder / "sentinel.toml"), *arguments])
        raised = getattr(ran.exception, "exit_code", ran.exit_code)  # as `sentinel` ends with it
        assert raised == code, (ran.output, ran.exception)
        return ran

    return run


def test_counted_frozen_and_changed_while_a_service_holds_the_store(call: Call) -> None:
    shown = json.loads(call("affected", "INC-2026-0001", "--json").stdout)
    assert shown["persons"] == 2
    assert shown["left_out"]["persons"] == ["sub_own"]
    assert [(one["subject"], one["inside"], one["why"]) for one in shown["doubts"]] == [
        ("sub_own", False, ["own_work", "usual_hours"]),
        ("sub_regular", True, ["earlier", "usual_hours"]),
        ("sub_none", True, ["usual_hours"]),
    ]
    assert not shown["frozen"]
    told = call("affected", "INC-2026-0001", "--doubts").stdout
    assert "2 persons counted and 1 left out" in told
    assert "sub_regular" in told
    call("affected", "INC-2026-0001", "freeze", "--by", "dpo")
    call(
        "affected", "INC-2026-0001", "narrow", "--remove", "sub_regular", "--by", "dpo",
        "--reason", WHY,
    )  # fmt: skip
    call("affected", "INC-2026-0001", "widen", "--add", "sub_own", "--by", "dpo", "--reason", WHY)
    after = json.loads(call("affected", "INC-2026-0001", "--json").stdout)
    assert (after["frozen"], after["persons"]) == (True, 2)
    assert [one["subject"] for one in after["subjects"]] == ["sub_none", "sub_own"]
    assert [one["subject"] for one in after["doubts"]] == ["sub_none"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["INC-2026-0009"], "INC-2026-0009"),
        (["INC-2026-0001", "freeze"], "--by"),
        (["INC-2026-0001", "freeze", "--by", "nobody"], "no account"),
        (["INC-2026-0001", "freeze", "--by", "aud"], "auditor"),
        (["INC-2026-0001", "widen", "--add", "sub_x", "--by", "dpo"], "not frozen"),
        (["INC-2026-0001", "--since", "yesterday"], "since"),
        (["INC-2026-0001", "--since", "2026-03-03", "--until", "2026-03-01"], "after"),
        (["INC-2026-0001", "widen", "--by", "dpo", "--reason", WHY], "not frozen"),
        (["INC-2026-0001", "narrow", "--add", "sub_x", "--by", "dpo"], "--remove"),
    ],
)
def test_misuse_gets_an_error_and_changes_nothing(
    call: Call, folder: Path, arguments: list[str], words: str
) -> None:
    ran = CliRunner().invoke(
        app, ["--config", str(folder / "sentinel.toml"), "affected", *arguments]
    )
    assert ran.exit_code != 0
    assert words in f"{ran.output}{ran.exception}"
    assert not json.loads(call("affected", "INC-2026-0001", "--json").stdout)["frozen_sha256"]


def test_the_directory_from_the_command_line(call: Call, folder: Path) -> None:
    settings = config.load(folder / "sentinel.toml", environ={})
    pseudonym = parts.make_pseudonymiser(settings).pseudonym("sub", "C1")
    call("affected", "INC-2026-0001", "freeze", "--by", "dpo")
    call("affected", "INC-2026-0001", "widen", "--add", pseudonym, "--by", "dpo", "--reason", WHY)
    customers = folder / "customers.csv"
    customers.write_text("id,name,email\nC1,Léa Sample,lea@example.org\n", encoding="utf-8")
    call("directory", "versions", code=4)
    call("directory", "audience", "INC-2026-0001", "--by", "dpo", code=4)
    call("directory", "versions", code=4)  # asking made no empty one
    call("directory", "import", str(customers), "--by", "ana", code=1)
    made = json.loads(call("directory", "import", str(customers), "--by", "dpo", "--json").stdout)
    assert (made["version"], made["added"]) == (1, 1)
    assert len(call("directory", "versions", "--json").stdout.splitlines()) == 1
    told = call("directory", "audience", "INC-2026-0001", "--by", "dpo", "--json")
    assert json.loads(told.stdout)["counts"] == {
        "email": 1, "post": 0, "closed": 0, "no_address": 0, "not_found": 2,
    }  # fmt: skip
    assert "Sample" not in told.stdout
    opening = ["directory", "open", "INC-2026-0001", pseudonym, "--reason", WHY, "--by", "dpo"]
    call(*opening, "--approved-by", "dpo", code=1)
    assert "Léa Sample" in call(*opening, "--approved-by", "law").stdout
    customers.write_text("id,email\nC1,not an address\n", encoding="utf-8")
    call("directory", "import", str(customers), "--by", "dpo", code=3)
    assert "version 1" in call("directory", "audience", "INC-2026-0001", "--by", "dpo").stdout


class Desk(House):
    """A console whose commands on affected persons count in stored events."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        sealed = EmbeddedEventStore(directory / "events", self.sealer)
        sealed.append(EVENTS, last_offset=3)
        self.stored = sealed
        scope = parts.make_scope(
            self.settings, [OWN], staff=True, pseudonym=lambda kind, name: f"{kind}_{name}"
        )
        self.persons = AffectedCases(self.in_store, sealed, self.clock, scope)
        self.now_in_store(lambda tx: tx.incidents.put(CASE))

    async def command(self, name: str, actor: Actor, **arguments: Any) -> object:
        if name.endswith("_affected"):
            return await self.persons.run(name, actor, **arguments)
        return await super().command(name, actor, **arguments)

    def case(self) -> Incident:
        return self.now_in_store(lambda tx: tx.incidents.get("i1"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.stored.close()
    made.close()


def subjects(desk: Desk) -> tuple[str, ...]:
    frozen = desk.case().affected
    return frozen.subjects if frozen is not None else ()


async def test_the_forms_of_the_console(desk: Desk) -> None:
    do = "/incidents/i1/do"
    async with signed_in_as(desk, Role.DPO, language="fr") as browser:
        status, page = await browser.get("/incidents/i1")
        assert status == 200
        assert f'action="{do}/freeze_affected"' in page
        await browser.post(f"{do}/freeze_affected", form="/incidents/i1")
        assert subjects(desk) == ("sub_none", "sub_regular")
        _, page = await browser.get("/incidents/i1")
        assert "À vérifier" in page
        assert "l’agent avait déjà consulté cette personne" in page
        await browser.post(f"{do}/widen_affected", persons="sub_own\nsub_9", reason=WHY)
        assert subjects(desk) == ("sub_9", "sub_none", "sub_own", "sub_regular")
        await browser.post(f"{do}/narrow_affected", persons="sub_regular", reason=WHY)
        assert subjects(desk) == ("sub_9", "sub_none", "sub_own")
        refused = await browser.post(f"{do}/narrow_affected", persons="sub_9", reason="x")
        assert subjects(desk) == ("sub_9", "sub_none", "sub_own")
        assert refused.status in (400, 409, 422)
    assert desk.now_in_store(verify_journal) == []


@asynccontextmanager
async def calling(desk: Desk) -> AsyncIterator[tuple[TestClient[Any, Any], dict[str, str]]]:
    account = desk.account("dpo", Role.DPO).account

    def make(tx: CaseTx) -> str:
        return issue(tx, account, name="t", days=3, now=desk.clock.now(), by="setup")[0]

    token = desk.now_in_store(make)
    async with TestClient(TestServer(create_console(desk))) as client:
        yield client, {"Authorization": f"Bearer {token}"}


async def test_the_commands_of_the_api(desk: Desk) -> None:
    base = "/api/v1/incidents/i1/commands"
    async with calling(desk) as (client, head):

        async def post(name: str, body: dict[str, object], version: int, key: str = "") -> Any:
            more = {"If-Match": f'"{version}"'} | ({"Idempotency-Key": key} if key else {})
            return await client.post(f"{base}/{name}", json=body, headers=head | more)

        first = await post("freeze_affected", {}, desk.case().version, "k1")
        assert first.status == 200, await first.text()
        version = desk.case().version
        assert first.headers["ETag"] == f'"{version}"'
        assert subjects(desk) == ("sub_none", "sub_regular")
        again = await post("freeze_affected", {}, version - 1, "k1")
        assert (again.status, desk.case().version) == (200, version)
        stale = await post("widen_affected", {"persons": ["sub_own"], "reason": WHY}, version - 1)
        assert stale.status == 412
        done = await post("widen_affected", {"persons": ["sub_own"], "reason": WHY}, version)
        assert done.status == 200
        assert subjects(desk) == ("sub_none", "sub_own", "sub_regular")
        refused = await post(
            "narrow_affected", {"persons": ["sub_own"], "reason": "x"}, version + 1
        )
        assert refused.status in (400, 409, 422)
        odd = await post("freeze_affected", {"extent": "all of it"}, version + 1)
        assert odd.status in (400, 422)
