"""The ledger and the dead letters in the case store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from case_targets import TARGETS, migrated, target_of  # noqa: F401

from sentinel.clock import ManualClock
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.domain.dead_letter import DeadLetter, LetterKind, LetterState, Tally
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=TARGETS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlCaseStore]:
    store = SqlCaseStore.open(
        target_of(request, tmp_path), AesGcmSealer(bytes(32)), ManualClock(START)
    )
    yield store
    store.close()


def window(name: str, begin: int, end: int | None, **more: object) -> BlindWindow:
    whole = BlindWindow(
        id=name,
        cause=Cause.SILENCE,
        source="crm",
        begin=START + begin * MINUTE,
        seen=START + (begin if end is None else end) * MINUTE,
        end=None if end is None else START + end * MINUTE,
    )
    return msgspec.structs.replace(whole, **more)


def letter(name: str, minutes: int = 0, **more: object) -> DeadLetter:
    whole = DeadLetter(
        id=name,
        source="crm",
        kind=LetterKind.LINE,
        reason="no JSON",
        received=START + minutes * MINUTE,
        expires=START + (minutes + 30) * MINUTE,
        sealed=b"sealed",
        context=f"event:{name}",
    )
    return msgspec.structs.replace(whole, **more)


def test_a_window_is_found_by_what_it_touches(store: SqlCaseStore) -> None:
    windows = [
        window("a", 0, 10),
        window("b", 20, None),
        window("c", 5, 6, source="www", cause=Cause.OVERLOAD, count=3, detail="SpoolFull"),
    ]
    with store.begin() as tx:
        for one in windows:
            tx.blind.put(one)
        tx.blind.put(msgspec.structs.replace(windows[0], count=7))
    with store.begin() as tx:
        assert [w.id for w in tx.blind.find()] == ["b", "c", "a"]
        assert tx.blind.find(source="www") == [windows[2]]
        assert [w.id for w in tx.blind.find(open_only=True)] == ["b"]
        assert [w.id for w in tx.blind.find(cause=Cause.SILENCE, source="crm")] == ["b", "a"]
        assert tx.blind.find(source="crm")[1].count == 7
        assert [w.id for w in tx.blind.find(since=START + 10 * MINUTE)] == ["b", "a"]
        assert [w.id for w in tx.blind.find(since=START + 11 * MINUTE)] == ["b"]
        assert [w.id for w in tx.blind.find(until=START + 4 * MINUTE)] == ["a"]
        assert [w.id for w in tx.blind.find(limit=1)] == ["b"]
        tx.blind.drop("b")
        assert [w.id for w in tx.blind.find()] == ["c", "a"]


def test_a_letter_waits_is_parsed_and_replayed_once(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert tx.dead_letters.add_many([letter("1"), letter("2", 1), letter("1")]) == 2
        assert tx.dead_letters.add_many([letter("1", 5), letter("3", 2, source="www")]) == 1
        assert tx.dead_letters.add_many([]) == 0
    with store.begin() as tx:
        assert tx.dead_letters.find()[0] == letter("1")
        assert [found.id for found in tx.dead_letters.find(source="www")] == ["3"]
        assert [found.id for found in tx.dead_letters.find(since=START + MINUTE)] == ["2", "3"]
        first = tx.dead_letters.find(limit=1)[0]
        rest = tx.dead_letters.find(after=(first.received, first.id))
        assert [found.id for found in rest] == ["2", "3"]
        assert tx.dead_letters.parsed("1", sealed=b"event", context="letter:1", event_id="e")
        assert not tx.dead_letters.parsed("1", sealed=b"x", context="y", event_id="z")
        assert tx.dead_letters.replayed(["1", "2"], at=START + MINUTE) == 1
        assert tx.dead_letters.replayed(["1"], at=START + 9 * MINUTE) == 0
        done = tx.dead_letters.find(state=LetterState.REPLAYED)
        assert [(one.id, one.sealed, one.event_id) for one in done] == [("1", b"", "e")]
        assert done[0].replayed_at == START + MINUTE
        assert tx.dead_letters.counts() == {
            ("crm", LetterState.REPLAYED): 1,
            ("crm", LetterState.WAITING): 1,
            ("www", LetterState.WAITING): 1,
        }


def test_letters_expire_and_those_never_read_are_told(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.dead_letters.add_many([letter("1"), letter("2", 1), letter("3", 2), letter("4", 9)])
        tx.dead_letters.parsed("2", sealed=b"e", context="c", event_id="e")
        tx.dead_letters.replayed(["2"], at=START)
        assert tx.dead_letters.expire(START + 29 * MINUTE) == []
        lost = tx.dead_letters.expire(START + 32 * MINUTE)
        assert lost == [Tally("crm", 2, START, START + 2 * MINUTE)]
        assert [one.id for one in tx.dead_letters.find()] == ["4"]
