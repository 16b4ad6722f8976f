"""A house with a case, a directory and people, whose letters can be sent; real stores on disk."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyotp

from sentinel.app import parts
from sentinel.app.campaign import desk
from sentinel.app.campaign.house import House, open_house
from sentinel.app.campaign.prepare import prepare_letters
from sentinel.app.directory import open_directory
from sentinel.clock import Clock, SystemClock
from sentinel.config import Settings
from sentinel.domain.account import Account
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.campaign import Campaign
from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.incident import Authority, Incident, Legal, Role, Security
from sentinel.respond import campaign as commands
from sentinel.respond.second_factor import Factor
from sentinel.store.campaign_ledger import CampaignLedger
from sentinel.store.ports import CaseTx
from sentinel.web.auth import tokens
from sentinel.web.auth.accounts import NewAccount, create_account

T = TypeVar("T")
KEYS = {"master": "11" * 32, "anchor": "22" * 32}
_MADE: dict[str, NewAccount] = {}
SENDER = "Exemple Télécom <info@example.org>"
TOML = """\
data_dir = "var"
[organisation]
name = "Exemple Télécom"
address = "1 rue de l’Exemple, 75000 Paris"
website = "https://www.example.org/incident"
[organisation.dpo]
name = "Camille Dubreuil"
email = "dpo@example.org"
phone = "+33 1 99 00 12 34"
hours = "9 h - 18 h"
hours_en = "9 am to 6 pm"
[keys]
master_file = "master.key"
anchor_file = "anchor.key"
"""


class World:
    """A data directory with a case of some persons. ``people``: accounts by role."""

    def __init__(self, folder: Path, mail: str, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock = clock or SystemClock()
        for name, key in KEYS.items():
            (folder / f"{name}.key").write_text(key)
        self.toml = folder / "sentinel.toml"
        self.toml.write_text(TOML + mail)
        from sentinel import config

        self.settings: Settings = config.load(self.toml)
        self.sealer = parts.open_sealer(self.settings)
        self.cases = parts.open_cases(self.settings, self.sealer, self.clock)
        self.people: dict[str, Account] = {}
        self.secrets: dict[str, str] = {}
        self.incident_id = ""
        self.watch: list[CampaignLedger] = []

    def close(self) -> None:
        for one in self.watch:
            one.close()
        self.cases.close()

    def run(self, function: Callable[[CaseTx], T]) -> T:
        with self.cases.begin() as tx:
            return function(tx)

    async def in_store(self, function: Callable[[CaseTx], T], /) -> T:
        return self.run(function)

    def person(self, name: str, role: Role) -> Account:
        made = _MADE.get(name)
        if made is None:  # passwords are hashed slowly on purpose: once for all tests
            made = create_account(
                name=name,
                display_name=name,
                roles=[role],
                language="fr",
                sealer=self.sealer,
                now=self.clock.now(),
            )
            _MADE[name] = made
        self.run(lambda tx: tx.accounts.put(made.account))
        self.people[name] = made.account
        self.secrets[name] = made.totp_secret
        return made.account

    def token(self, name: str) -> str:
        """Return an API token of a person."""
        issue = tokens.issue
        return self.run(
            lambda tx: issue(tx, self.people[name], name="t", days=1, now=self.clock.now(), by="t")[
                0
            ]
        )

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.secrets[name]).now()

    def factor(self, name: str) -> Factor:
        return Factor(account_id=self.people[name].id, at=self.clock.now())

    def fill(self, entries: list[DirectoryEntry], *, minors: int = 0) -> None:
        """Import the directory and open a case whose frozen set is everybody in it."""
        now = self.clock.now()
        directory = open_directory(self.settings, self.sealer)
        directory.take(entries, at=now, by="t", source="test")
        directory.close()
        subjects = tuple(sorted(one.pseudonym for one in entries))
        second = set(subjects[:minors])
        incident = Incident(
            id="i" * 32,
            reference="INC-2026-0001",
            title="Export of customers",
            kind="out_of_scope_access",
            created_at=now,
            created_by="t",
            security=Security.CONTAINED,
            legal=Legal.BREACH_CONFIRMED,
            authority=Authority.DUE,
            detected_at=now - timedelta(hours=5),
            occurred_from=now - timedelta(hours=6),
            occurred_to=now - timedelta(hours=5),
            answers={
                "m.taken": [
                    {
                        "at": now.isoformat(),
                        "fr": "Le compte a été suspendu.",
                        "en": "The account was suspended.",
                    }
                ],
                "letter.story.fr": "Un salarié a lu des dossiers sans motif.",
                "letter.story.en": "A member of staff read files without a reason.",
            },
            affected=Affected(
                subjects=subjects,
                categories={"identity": len(subjects), "contact": len(subjects)},
                record_count=len(subjects),
                first=now - timedelta(hours=6),
                last=now - timedelta(hours=5),
                query="usr_t from 08:00 to 09:00",
                sha256="ab" * 32,
                persons=tuple(
                    AffectedPerson(
                        subject=one,
                        first=now - timedelta(hours=6),
                        last=now - timedelta(hours=5),
                        accesses=1,
                        categories=("connection_data", "identity")
                        if one in second
                        else ("contact", "identity"),
                    )
                    for one in subjects
                ),
            ),
        )
        self.run(lambda tx: tx.incidents.put(incident))
        self.incident_id = incident.id

    @contextmanager
    def house(self) -> Iterator[House]:
        with open_house(self.settings, self.sealer) as house:
            yield house

    def act(self, name: str, function: Callable[..., T], *given: Any, **more: Any) -> T:
        """Run a function of the desk as a person; a campaign is read anew."""
        with self.house() as house:

            def work(tx: CaseTx) -> T:
                arguments = [
                    commands.get(tx, one.id) if isinstance(one, Campaign) else one for one in given
                ]
                actor = self.people[name].actor
                return function(tx, house, actor, *arguments, now=self.clock.now(), **more)

            return self.run(work)

    def prepared(self) -> Campaign:
        return self.act("comms", prepare_letters, self.incident_id)

    def approved(self) -> Campaign:
        campaign = self.prepared()
        self.act("comms", desk.ask, self.factor("comms"), campaign)
        self.act("dpo", desk.approve, self.factor("dpo"), campaign)
        return campaign

    def campaign(self, campaign: Campaign) -> Campaign:
        return self.run(lambda tx: commands.get(tx, campaign.id))


def entries(count: int, *, full: int = 0, english: int = 0, post: int = 0) -> list[DirectoryEntry]:
    """Return persons: some whose mailbox is full, some English, some without an address."""
    found = []
    for number in range(count):
        local = f"p{number}.full" if number < full else f"p{number}"
        found.append(
            DirectoryEntry(
                pseudonym=f"sub_{secrets.token_hex(8)}",
                name=f"Personne n° {number}",
                email="" if number >= count - post else f"{local}@example.org",
                address=f"{number} rue de l’Exemple\n75000 Paris",
                language="en" if number < english else "fr",
            )
        )
    return found


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def utc() -> datetime:
    """Return now."""
    return datetime.now(UTC)
