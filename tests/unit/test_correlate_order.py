"""Order of arrival, duplicates, late events and bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.detect.correlate.correlator import Correlator
from sentinel.detect.correlate.hit import Hit
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATENESS = timedelta(seconds=30)
SOURCE = LogSource(category="test")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """Return one correlation of each type, one that closes, and one on top of another."""
    base: list[dict[str, Any]] = [
        {
            "title": act,
            "name": act,
            "logsource": {"category": "test"},
            "detection": {"s": {"act": act}, "condition": "s"},
        }
        for act in "ab"
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "event_count", "rules": "a", "condition": {"gte": 3}},
        {"type": "value_count", "rules": ["a", "b"], "condition": {"gte": 3, "field": "u"}},
        {"type": "temporal", "rules": ["a", "b"]},
        {"type": "temporal_ordered", "rules": ["b", "a"]},
        {"type": "event_count", "rules": ["a", "b"], "condition": {"eq": 2}},
        {"type": "temporal_ordered", "rules": ["c4", "c0"], "timespan": "5m"},
    ]
    correlations = [
        {
            "title": f"c{n}",
            "name": f"c{n}",
            "correlation": {"timespan": "20s", "group-by": "ip", "generate": True, **block},
        }
        for n, block in enumerate(blocks)
    ]
    folder = tmp_path_factory.mktemp("rules")
    (folder / "all.yml").write_text(yaml.safe_dump_all([*base, *correlations]))
    return load_rules(folder).require_clean()


def make(index: int, drawn: tuple[int, str, str, str]) -> Event:
    second, act, ip, user = drawn
    return Event(
        id=f"e{index}",
        time=START + timedelta(seconds=second),
        source="s",
        ref=f"r{index}",
        logsource=SOURCE,
        fields={"act": act, "ip": ip, "u": user},
    )


def correlated(findings: Sequence[Finding]) -> list[tuple[str, datetime, tuple[str, ...], str]]:
    """Return what identifies the correlations' findings, sorted."""
    chosen = [f for f in findings if f.rule.slug.startswith("c")]
    return sorted((f.rule.slug, f.time, f.events, f.id) for f in chosen)


def run(rules: RuleSet, batches: Sequence[Sequence[Event]]) -> tuple[list[Finding], RuleEngine]:
    engine = RuleEngine(rules, lateness=LATENESS)
    findings = [finding for batch in batches for finding in engine.process(batch)]
    return [*findings, *engine.flush()], engine


drawn_events = st.lists(
    st.tuples(
        st.integers(0, 150), st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("123")
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(drawn_events, st.data())
def test_any_order_within_the_lateness_gives_the_sorted_findings(
    rules: RuleSet, drawn: list[tuple[int, str, str, str]], data: st.DataObject
) -> None:
    events = [make(index, values) for index, values in enumerate(drawn)]
    ordered = sorted(events, key=lambda event: event.time)
    expected, _engine = run(rules, [ordered])
    delays = data.draw(
        st.lists(st.integers(0, 30), min_size=len(events), max_size=len(events)), label="delays"
    )
    arrivals = sorted(
        zip(ordered, delays, strict=True),
        key=lambda pair: pair[0].time + timedelta(seconds=pair[1]),
    )
    shuffled = [event for event, _delay in arrivals]
    doubled = [copy for event in shuffled for copy in (event, event)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(doubled)), max_size=5), label="cuts"))
    edges = [0, *cuts, len(doubled)]
    batches = [doubled[a:b] for a, b in pairwise(edges)]
    found, engine = run(rules, batches)
    assert correlated(found) == correlated(expected)
    assert all(losses.evicted_hits == 0 for losses in engine.losses.values())


def test_what_comes_too_late_is_counted(rules: RuleSet) -> None:
    engine = RuleEngine(rules, lateness=LATENESS)
    engine.process([make(0, (100, "a", "x", "1"))])
    engine.process([make(1, (70, "a", "x", "1")), make(2, (69, "a", "x", "1"))])
    count = rules.find("c0")
    assert count is not None
    assert engine.losses[count.info.id].late == 1


def test_the_watermark_never_goes_back(rules: RuleSet) -> None:
    engine = RuleEngine(rules, lateness=LATENESS)
    engine.advance(START + timedelta(seconds=100))
    before = engine.watermark
    engine.advance(START)
    engine.process([make(0, (10, "a", "x", "1"))])
    assert engine.watermark == before == START + timedelta(seconds=70)


def test_an_idle_stream_is_judged_when_time_passes(rules: RuleSet) -> None:
    engine = RuleEngine(rules, lateness=LATENESS)
    engine.process([make(n, (n, "a", "x", "1")) for n in range(3)])
    findings = engine.advance(START + timedelta(seconds=33))
    assert [finding.rule.slug for finding in findings] == ["c0"]


def hit(second: int, group: str) -> Hit:
    return Hit(
        rule="a",
        key=f"{second}-{group}",
        time=START + timedelta(seconds=second),
        fields={"ip": group},
        events=("e",),
        refs=("r",),
    )


class TestMemory:
    def correlator(self, rules: RuleSet, **bounds: int) -> Correlator:
        correlation = next(c for c in rules.correlations if c.info.slug == "c0")
        return Correlator(correlation, **bounds)

    def test_the_quietest_group_goes_first_and_is_counted(self, rules: RuleSet) -> None:
        correlator = self.correlator(rules, max_groups=2)
        for second, group in enumerate(["x", "y", "x", "z", "x"]):
            correlator.offer(hit(second, group))
        bursts = list(correlator.evaluate(START + timedelta(seconds=5)))
        assert [group for group, _burst in bursts] == [("x",)]
        assert correlator.groups == 2
        assert correlator.losses.evicted_groups == 1

    def test_quiet_groups_are_forgotten(self, rules: RuleSet) -> None:
        correlator = self.correlator(rules)
        for second, group in enumerate(["x", "y", "z"]):
            correlator.offer(hit(second, group))
        list(correlator.evaluate(START + timedelta(seconds=21)))
        assert correlator.groups == 2
        list(correlator.evaluate(START + timedelta(seconds=100)))
        assert correlator.groups == 0
        assert correlator.losses.evicted_groups == 0

    def test_a_window_is_bounded_and_says_so(
        self, rules: RuleSet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sentinel.detect.correlate.correlator.MIN_WINDOW", 10)
        correlator = self.correlator(rules)
        for n in range(25):
            correlator.offer(numbered(n))
        bursts = [burst for _group, burst in correlator.evaluate(START + timedelta(seconds=99))]
        assert [len(burst.hits) for burst in bursts] == [3, 22]
        assert [burst.continues for burst in bursts] == [False, True]
        assert correlator.losses.evicted_hits == 15

    def test_what_waits_is_bounded_and_says_so(
        self, rules: RuleSet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sentinel.detect.correlate.correlator.MAX_PENDING", 4)
        correlator = self.correlator(rules)
        for n in range(6):
            correlator.offer(numbered(n))
        assert correlator.losses.evicted_hits == 2


def numbered(n: int) -> Hit:
    return Hit(
        rule="a", key=f"k{n}", time=START, fields={"ip": "x"}, events=(f"e{n}",), refs=("r",)
    )


def test_the_engine_says_what_its_correlations_left_out(rules: RuleSet) -> None:
    engine = RuleEngine(rules, lateness=LATENESS)
    now = START + timedelta(seconds=100)
    engine.process([make(0, (100, "a", "x", "1"))], now=now)
    engine.process([make(1, (9, "a", "x", "1")), make(2, (9999, "b", "x", "1"))], now=now)
    left_out = engine.left_out
    assert left_out["future_events"] == 1
    assert left_out["late"] == sum(losses.late for losses in engine.losses.values()) > 0
    assert left_out["future"] > 0
    assert engine.watermark == now - LATENESS
