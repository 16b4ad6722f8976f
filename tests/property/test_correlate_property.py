"""Any order of 100,000 events within the lateness, with duplicates, cut anywhere: the same alerts.

And for each type of correlation the windows are held against a second, simple-minded reading of the
specification: every hit in order, the whole window counted again each time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATENESS = timedelta(minutes=10)
SOURCE = LogSource(category="test")
SPAN = 20
BLOCKS: list[dict[str, Any]] = [
    {"type": "event_count", "rules": "a", "condition": {"gte": 4}},
    {"type": "value_count", "rules": ["a", "b"], "condition": {"gte": 3, "field": "u"}},
    {"type": "temporal", "rules": ["a", "b"]},
    {"type": "temporal_ordered", "rules": ["b", "a"]},
    {"type": "event_count", "rules": ["a", "b"], "condition": {"gt": 2, "lte": 5}},
    {"type": "value_sum", "rules": "a", "condition": {"gt": 20.5, "field": "n"}},
    {"type": "value_avg", "rules": "a", "condition": {"gte": 6, "field": "n"}},
    {
        "type": "value_percentile",
        "rules": "a",
        "condition": {"gte": 9, "field": "n", "percentile": 80},
    },
    {"type": "value_median", "rules": "a", "condition": {"lt": 3, "field": "n"}},
    {"type": "value_percentile", "rules": "a", "condition": {"lte": 20, "field": "u"}},
    {"type": "temporal", "condition": "a and not b"},
    {"type": "temporal_ordered", "rules": ["c4", "c0"], "timespan": "5m"},
]


NUMBERS: list[Value] = [1, 2, 2.5, 9, 0.1, "12"]
MANY = (0, 1, 3, 4, 5, 10, 11)  # of these for the great number: one of each kind of window


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    return write(tmp_path_factory.mktemp("rules"), range(len(BLOCKS)))


def write(folder: Path, chosen: Iterable[int]) -> RuleSet:
    base: list[dict[str, Any]] = [
        {
            "title": act,
            "name": act,
            "logsource": {"category": "test"},
            "detection": {"s": {"act": act}, "condition": "s"},
            "level": "informational",
        }
        for act in "ab"
    ]
    correlations = [
        {
            "title": f"c{n}",
            "name": f"c{n}",
            "correlation": {
                "timespan": f"{SPAN}s",
                "group-by": "ip",
                "generate": True,
                **BLOCKS[n],
            },
        }
        for n in chosen
    ]
    (folder / "all.yml").write_text(yaml.safe_dump_all([*base, *correlations]))
    return load_rules(folder).require_clean()


def make(index: int, second: float, act: str, ip: str, user: str, number: Value) -> Event:
    return Event(
        id=f"e{index:06}",
        time=START + timedelta(seconds=second),
        source=f"s{index % 3}",
        ref=f"r{index}",
        logsource=SOURCE,
        fields={"act": act, "ip": ip, "u": user, "n": number},
    )


def run(rules: RuleSet, batches: Sequence[Sequence[Event]]) -> tuple[list[Finding], RuleEngine]:
    engine = RuleEngine(rules, lateness=LATENESS)
    findings = [finding for batch in batches for finding in engine.process(batch)]
    return [*findings, *engine.flush()], engine


def as_bytes(findings: Sequence[Finding]) -> bytes:
    """Return the correlations' findings, each correlation's in the order of telling."""
    told = [finding for finding in findings if finding.rule.slug.startswith("c")]
    return msgspec.json.encode(sorted(told, key=lambda finding: finding.rule.slug))


@pytest.mark.slow
def test_a_hundred_thousand_events_in_any_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = write(tmp_path, MANY)
    rng = random.Random(1)
    ordered = [
        make(
            n,
            n * 0.05,
            rng.choice("aab"),
            f"host-{min(int(rng.expovariate(0.02)), 255)}",
            f"u{rng.randint(1, 9)}",
            rng.choice(NUMBERS),
        )
        for n in range(100_000)
    ]
    began = time.perf_counter()
    expected, _engine = run(rules, [ordered])
    wanted = as_bytes(expected)
    lateness = LATENESS.total_seconds()
    delays = {event.id: rng.uniform(0, lateness) for event in ordered}
    arrivals = [event for event in ordered for _copy in range(1 + (rng.random() < 0.2))]
    arrivals.sort(key=lambda event: event.time + timedelta(seconds=delays[event.id]))
    cuts = [0, *sorted(rng.sample(range(len(arrivals)), 400)), len(arrivals)]
    found, engine = run(rules, [arrivals[a:b] for a, b in pairwise(cuts)])
    assert as_bytes(found) == wanted
    assert all(not losses.late for losses in engine.losses.values())
    with capsys.disabled():
        print(
            f"\n100,000 events delayed by up to {lateness:.0f} s, "
            f"{len(arrivals) - len(ordered):,} duplicates: "
            f"{len(wanted):,} bytes of correlation findings, identical "
            f"({len(expected):,} findings, {time.perf_counter() - began:.0f} s)"
        )
    slugs = {finding.rule.slug for finding in expected}
    assert slugs >= {f"c{n}" for n in MANY}


drawn = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from("aab"),
        st.sampled_from("xy"),
        st.sampled_from("123"),
        st.sampled_from([0, 1, 2.5, 9, "7", "many", None, 0.1]),
    ),
    max_size=30,
)


def numbers(hits: Sequence[Event]) -> list[float]:
    values = (hit.fields["n"] for hit in hits)
    return [float(value) for value in values if value not in (None, "many")]  # type: ignore[arg-type]


def percentile(values: Sequence[float], rank: int) -> float:
    ordered = sorted(values)
    return next(
        value
        for value in ordered
        if 100 * sum(other <= value for other in ordered) >= rank * len(ordered)
    )


def rarest(hits: Sequence[Event]) -> float:
    users = [hit.fields["u"] for hit in hits]
    return min(100 * users.count(user) / len(users) for user in users)


def in_order(hits: Sequence[Event]) -> bool:
    first = next((hit.time for hit in hits if hit.fields["act"] == "b"), None)
    return first is not None and any(hit.fields["act"] == "a" and hit.time >= first for hit in hits)


def acts(hits: Sequence[Event]) -> set[object]:
    return {hit.fields["act"] for hit in hits}


# The specification's text, type by type; sums are rounded where the engine computes exactly.
TRUE: list[Callable[[Sequence[Event]], bool]] = [
    lambda hits: len(hits) >= 4,
    lambda hits: len({hit.fields["u"] for hit in hits}) >= 3,
    lambda hits: acts(hits) == {"a", "b"},
    in_order,
    lambda hits: 2 < len(hits) <= 5,
    lambda hits: round(sum(numbers(hits)), 6) > 20.5,
    lambda hits: bool(numbers(hits)) and round(sum(numbers(hits)) / len(numbers(hits)), 6) >= 6,
    lambda hits: bool(numbers(hits)) and percentile(numbers(hits), 80) >= 9,
    lambda hits: bool(numbers(hits)) and percentile(numbers(hits), 50) < 3,
    lambda hits: rarest(hits) <= 20,
    lambda hits: acts(hits) == {"a"},
]
CLOSING = {4, 6, 7, 8, 9, 10}


def naive(block: int, events: Sequence[Event]) -> list[tuple[str, ...]]:
    """Return the events of each burst as it begins, group by group."""
    wanted = {"a", "b"} if block in {1, 2, 3, 4, 10} else {"a"}
    hits = [event for event in events if event.fields["act"] in wanted]
    told: list[tuple[str, ...]] = []
    for group in "xy":
        mine = [hit for hit in hits if hit.fields["ip"] == group]
        told += _closing(block, mine) if block in CLOSING else _sliding(block, mine)
    return sorted(told)


def _sliding(block: int, hits: Sequence[Event]) -> list[tuple[str, ...]]:
    told, last_true = [], None
    for index, hit in enumerate(hits):
        oldest = hit.time - timedelta(seconds=SPAN)
        window = [other for other in hits[: index + 1] if other.time >= oldest]
        if TRUE[block](window):
            if last_true is None or last_true < oldest:
                told.append(tuple(other.id for other in window))
            last_true = hit.time
    return told


def _closing(block: int, hits: Sequence[Event]) -> list[tuple[str, ...]]:
    windows: list[list[Event]] = []
    for hit in hits:
        if windows and hit.time - windows[-1][0].time <= timedelta(seconds=SPAN):
            windows[-1].append(hit)
        else:
            windows.append([hit])
    return [tuple(hit.id for hit in window) for window in windows if TRUE[block](window)]


@settings(max_examples=300, deadline=None)
@given(drawn)
def test_each_type_agrees_with_a_naive_reading(
    rules: RuleSet, values: list[tuple[int, str, str, str, Value]]
) -> None:
    events = [make(index, *value) for index, value in enumerate(values)]
    ordered = sorted(events, key=lambda event: (event.time, event.id))
    found, _engine = run(rules, [events])
    for block in range(len(TRUE)):
        mine = [f for f in found if f.rule.slug == f"c{block}"]
        assert sorted(f.events for f in mine if not f.continues) == naive(block, ordered), block


@settings(max_examples=100, deadline=None)
@given(drawn)
def test_the_parts_of_a_burst_share_no_event_and_miss_none(
    rules: RuleSet, values: list[tuple[int, str, str, str, Value]]
) -> None:
    events = [make(index, *value) for index, value in enumerate(values)]
    found, _engine = run(rules, [events])
    for ip in "xy":
        mine = [f for f in found if f.rule.slug == "c0" and f.actor == ""]
        told = [event for f in mine for event in f.events if _ip(events, event) == ip]
        assert len(told) == len(set(told))
        hits = sorted(
            (e for e in events if e.fields["ip"] == ip and e.fields["act"] == "a"),
            key=lambda event: (event.time, event.id),
        )
        in_true_window: set[str] = set()
        for index, hit in enumerate(hits):
            window = [e for e in hits[: index + 1] if hit.time - e.time <= timedelta(seconds=SPAN)]
            if len(window) >= 4:
                in_true_window.update(event.id for event in window)
        assert set(told) == in_true_window


def _ip(events: Sequence[Event], event_id: str) -> object:
    return next(event.fields["ip"] for event in events if event.id == event_id)
