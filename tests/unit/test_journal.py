"""The chain of the journal: whatever is done to it afterwards shows, except a cut tail."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from sentinel.clock import ManualClock
from sentinel.domain.journal import GENESIS, JournalLine, line_hash, payload_digest, verify
from sentinel.respond import journal_check
from sentinel.respond.journal_check import verify_journal
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


def chain(length: int) -> list[JournalLine]:
    lines: list[JournalLine] = []
    for seq in range(1, length + 1):
        payload = f"cipher-{seq}".encode()
        values = {
            "seq": seq,
            "occurred_at": NOW + timedelta(microseconds=seq),
            "recorded_at": NOW + timedelta(seconds=seq),
            "actor": "acc-1",
            "action": "test",
            "object": f"o{seq}",
            "payload_digest": payload_digest(payload),
            "prev_hash": lines[-1].hash if lines else GENESIS,
        }
        lines.append(JournalLine(**values, payload=payload, hash=line_hash(**values)))
    return lines


def changed(line: JournalLine, **changes: object) -> JournalLine:
    return msgspec.structs.replace(line, **changes)


def test_a_chain_left_alone_holds() -> None:
    assert verify(chain(5)) == []
    assert verify([]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"occurred_at": NOW},
        {"recorded_at": NOW + timedelta(seconds=3, microseconds=1)},
        {"actor": "acc-2"},
        {"action": "other"},
        {"object": "o9"},
        {"payload": b"other"},
        {"payload_digest": payload_digest(b"other")},
        {"payload": b"other", "payload_digest": payload_digest(b"other")},
        {"hash": "0" * 64},
        {"prev_hash": "0" * 64},
        {"seq": 9},
    ],
    ids="+".join,
)
def test_any_altered_field_shows_at_its_line(changes: dict[str, object]) -> None:
    lines = chain(5)
    lines[2] = changed(lines[2], **changes)
    breaks = verify(lines)
    assert breaks
    assert breaks[0].seq == lines[2].seq


def rehashed(line: JournalLine) -> JournalLine:
    """What somebody who knows the scheme would do to one line."""
    fields = msgspec.structs.asdict(line)
    del fields["payload"], fields["hash"]
    return changed(line, hash=line_hash(**fields))


def test_a_line_altered_and_hashed_again_breaks_the_next_one() -> None:
    lines = chain(5)
    lines[2] = rehashed(changed(lines[2], actor="acc-2"))
    assert [one.seq for one in verify(lines)] == [4]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: lines.pop(2),
        lambda lines: lines.pop(0),
        lambda lines: lines.reverse(),
        lambda lines: lines.insert(2, lines[3]),
        lambda lines: lines.insert(2, lines[2]),
        lambda lines: lines.__setitem__(slice(1, 3), [lines[2], lines[1]]),
    ],
    ids=["removed", "head removed", "reversed", "inserted", "doubled", "swapped"],
)
def test_a_removed_moved_or_inserted_line_shows(
    tamper: Callable[[list[JournalLine]], None],
) -> None:
    lines = chain(5)
    tamper(lines)
    assert verify(lines)


def test_a_purged_payload_leaves_the_chain_whole() -> None:
    lines = [changed(line, payload=b"") for line in chain(5)]
    assert verify(lines) == []


def test_a_cut_tail_shows_only_against_an_anchor() -> None:
    lines = chain(5)
    assert verify(lines[:3]) == []
    assert verify(lines[3:], prev_hash=lines[2].hash, first_seq=4) == []
    assert verify(lines[4:], prev_hash=lines[2].hash, first_seq=4)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlCaseStore]:
    monkeypatch.setattr(journal_check, "PAGE", 3)
    opened = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), ManualClock(NOW))
    with opened.begin() as tx:
        for number in range(8):
            tx.journal.append(
                occurred_at=NOW,
                actor="acc-1",
                action="test",
                object_id="o",
                payload={"n": number},
            )
    yield opened
    opened.close()


def test_the_stored_journal_holds_across_pages(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert verify_journal(tx) == []


@pytest.mark.parametrize(
    ("statement", "seqs"),
    [
        ("UPDATE journal SET actor = 'acc-2' WHERE seq = 4", [4]),
        ("UPDATE journal SET occurred_us = occurred_us + 1 WHERE seq = 3", [3]),
        ("UPDATE journal SET payload = x'00' WHERE seq = 8", [8]),
        ("DELETE FROM journal WHERE seq = 4", [5, 5]),
        ("DELETE FROM journal WHERE seq = 1", [2, 2]),
        ("UPDATE journal SET seq = 9 WHERE seq = 6", [7, 7, 9, 9]),
    ],
)
def test_a_change_behind_our_back_is_found(store: SqlCaseStore, statement, seqs) -> None:
    with store._engine.begin() as connection:
        connection.execute(text(statement))
    with store.begin() as tx:
        assert [one.seq for one in verify_journal(tx)] == seqs
