"""An approval binds bytes, takes two humans with fresh factors, and survives no tampering."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pyotp
import pytest

from sentinel.clock import ManualClock
from sentinel.domain.account import Account
from sentinel.domain.approval import Approval, ApprovalState, Bound, Subject
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import Refused, SentinelError, StorageError
from sentinel.respond.approval import PURPOSE, VALID, Approvals
from sentinel.respond.second_factor import FRESH, MAX_FAILURES, Factor, prove
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer, derive_key
from sentinel.web.auth.accounts import NewAccount, create_account

MASTER = bytes(range(32))
NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
LETTER = "Madame, Monsieur, vos données de connexion ont été lues."
WHY = "The wording needs another look"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class House:
    """A real store on disk with three people, one of whom has two accounts."""

    def __init__(self, folder: Path, people: list[NewAccount]) -> None:
        self.path = folder / "cases.sqlite"
        self.clock = ManualClock(NOW)
        self.sealer = AesGcmSealer(MASTER)
        self.store = SqlCaseStore.open(self.path, self.sealer, self.clock)
        self.approvals = Approvals(derive_key(MASTER, PURPOSE))
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, str] = {}
        with self.store.begin() as tx:
            for made in people:
                tx.accounts.put(made.account)
                self.accounts[made.account.name] = made.account
                self.secrets[made.account.name] = made.totp_secret
            tx.incidents.put(
                Incident(
                    id="i1",
                    reference="INC-2026-0001",
                    title="x",
                    kind="generic",
                    created_at=NOW,
                    created_by="dpo",
                )
            )

    def actor(self, name: str) -> Actor:
        return self.accounts[name].actor

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.secrets[name]).at(self.clock.now())

    def factor(self, name: str) -> Factor:
        self.clock.advance(timedelta(seconds=30))  # each code is accepted once
        with self.store.begin() as tx:
            found = prove(
                tx, self.sealer, self.accounts[name].id, self.code(name), now=self.clock.now()
            )
        assert found is not None
        return found

    def bound(self, text: str = LETTER, audience: str = "audience") -> Bound:
        return Bound(
            incident_id="i1",
            subject=Subject.LETTER,
            object_id="letter-1",
            sha256=digest(text),
            audience=digest(audience),
        )

    def ask(self, name: str, bound: Bound | None = None, authors: tuple[str, ...] = ()) -> Approval:
        factor = self.factor(name)
        with self.store.begin() as tx:
            return self.approvals.ask(
                tx,
                self.actor(name),
                factor,
                bound or self.bound(),
                authors=[self.accounts[one].id for one in authors],
                now=self.clock.now(),
            )

    def approve(self, name: str, asked: Approval, present: Bound | None = None) -> Approval:
        factor = self.factor(name)
        with self.store.begin() as tx:
            return self.approvals.approve(
                tx,
                self.actor(name),
                factor,
                asked.id,
                present=present or self.bound(),
                now=self.clock.now(),
            )

    def require(self, present: Bound | None = None) -> Approval:
        with self.store.begin() as tx:
            return self.approvals.require(tx, present or self.bound(), now=self.clock.now())

    def reopen(self) -> None:
        self.store.close()
        self.store = SqlCaseStore.open(self.path, self.sealer, self.clock)


@pytest.fixture(scope="module")
def people() -> list[NewAccount]:
    """Their passwords are hashed slowly on purpose: once for all tests."""
    return [
        create_account(
            name=name,
            display_name=name,
            roles=[role],
            language="fr",
            sealer=AesGcmSealer(MASTER),
            now=NOW,
            person=person,
        )
        for name, role, person in (
            ("dpo", Role.DPO, "alice"),
            ("alice-legal", Role.LEGAL, "Alice"),
            ("director", Role.DIRECTOR, ""),
            ("comms", Role.COMMS, ""),
            ("admin", Role.ADMIN, ""),
            ("auditor", Role.AUDITOR, ""),
        )
    ]


@pytest.fixture
def house(tmp_path: Path, people: list[NewAccount]) -> Iterator[House]:
    found = House(tmp_path, people)
    yield found
    found.store.close()


def test_two_people_with_fresh_factors(house: House) -> None:
    with pytest.raises(Refused, match="nobody has approved"):
        house.require()
    given = house.approve("director", house.ask("dpo"))
    assert given.state is ApprovalState.APPROVED
    held = house.require()
    assert held.id == given.id
    assert held.approved is not None
    assert held.asked.human != held.approved.human


def test_one_comma_after_approval_blocks(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    with pytest.raises(Refused, match="edited after its approval"):
        house.require(house.bound(LETTER.replace("données", "données,")))
    assert house.require()  # the very bytes still hold


def test_another_audience_is_another_thing(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    with pytest.raises(Refused, match="edited after its approval"):
        house.require(house.bound(audience="one person more"))


def test_one_comma_between_asking_and_approving(house: House) -> None:
    asked = house.ask("dpo")
    with pytest.raises(Refused, match="edited since"):
        house.approve("director", asked, house.bound(LETTER + ","))


@pytest.mark.parametrize(
    ("second", "authors"),
    [
        ("dpo", ()),  # the same account
        ("alice-legal", ()),  # the same human, by another account
        ("director", ("director",)),  # who wrote it
    ],
)
def test_nobody_takes_both_sides(house: House, second: str, authors: tuple[str, ...]) -> None:
    asked = house.ask("dpo", authors=authors)
    with pytest.raises(Refused, match="author cannot be the approver"):
        house.approve(second, asked)
    with pytest.raises(Refused, match="nobody has approved"):
        house.require()


def test_the_human_who_wrote_it_by_another_account_does_not_approve(house: House) -> None:
    asked = house.ask("comms", authors=("alice-legal",))
    with pytest.raises(Refused, match="author cannot be the approver"):
        house.approve("dpo", asked)


def test_accounts_that_prove_to_be_of_one_human_later_void_it(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    with house.store.begin() as tx:
        tx.accounts.put(msgspec.structs.replace(house.accounts["director"], person="alice"))
    with pytest.raises(Refused, match="one human"):
        house.require()


@pytest.mark.parametrize("name", ["admin", "auditor", "comms"])
def test_roles_that_never_approve(house: House, name: str) -> None:
    asked = house.ask("dpo")
    with pytest.raises(Refused):
        house.approve(name, asked)


@pytest.mark.parametrize("name", ["admin", "auditor"])
def test_roles_that_never_ask(house: House, name: str) -> None:
    with pytest.raises(Refused):
        house.ask(name)


def test_a_stale_factor_and_that_of_another(house: House) -> None:
    asked, mine = house.ask("dpo"), house.factor("director")
    others = house.factor("alice-legal")
    now = mine.at + FRESH + timedelta(seconds=1)
    for factor, why in ((mine, "not fresh"), (others, "another account")):
        with house.store.begin() as tx, pytest.raises(Refused, match=why):
            house.approvals.approve(
                tx, house.actor("director"), factor, asked.id, present=house.bound(), now=now
            )


def test_a_code_is_accepted_once_and_guesses_lock(house: House) -> None:
    director = house.accounts["director"].id

    def tried(code: str) -> Factor | None:
        with house.store.begin() as tx:
            return prove(tx, house.sealer, director, code, now=house.clock.now())

    house.clock.advance(timedelta(seconds=30))
    code = house.code("director")
    assert tried(code) is not None
    assert tried(code) is None
    for _ in range(MAX_FAILURES):
        tried("abcdef")
    house.clock.advance(timedelta(seconds=30))
    assert tried(house.code("director")) is None  # locked: even the right code
    with house.store.begin() as tx:
        locked = tx.accounts.get(director)
        actions = [one.action for one in tx.journal.lines(object_id=director)]
    assert locked is not None
    assert locked.locked_until is not None
    assert "account.locked" in actions


def test_it_ends_by_itself(house: House) -> None:
    given = house.approve("director", house.ask("dpo"))
    house.clock.advance(VALID)
    with pytest.raises(Refused, match="ended on"):
        house.require()
    assert given.expires_at == given.approved.at + VALID  # type: ignore[union-attr]


def test_an_edit_or_a_withdrawal_voids_it_for_good(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    with house.store.begin() as tx:
        voided = house.approvals.edited(
            tx, house.actor("comms"), "i1", "letter-1", now=house.clock.now()
        )
    assert [one.state for one in voided] == [ApprovalState.VOID]
    with pytest.raises(Refused, match="nobody has approved"):
        house.require()  # even for the very bytes that were approved
    given = house.approve("director", house.ask("dpo"))
    with house.store.begin() as tx:
        house.approvals.withdraw(
            tx, house.actor("dpo"), given.id, reason=WHY, now=house.clock.now()
        )
    with pytest.raises(Refused, match="nobody has approved"):
        house.require()


def test_asking_for_other_bytes_voids_what_held(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    house.ask("dpo", house.bound("another text"))
    with pytest.raises(Refused, match="nobody has approved"):
        house.require()


def raw_bodies(path: Path) -> dict[str, bytes]:
    with sqlite3.connect(path) as database:
        return dict(database.execute("SELECT id, body FROM case_records WHERE kind = 'approval'"))


def set_body(path: Path, record_id: str, body: bytes, version: int = 2) -> None:
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE case_records SET body = ?, version = ? WHERE id = ?", (body, version, record_id)
        )


def test_a_row_changed_by_hand_approves_nothing(house: House) -> None:
    given = house.approve("director", house.ask("dpo"))
    body = raw_bodies(house.path)[given.id]
    for position in (0, 20, len(body) // 2, len(body) - 1):
        changed = bytearray(body)
        changed[position] ^= 1
        set_body(house.path, given.id, bytes(changed))
        with pytest.raises(StorageError):
            house.require()
    set_body(house.path, given.id, body)
    assert house.require()


def test_a_row_of_another_approval_or_an_earlier_one_approves_nothing(house: House) -> None:
    first = house.approve("director", house.ask("dpo"))
    approved = raw_bodies(house.path)[first.id]
    with house.store.begin() as tx:
        house.approvals.withdraw(
            tx, house.actor("dpo"), first.id, reason=WHY, now=house.clock.now()
        )
    set_body(house.path, first.id, approved)  # back to "approved", as it once truly was
    with pytest.raises(Refused, match="earlier state"):
        house.require()
    second = house.ask("dpo", house.bound("another text"))
    set_body(house.path, second.id, approved)
    with pytest.raises(StorageError):
        house.require(house.bound("another text"))


def with_master_sealer_only(house: House, change: Callable[[Approval], Approval]) -> None:
    """Alter an approval as somebody who can seal, but does not know the approvals' key."""
    with house.store.begin() as tx:
        (found,) = tx.records.find(Approval, "i1")
        tx.records.put(msgspec.structs.replace(change(found), version=found.version + 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: msgspec.structs.replace(one, state=ApprovalState.APPROVED),
        lambda one: msgspec.structs.replace(one, approved=one.asked, state="approved"),
        lambda one: msgspec.structs.replace(
            one, bound=msgspec.structs.replace(one.bound, sha256=digest("forged"))
        ),
        lambda one: msgspec.structs.replace(one, expires_at=NOW + timedelta(days=9)),
    ],
)
def test_every_field_is_under_the_mac(house: House, change: Callable[[Approval], Approval]) -> None:
    house.ask("dpo")
    with_master_sealer_only(house, change)
    with pytest.raises(Refused):
        house.require()
    with house.store.begin() as tx:
        (found,) = tx.records.find(Approval, "i1")
        with pytest.raises(Refused, match="altered"):
            house.approvals.intact(tx, found.id)


def test_the_mac_fits_after_a_restart_and_not_under_another_key(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    house.reopen()
    assert house.require()
    house.approvals = Approvals(derive_key(bytes(32), PURPOSE))
    with pytest.raises(SentinelError):
        house.require()


def test_nothing_of_it_lies_in_clear(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    house.store.close()
    raw = b"".join(one.read_bytes() for one in house.path.parent.iterdir())
    for secret in (digest(LETTER), digest("audience"), "letter-1"):
        assert secret.encode() not in raw
    house.store = SqlCaseStore.open(house.path, house.sealer, house.clock)


def test_a_restore_from_a_backup_ends_what_was_approved_before(house: House) -> None:
    house.approve("director", house.ask("dpo"))
    with house.store.begin() as tx:
        tx.journal.append(
            occurred_at=house.clock.now(),
            actor="root",
            action="restore.done",
            object_id="backup:1",
            payload={},
        )
    with pytest.raises(Refused, match="restored since"):
        house.require()
    house.approve("director", house.ask("dpo"))
    assert house.require()
