"""Sessions end by time, by idleness, by hand and with their account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sentinel.clock import ManualClock
from sentinel.config import ConsoleSettings
from sentinel.domain.account import Account
from sentinel.domain.incident import Role
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer
from sentinel.web.auth.sessions import close_session, open_session, resume

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
RULES = ConsoleSettings(session_minutes=480, idle_minutes=30)
ACCOUNT = Account(
    id="account-1",
    name="c.durand",
    display_name="",
    roles=(Role.DPO,),
    language="fr",
    password_hash="",
    totp_secret=b"",
    created_at=START,
)


@pytest.fixture
def store() -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(START))
    with opened.begin() as tx:
        tx.accounts.put(ACCOUNT)
    yield opened
    opened.close()


def start(store: SqlCaseStore) -> str:
    with store.begin() as tx:
        return open_session(tx, ACCOUNT, START, RULES)


def alive(store: SqlCaseStore, token: str, after: timedelta) -> bool:
    with store.begin() as tx:
        return resume(tx, token, START + after, RULES) is not None


def test_only_the_digest_of_the_token_is_stored(store: SqlCaseStore) -> None:
    token = start(store)
    with store.begin() as tx:
        assert tx.accounts.session(token) is None
        found = tx.accounts.session(hashlib.sha256(token.encode()).hexdigest())
    assert found is not None
    assert token not in repr(found)
    assert len(token) >= 43  # 256 bits in base64


def test_an_unknown_token_opens_nothing(store: SqlCaseStore) -> None:
    start(store)
    assert not alive(store, "x" * 43, timedelta())


def test_idle_session_ends_and_stays_ended(store: SqlCaseStore) -> None:
    token = start(store)
    assert alive(store, token, timedelta(minutes=29))
    assert alive(store, token, timedelta(minutes=58))
    assert not alive(store, token, timedelta(minutes=88))
    assert not alive(store, token, timedelta(minutes=58)), "it was dropped, not only refused"


def test_a_busy_session_ends_at_its_absolute_end(store: SqlCaseStore) -> None:
    token = start(store)
    for minutes in range(20, 480, 20):
        assert alive(store, token, timedelta(minutes=minutes))
    assert not alive(store, token, timedelta(minutes=480))


def test_a_disabled_account_has_no_session(store: SqlCaseStore) -> None:
    token = start(store)
    with store.begin() as tx:
        tx.accounts.put(msgspec.structs.replace(ACCOUNT, disabled=True))
    assert not alive(store, token, timedelta(minutes=1))


def test_signing_out_ends_the_session_and_is_journalled(store: SqlCaseStore) -> None:
    token = start(store)
    with store.begin() as tx:
        visitor = resume(tx, token, START, RULES)
        assert visitor is not None
        assert visitor.actor.has(Role.DPO)
        close_session(tx, visitor, START)
    assert not alive(store, token, timedelta())
    with store.begin() as tx:
        assert [line.action for line in tx.journal.lines()] == ["account.signed_out"]


def test_sessions_do_not_share_tokens(store: SqlCaseStore) -> None:
    assert len({start(store) for _ in range(20)}) == 20
