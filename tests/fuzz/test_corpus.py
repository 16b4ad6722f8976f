"""The fuzzer's kept inputs and its seeds, replayed: no exception, no quote, no runaway."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import keep
import targets


def test_the_kept_corpus() -> None:
    outcome: Counter[str] = Counter()
    inputs = keep.load()
    for data in inputs:
        outcome += targets.run(data)
    assert len(inputs) > 100
    assert outcome["parsed"] > 100
    assert outcome["unparsed"] > 100


def test_the_seeds_are_all_read() -> None:
    for data in targets.seeds():
        assert targets.run(data)["unparsed"] == 0, data[:40]


def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness itself: a parser that raises, quotes or dawdles does not pass."""
    monkeypatch.setattr(targets, "budget", lambda _: 0.0)
    with pytest.raises(targets.Fault, match="of CPU"):
        targets.run(targets.seeds()[0])
