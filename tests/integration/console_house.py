"""A console over the real store, sealer, workflow and sockets, for its tests."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pyotp
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from sentinel.clock import ManualClock
from sentinel.config import Settings
from sentinel.domain.affected import Affected
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline, due_strict
from sentinel.domain.event import Event
from sentinel.domain.finding import Level, RuleInfo
from sentinel.domain.incident import Actor, Document, Incident, Legal, Persons, Role
from sentinel.domain.reason import Reason
from sentinel.notify.dossier_build import build_dossier
from sentinel.respond.documents import read_document
from sentinel.respond.workflow import COMMANDS
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer
from sentinel.web.auth.accounts import NewAccount, create_account
from sentinel.web.console.app import create_console

T = TypeVar("T")
START = datetime(2026, 3, 5, 13, 30, tzinfo=UTC)
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class House:
    """`sentinel.web.service.Service` for the tests."""

    def __init__(self, directory: Path, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.clock = ManualClock(START)
        self.sealer = AesGcmSealer(bytes(range(32)))
        self.store = SqlCaseStore.open(directory / "cases.db", self.sealer, self.clock)
        self.directory = directory
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.events: dict[str, Event] = {}
        self.drafted: list[tuple[str, str]] = []
        self.sources: list[dict[str, object]] = []

    def close(self) -> None:
        self.thread.shutdown()
        self.store.close()

    def now_in_store(self, query: Callable[[CaseTx], T]) -> T:
        with self.store.begin() as tx:
            return query(tx)

    async def in_store(self, query: Callable[[CaseTx], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, self.now_in_store, query)

    @property
    def casework(self) -> House:
        return self

    async def affected(self, incident: Incident) -> Affected | None:
        return incident.affected

    async def event(self, event_id: str) -> Event | None:
        return self.events.get(event_id)

    async def command(self, name: str, actor: Actor, **arguments: object) -> object:
        now = self.clock.now()
        return await self.in_store(lambda tx: COMMANDS[name](tx, actor, **arguments, now=now))

    async def draft_dossier(self, actor: Actor, incident_id: str) -> list[Document]:
        self.drafted.append((actor.id, incident_id))
        incident, clocks = await self.in_store(
            lambda tx: (tx.incidents.get(incident_id), tx.incidents.deadlines(incident_id))
        )
        dossier = build_dossier(
            incident,
            deadlines=clocks,
            affected=None,
            organisation=self.settings.organisation,
            now=self.clock.now(),
        )
        media = "application/json"
        return [self.file(incident_id, "dossier_initial", "fr", media, dossier.canonical())]

    async def draft_letters(self, actor: Actor, incident_id: str) -> list[Document]:
        self.drafted.append((actor.id, incident_id))
        return []

    async def document_bytes(self, document: Document) -> bytes:
        return read_document(self.directory, document, self.sealer)

    def status(self) -> dict[str, object]:
        return {"events": 18_432, "spool_lag": 0, "sources": self.sources}

    def account(self, name: str = "c.durand", *roles: Role, language: str = "en") -> NewAccount:
        made = create_account(
            name=name,
            display_name="Camille Durand",
            roles=roles or (Role.DPO,),
            language=language,
            sealer=self.sealer,
            now=self.clock.now(),
        )
        self.now_in_store(lambda tx: tx.accounts.put(made.account))
        return made

    def file(self, incident_id: str, kind: str, language: str, media: str, body: bytes) -> Document:
        path = f"{kind}-{language}.{media.rsplit('/', maxsplit=1)[-1]}"
        (self.directory / path).write_bytes(body)
        document = Document(
            id=f"doc-{kind}-{language}-{media.rsplit('/', maxsplit=1)[-1]}",
            incident_id=incident_id,
            kind=kind,
            language=language,
            media_type=media,
            path=path,
            sha256=hashlib.sha256(body).hexdigest(),
            created_at=self.clock.now(),
            created_by="",
        )
        self.now_in_store(lambda tx: tx.incidents.put_document(document))
        return document


class Browser:
    """A client that keeps cookies, sends the origin and copies the form's token, like a browser."""

    def __init__(self, client: TestClient, house: House) -> None:
        self.client = client
        self.house = house
        self.origin = str(client.make_url("")).rstrip("/")

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        response = await self.client.get(path, headers=headers, allow_redirects=False)
        return response.status, await response.text()

    async def token(self, path: str) -> str:
        found = CSRF.search((await self.get(path))[1])
        assert found is not None
        return found[1]

    async def post(self, path: str, *, form: str = "/account", **fields: str) -> ClientResponse:
        data = {"csrf": await self.token(form), **fields}
        headers = {"Origin": self.origin}
        return await self.client.post(path, data=data, headers=headers, allow_redirects=False)

    async def sign_in(self, made: NewAccount, *, code: str = "", **changes: str) -> ClientResponse:
        fields = {
            "name": made.account.name,
            "password": made.password,
            "code": code or code_of(made, self.house.clock.now()),
            **changes,
        }
        return await self.post("/sign-in", form="/sign-in", **fields)


def code_of(made: NewAccount, at: datetime) -> str:
    return pyotp.TOTP(made.totp_secret).at(int(at.timestamp()))


@asynccontextmanager
async def browsing(house: House) -> AsyncIterator[Browser]:
    async with TestClient(TestServer(create_console(house))) as client:
        yield Browser(client, house)


@asynccontextmanager
async def signed_in_as(house: House, *roles: Role, language: str = "en") -> AsyncIterator[Browser]:
    made = house.account("c.durand", *roles, language=language)
    async with browsing(house) as browser:
        response = await browser.sign_in(made)
        assert response.status == 303
        yield browser


def make_rule(level: Level = Level.HIGH) -> RuleInfo:
    return RuleInfo(
        id="6f1c2d3e-0000-4000-8000-000000000001",
        slug="leaver_bulk_export",
        title="Bulk export by a leaver",
        titles={"fr": "Export massif par une personne sur le départ"},
        level=level,
        promises=("R-18", "R-23"),
        runbook="bulk-export",
        triage={"en": "Ask the team lead.", "fr": "Interroger le responsable."},
    )


def make_alert(alert_id: str = "alert-1", **changes: object) -> Alert:
    base = Alert(
        id=alert_id,
        fingerprint=alert_id,
        rule=make_rule(),
        actor="usr_abcdefghij234567",
        subjects=("sub_aaaaaaaaaaaaaaaa", "sub_bbbbbbbbbbbbbbbb"),
        categories=("identity", "contact"),
        first=START - timedelta(hours=2),
        last=START - timedelta(hours=1),
        created_at=START - timedelta(hours=1),
        count=1,
        event_count=1,
        events=("e" * 32,),
        refs=("crm#crm-000123",),
        reasons=(Reason("scope.leaver", {"date": "2026-03-09"}),),
    )
    return msgspec.structs.replace(base, **changes)


def make_incident(incident_id: str = "incident-1", **changes: object) -> Incident:
    base = Incident(
        id=incident_id,
        reference="INC-2026-0001",
        title="Customer list exported",
        kind="bulk_export",
        created_at=START,
        created_by="",
        legal=Legal.BREACH_CONFIRMED,
        persons=Persons.DUE,
        actors=("usr_abcdefghij234567",),
        subjects=("sub_aaaaaaaaaaaaaaaa", "sub_bbbbbbbbbbbbbbbb"),
        categories=("identity", "contact"),
        record_count=1200,
        occurred_from=START - timedelta(hours=2),
        occurred_to=START - timedelta(hours=1),
        detected_at=START - timedelta(minutes=50),
        investigation_started_at=START - timedelta(minutes=40),
        aware_at=START - timedelta(minutes=10),
        aware_basis="The export left the network.",
    )
    return msgspec.structs.replace(base, **changes)


def make_clock(obligation: str = "CNIL-72", hours: int = 72, **changes: object) -> Deadline:
    anchor = START - timedelta(minutes=10)
    base = Deadline(
        id=f"clock-{obligation}",
        incident_id="incident-1",
        obligation=obligation,
        basis="GDPR art. 33(1)",
        anchor_at=anchor,
        due_at=due_strict(anchor, hours),
    )
    return msgspec.structs.replace(base, **changes)


def furnish(house: House) -> None:
    """Put an alert, an event, an incident with a clock and a journal line into the store."""

    def fill(tx: CaseTx) -> None:
        tx.alerts.put(make_alert())
        assert tx.incidents.next_reference(2026) == make_incident().reference
        tx.incidents.put(make_incident())
        tx.incidents.put_deadline(make_clock())
        tx.journal.append(
            occurred_at=START,
            actor="",
            action="incident.opened",
            object_id="incident-1",
            payload={},
        )

    house.now_in_store(fill)
    house.sources = [
        {"name": "www", "last_seen": START - timedelta(seconds=4)},
        {"name": "crm", "last_seen": START - timedelta(hours=3)},
    ]
    house.events["e" * 32] = Event(
        id="e" * 32,
        time=START - timedelta(hours=2),
        source="crm",
        ref="crm#crm-000123",
        fields={
            "event.action": "customer.export",
            "event.outcome": "success",
            "sentinel.data_category": "identity",
            "sentinel.record_count": 1200,
            "url.query": "q=never-shown",
        },
    )
