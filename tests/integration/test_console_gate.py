"""Accounts: secrets are random and sealed; both factors are needed; guessing is bounded."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from console_house import House, code_of

from sentinel.domain.account import Account
from sentinel.domain.incident import Role
from sentinel.errors import Refused, StorageError
from sentinel.web.auth.accounts import Gate, NewAccount, seal_context


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    opened.close()


def stored(house: House, made: NewAccount) -> Account:
    account = house.now_in_store(lambda tx: tx.accounts.get(made.account.id))
    assert account is not None
    return account


def actions(house: House) -> list[str]:
    return [line.action for line in house.now_in_store(lambda tx: tx.journal.lines())]


def reasons(house: House) -> list[object]:
    return house.now_in_store(
        lambda tx: [
            tx.journal.opened(line)
            for line in tx.journal.lines()
            if line.action == "account.sign_in_refused"
        ]
    )


def test_secrets_are_not_stored_in_clear(house: House, tmp_path: Path) -> None:
    made = house.account()
    assert made.account.password_hash.startswith("$argon2id$")
    opened = house.sealer.open(made.account.totp_secret, context=seal_context(made.account.id))
    assert opened.decode() == made.totp_secret
    sqlite3.connect(tmp_path / "cases.db").close()
    disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.totp_secret.encode() not in disk
    assert made.password.encode() not in disk


def test_a_sealed_secret_belongs_to_its_account(house: House) -> None:
    one, other = house.account("a.one"), house.account("b.two")
    with pytest.raises(StorageError):
        house.sealer.open(one.account.totp_secret, context=seal_context(other.account.id))


def test_passwords_and_secrets_differ(house: House) -> None:
    one, other = house.account("a.one"), house.account("b.two")
    assert one.password != other.password
    assert one.totp_secret != other.totp_secret
    assert len(one.password) >= 20


@pytest.mark.parametrize("roles", [(Role.ADMIN, Role.DPO), (Role.SERVICE,)])
def test_roles_that_exclude_each_other_are_refused(house: House, roles: tuple[Role, ...]) -> None:
    with pytest.raises(Refused):
        house.account("c.durand", *roles)


async def test_both_factors_open(house: House) -> None:
    made = house.account()
    account = await Gate(house).verify("C.Durand", made.password, code_of(made, house.clock.now()))
    assert account is not None
    assert account.id == made.account.id
    assert actions(house) == ["account.signed_in"]


@pytest.mark.parametrize(
    ("name", "password", "code", "reason"),
    [
        ("nobody", "", "", "unknown"),
        ("c.durand", "wrong", "", "password"),
        ("c.durand", "", "000000", "code"),
        ("c.durand", "", " ", "code"),
    ],
)
async def test_one_factor_is_not_enough(
    house: House, name: str, password: str, code: str, reason: str
) -> None:
    made = house.account()
    given = code or code_of(made, house.clock.now())
    assert await Gate(house).verify(name, password or made.password, given) is None
    assert actions(house) == ["account.sign_in_refused"]
    assert reasons(house) == [{"reason": reason}]


async def test_the_journal_holds_no_secret_and_no_unknown_name(house: House) -> None:
    made = house.account()
    gate = Gate(house)
    await gate.verify("correct horse battery", made.password, "123456")
    await gate.verify("c.durand", "my-secret-guess", "123456")
    lines = house.now_in_store(
        lambda tx: [(line, tx.journal.opened(line)) for line in tx.journal.lines()]
    )
    text = repr([(line.actor, line.action, line.object, payload) for line, payload in lines])
    for secret in (made.password, "my-secret-guess", "123456", "correct horse"):
        assert secret not in text


async def test_a_code_is_accepted_once_even_in_parallel(house: House) -> None:
    made = house.account()
    gate, code = Gate(house), code_of(made, house.clock.now())
    results = await asyncio.gather(
        *(gate.verify("c.durand", made.password, code) for _ in range(4))
    )
    assert sum(account is not None for account in results) == 1


async def test_five_failures_lock_for_fifteen_minutes(house: House) -> None:
    made = house.account()
    gate = Gate(house)
    for _ in range(5):
        assert await gate.verify("c.durand", "wrong", "000000") is None
    assert actions(house)[-1] == "account.locked"
    assert await gate.verify("c.durand", made.password, code_of(made, house.clock.now())) is None
    house.clock.advance(timedelta(minutes=14, seconds=59))
    assert await gate.verify("c.durand", made.password, code_of(made, house.clock.now())) is None
    house.clock.advance(timedelta(seconds=1))
    assert await gate.verify("c.durand", made.password, code_of(made, house.clock.now()))
    assert stored(house, made).failed_attempts == 0


async def test_parallel_guesses_are_all_counted(house: House) -> None:
    made = house.account()
    gate = Gate(house)
    await asyncio.gather(*(gate.verify("c.durand", f"guess-{n}", "000000") for n in range(6)))
    assert stored(house, made).locked_until == house.clock.now() + timedelta(minutes=15)
    assert actions(house).count("account.locked") == 1


async def test_a_right_sign_in_clears_the_failures(house: House) -> None:
    made = house.account()
    gate = Gate(house)
    for _ in range(4):
        await gate.verify("c.durand", "wrong", "000000")
    assert await gate.verify("c.durand", made.password, code_of(made, house.clock.now()))
    assert stored(house, made).failed_attempts == 0


async def test_a_wrong_password_does_not_use_up_the_code(house: House) -> None:
    made = house.account()
    gate, code = Gate(house), code_of(made, house.clock.now())
    assert await gate.verify("c.durand", "wrong", code) is None
    assert await gate.verify("c.durand", made.password, code)


async def test_a_disabled_account_is_refused(house: House) -> None:
    made = house.account()
    disabled = msgspec.structs.replace(made.account, disabled=True)
    house.now_in_store(lambda tx: tx.accounts.put(disabled))
    code = code_of(made, house.clock.now())
    assert await Gate(house).verify("c.durand", made.password, code) is None
    assert reasons(house) == [{"reason": "disabled"}]


async def test_an_unknown_name_costs_one_hash_and_one_line(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.account()
    gate = Gate(house)
    hashes: list[str] = []
    verify = gate._password_matches
    monkeypatch.setattr(gate, "_password_matches", lambda h, p: hashes.append(h) or verify(h, p))
    await gate.verify("nobody", "x", "000000")
    await gate.verify("c.durand", "x", "000000")
    assert len(hashes) == 2
    parameters = {stored_hash.rsplit("$", 2)[0] for stored_hash in hashes}
    assert len(parameters) == 1, "the same algorithm at the same cost"
    assert len(actions(house)) == 2
