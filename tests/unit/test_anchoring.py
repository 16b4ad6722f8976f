"""Anchors each day, a purge that keeps them, keys whose destruction leaves the chain whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from sentinel.clock import ManualClock
from sentinel.errors import Refused, StorageError
from sentinel.respond import anchoring
from sentinel.respond.journal_check import all_lines, check
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner, signed_by

NOW = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = AnchorSigner("11" * 32)


class House:
    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), self.clock)

    def write(self, count: int = 3, subject: str = "case-1") -> None:
        with self.store.begin() as tx:
            for number in range(count):
                tx.journal.append(
                    occurred_at=self.clock.now(),
                    actor="a",
                    action="test",
                    object_id=subject,
                    payload={"n": number},
                )

    def daily(self):
        with self.store.begin() as tx:
            return anchoring.daily_anchor(tx, self.clock.now(), SIGNER.sign)

    def verdict(self):
        with self.store.begin() as tx:
            return check(all_lines(tx), tx.journal.anchors())

    def payloads(self) -> list[object]:
        with self.store.begin() as tx:
            return [tx.journal.opened(line) for line in tx.journal.lines()]


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.store.close()


def test_each_day_that_ended_is_anchored_once_and_signed(house: House) -> None:
    house.write()
    first = house.daily()
    assert first is not None
    assert (first.day, first.first_seq, first.last_seq) == ("2026-03-01", 1, 3)
    assert signed_by(first, SIGNER.public)
    assert house.daily() is None
    house.clock.advance(DAY)
    house.write(2)
    second = house.daily()
    assert second is not None
    assert (second.day, second.first_seq, second.last_seq) == ("2026-03-02", 4, 5)
    assert second.previous == anchoring.digest(first)
    assert house.verdict().holds


def test_a_purge_keeps_the_chain_and_only_what_it_says_may_be_empty(house: House) -> None:
    house.write()
    with house.store.begin() as tx, pytest.raises(Refused, match="no anchor"):
        anchoring.purge(
            tx, recorded_before=NOW + DAY, actor="a", reason="old", now=house.clock.now()
        )
    house.daily()
    house.clock.advance(400 * DAY)
    house.write(2)
    with house.store.begin() as tx:
        dropped = anchoring.purge(
            tx, recorded_before=NOW + DAY, actor="a", reason="old", now=house.clock.now()
        )
    assert dropped == 3
    assert house.payloads()[:5] == [None, None, None, {"n": 0}, {"n": 1}]
    assert house.verdict().holds
    with house.store._engine.begin() as connection:
        connection.execute(text("UPDATE journal SET payload = x'' WHERE seq = 5"))
    [found] = house.verdict().breaks
    assert (found.seq, "no purge says so" in found.reason) == (5, True)


def test_a_destroyed_key_closes_one_object_and_the_chain_still_verifies(house: House) -> None:
    house.write(2, "case-1")
    house.write(1, "case-2")
    house.daily()
    with house.store.begin() as tx:
        assert anchoring.destroy_key(tx, "case-1", actor="a", reason="R-47", now=NOW)
        assert not anchoring.destroy_key(tx, "case-1", actor="a", reason="R-47", now=NOW)
    house.write(1, "case-1")  # a later line makes a new key; the old lines stay closed
    said = house.payloads()
    assert said[:3] == [None, None, {"n": 0}]
    assert said[-1] == {"n": 0}
    assert house.verdict().holds


def test_an_anchor_file_is_never_written_over(house: House, tmp_path: Path) -> None:
    house.write()
    anchor = house.daily()
    assert anchor is not None
    path = anchoring.write_anchor(tmp_path, anchor)
    assert anchoring.write_anchor(tmp_path, anchor) == path
    path.write_text("{}")
    with pytest.raises(StorageError):
        anchoring.write_anchor(tmp_path, anchor)
