"""A checkpoint is made and read in parts: all of it comes back, or nothing is taken over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.detect.correlate import correlator
from sentinel.detect.diary import CHECKPOINT, PART, Diary, stored_states
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SEALER = AesGcmSealer(bytes(32))


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    base: dict[str, Any] = {
        "title": "a", "name": "a", "logsource": {"category": "test"}, "level": "informational",
        "detection": {"s": {"act": "a"}, "condition": "s"},
    }  # fmt: skip
    many = {
        "title": "many", "name": "many",
        "correlation": {
            "type": "event_count", "rules": ["a"], "group-by": ["ip"], "timespan": "1h",
            "condition": {"gte": 2},
        },
    }  # fmt: skip
    (tmp_path / "all.yml").write_text(yaml.safe_dump_all([base, many]))
    return load_rules(tmp_path).require_clean()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlator, "SLICE", 7)


def engine(rules: RuleSet) -> RuleEngine:
    return RuleEngine(rules, lateness=timedelta(seconds=30))


def access(number: int, ip: int) -> Event:
    return Event(
        id=f"e{number}",
        time=START + timedelta(seconds=number),
        source="s",
        ref=f"s#{number}",
        logsource=LogSource(category="test"),
        fields={"act": "a", "ip": f"192.0.2.{ip}"},
    )


def busy(rules: RuleSet, count: int = 100) -> RuleEngine:
    running = engine(rules)
    running.process([access(n, n) for n in range(count)])
    return running


def test_it_is_made_of_small_parts_and_all_of_it_comes_back(rules: RuleSet) -> None:
    one = busy(rules)
    parts = list(one.remember())
    assert len(parts) == 1 + 5 + 10  # the head, 31 hits that wait, 69 groups
    other = engine(rules)
    assert other.recall(iter(parts))
    assert list(other.remember()) == parts
    later = [access(200 + n, n) for n in range(100)]
    assert one.process(later) == other.process(later) != []
    assert one.flush() == other.flush() != []


@pytest.mark.parametrize("damage", ["none", "head", "middle", "cut", "foreign"])
def test_what_does_not_fit_leaves_the_engine_as_it_was(rules: RuleSet, damage: str) -> None:
    parts = list(busy(rules).remember())
    broken = {
        "none": [],
        "head": [b"", *parts[1:]],
        "middle": [*parts[:5], b"\x93", *parts[6:]],
        "cut": [*parts[:5], b""],
        "foreign": [*parts[:5], parts[5].replace(b"many", b"mamy"), *parts[6:]],
    }[damage]
    other = engine(rules)
    assert not other.recall(broken)
    assert other.weight == 0
    assert list(other.remember()) == list(engine(rules).remember())
    assert other.process([access(0, 1)]) == []


def store(table: dict[str, bytes], states: Any) -> None:
    table.update(states.items())


def test_the_diary_writes_parts_and_finds_them_again(rules: RuleSet) -> None:
    table: dict[str, bytes] = {}
    one, diary = busy(rules), Diary(SEALER)
    store(table, diary.checkpoint(99, one.remember))
    diary.wrote(99)
    assert len(table) == 2 + 16
    found = Diary(SEALER).read(stored_states(table.get))
    assert found is not None
    assert (found.stand.after, found.stand.parts, found.turns) == (99, 16, [])
    assert list(found.memory) == list(one.remember())


def test_a_smaller_checkpoint_empties_the_parts_of_the_one_before(rules: RuleSet) -> None:
    table: dict[str, bytes] = {}
    diary = Diary(SEALER)
    for after, count in ((99, 100), (120, 10)):
        store(table, diary.checkpoint(after, busy(rules, count).remember))
        diary.wrote(after)
    stored = stored_states(table.get)
    assert len(stored) == 2 + 1 + 2
    assert table[PART.format(15)] == b""
    found = Diary(SEALER).read(stored)
    assert found is not None
    assert list(found.memory) == list(busy(rules, 10).remember())
    assert set(stored) == {"detect:checkpoint", "detect:diary"}, "parts leave as they are read"
    diary.resume(found.stand, found.turns, 0)
    store(table, diary.checkpoint(130, busy(rules, 1).remember))
    assert len(stored_states(table.get)) == 2 + 1 + 1


def test_it_is_made_anew_where_the_store_refused(rules: RuleSet) -> None:
    one, diary = busy(rules), Diary(SEALER)
    states = diary.checkpoint(99, one.remember)
    first = iter(states.items())
    next(first), next(first)
    table: dict[str, bytes] = {}
    store(table, states)
    found = Diary(SEALER).read(stored_states(table.get))
    assert found is not None
    assert engine(rules).recall(found.memory)


@pytest.mark.parametrize("number", [0, 3, 15])
def test_a_part_of_another_checkpoint_or_none_is_not_believed(rules: RuleSet, number: int) -> None:
    table: dict[str, bytes] = {}
    other: dict[str, bytes] = {}
    store(table, Diary(SEALER).checkpoint(99, busy(rules).remember))
    store(other, Diary(SEALER).checkpoint(50, busy(rules).remember))
    name = PART.format(number)
    for odd in ({**table, name: other[name]}, {k: v for k, v in table.items() if k != name}):
        found = Diary(SEALER).read(stored_states(odd.get))
        assert found is not None
        assert not engine(rules).recall(found.memory)
    assert Diary(SEALER).read({CHECKPOINT: table[CHECKPOINT]}) is None
