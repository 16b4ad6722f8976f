"""A house whose case can be filed: keys, an organisation, people, and what is needed to act."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.test_utils import TestClient, TestServer
from console_house import START, House, code_of, make_incident

from sentinel.config import Settings
from sentinel.domain.account import Account
from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Authority, Incident, Legal, Persons, Role
from sentinel.domain.lateness import DatedFact, Ground, Lateness
from sentinel.store.seal import AesGcmSealer
from sentinel.web.auth.accounts import NewAccount, create_account
from sentinel.web.auth.tokens import issue
from sentinel.web.console.app import create_console

MASTER = bytes(range(32))
ANCHOR = hashlib.sha256(b"anchor").hexdigest()
CASE = "/api/v1/incidents/incident-1"
PEOPLE = {
    "dpo": (Role.DPO, "alice"),
    "alice.legal": (Role.LEGAL, "Alice"),
    "director": (Role.DIRECTOR, ""),
    "analyst": (Role.ANALYST, ""),
    "auditor": (Role.AUDITOR, ""),
    "admin": (Role.ADMIN, ""),
}
ORGANISATION = {
    "name": "Exemple Télécom",
    "siren": "123456782",
    "address": "1 rue de l’Exemple, 75000 Paris",
    "dpo": {"name": "Camille Dubreuil", "email": "dpo@example.org", "phone": "+33 1 99 00 12 34"},
}
REASONS = "Le rapport du prestataire n’est arrivé que le quatrième jour."


@cache
def people() -> dict[str, NewAccount]:
    """Make the accounts once: their passwords are hashed slowly on purpose."""
    return {
        name: create_account(
            name=name,
            display_name=name,
            roles=[role],
            language="fr",
            sealer=AesGcmSealer(MASTER),
            now=START,
            person=person,
        )
        for name, (role, person) in PEOPLE.items()
    }


def settings_of(folder: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": folder,
            "keys": {"master": MASTER.hex(), "anchor": ANCHOR},
            "organisation": ORGANISATION,
        }
    )


class DossierHouse(House):
    """`aware`: hours since awareness."""

    def __init__(self, folder: Path, aware: float = 5) -> None:
        super().__init__(folder, settings_of(folder))
        with self.store.begin() as tx:
            for made in people().values():
                tx.accounts.put(made.account)
            aware_at = START - timedelta(hours=aware)
            tx.incidents.put(
                make_incident(
                    legal=Legal.BREACH_CONFIRMED,
                    authority=Authority.DUE,
                    persons=Persons.DUE,
                    detected_at=aware_at - timedelta(hours=1),
                    aware_at=aware_at,
                    aware_basis="Le journal montre l’export.",
                )
            )
            tx.incidents.put_deadline(
                Deadline(
                    id="clock-72",
                    incident_id="incident-1",
                    obligation="CNIL-72",
                    basis="GDPR art. 33(1)",
                    anchor_at=aware_at,
                    due_at=aware_at + timedelta(hours=72),
                )
            )

    def account_of(self, name: str) -> Account:
        return people()[name].account

    def token(self, name: str) -> str:
        now = self.clock.now()
        return self.now_in_store(
            lambda tx: issue(tx, self.account_of(name), name="t", days=3, now=now, by="setup")[0]
        )

    def code(self, name: str) -> str:
        """Return a code that was not used yet: the clock moves on to the next one."""
        self.clock.advance(timedelta(seconds=30))
        return code_of(people()[name], self.clock.now())

    def case(self) -> Incident:
        return self.now_in_store(lambda tx: tx.incidents.get("incident-1"))

    def change(self, **changes: object) -> None:
        def work(tx: Any) -> None:
            case = tx.incidents.get("incident-1")
            tx.incidents.put(msgspec.structs.replace(case, **changes, version=case.version + 1))

        self.now_in_store(work)

    def explain(self) -> None:
        self.change(
            lateness=Lateness(
                ground=Ground.PROCESSOR,
                facts=(DatedFact(at=START, text="Le rapport est arrivé."),),
                evidence=("e1",),
                reasons=REASONS,
                at=self.clock.now(),
                by=self.account_of("dpo").id,
            )
        )

    def open_clocks(self) -> set[str]:
        return self.now_in_store(
            lambda tx: {
                one.obligation for one in tx.incidents.deadlines("incident-1", open_only=True)
            }
        )


class Caller:
    """Calls the API as somebody."""

    def __init__(self, client: TestClient[Any, Any], house: DossierHouse) -> None:
        self.client = client
        self.house = house
        self.tokens: dict[str, str] = {}

    async def __call__(
        self, name: str, method: str, path: str, body: dict[str, object] | None = None
    ) -> tuple[int, bytes]:
        if name not in self.tokens:
            self.tokens[name] = self.house.token(name)
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        answer = await self.client.request(method, path, json=body, headers=headers)
        return answer.status, await answer.read()

    async def post(self, name: str, path: str, **body: object) -> tuple[int, dict[str, Any]]:
        status, content = await self(name, "POST", f"{CASE}/{path}", body)
        return status, msgspec.json.decode(content)

    async def get(self, name: str, path: str) -> tuple[int, bytes]:
        return await self(name, "GET", f"{CASE}/{path}")


@asynccontextmanager
async def calling(house: DossierHouse) -> AsyncIterator[Caller]:
    async with TestClient(TestServer(create_console(house))) as client:
        yield Caller(client, house)
