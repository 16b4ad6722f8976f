"""What the four types of correlation count, when they tell, and when they stay quiet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SOURCE = LogSource(category="test")
RULES = [
    {
        "title": name,
        "name": name,
        "id": f"00000000-0000-4000-8000-00000000000{n}",
        "logsource": {"category": "test"},
        "detection": {"s": {"act": name}, "condition": "s"},
    }
    for n, name in enumerate(("a", "b", "c"), 1)
]


def ruleset(tmp_path: Path, *blocks: dict[str, Any]) -> RuleSet:
    documents = list(RULES)
    for n, own in enumerate(blocks):
        block = {"group-by": ["ip"], "timespan": "60s", **own}
        name = block.pop("name", f"correlation_{n}")
        identity = f"00000000-0000-4000-9000-00000000000{n}"
        documents.append({"title": name, "name": name, "id": identity, "correlation": block})
    (tmp_path / "all.yml").write_text(yaml.safe_dump_all(documents))
    return load_rules(tmp_path).require_clean()


def event(second: float, act: str = "a", *, ip: Any = "192.0.2.1", **fields: Any) -> Event:
    identity = f"{second}-{act}-{ip}-{sorted(fields.items())}"
    return Event(
        id=identity,
        time=START + timedelta(seconds=second),
        source="s",
        ref=f"ref {identity}",
        logsource=SOURCE,
        fields={"act": act, "ip": ip, **fields},
    )


def told(rules: RuleSet, events: Iterable[Event]) -> list[Finding]:
    """Return the findings that begin a burst."""
    return [finding for finding in everything(rules, events) if not finding.continues]


def everything(rules: RuleSet, events: Iterable[Event]) -> list[Finding]:
    engine = RuleEngine(rules, lateness=timedelta(0))
    return [*engine.process(list(events)), *engine.flush()]


def seconds(findings: list[Finding]) -> list[float]:
    return [(finding.time - START).total_seconds() for finding in findings]


COUNT = {"type": "event_count", "rules": "a"}


class TestEventCount:
    def test_at_the_number_once(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 3}})
        (finding,) = told(rules, [event(s) for s in range(50)])
        assert finding.time == START + timedelta(seconds=2)
        assert finding.event_count == 3
        assert finding.events == tuple(event(s).id for s in range(3))
        assert finding.refs == tuple(event(s).ref for s in range(3))
        (reason,) = finding.reasons
        assert reason.text("en") == "3 events in 1 minutes for the same ip"

    def test_both_ends_of_the_timespan_belong_to_it(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 2}})
        assert len(told(rules, [event(0), event(60)])) == 1
        assert told(rules, [event(0), event(60.001)]) == []

    def test_again_only_after_a_quiet_timespan(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 3}})
        burst = [event(s) for s in range(5)]
        assert seconds(told(rules, [*burst, *(event(s) for s in range(62, 70))])) == [2]
        assert seconds(told(rules, [*burst, *(event(s) for s in range(64, 70))])) == [2, 66]

    def test_a_trickle_after_a_burst_does_not_hide_the_next_burst(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 3}})
        trickle = [event(s) for s in range(40, 400, 40)]
        events = [*(event(s) for s in range(4)), *trickle, *(event(s) for s in range(400, 404))]
        assert seconds(told(rules, events)) == [2, 401]

    def test_groups_are_apart(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 3}})
        events = [event(s, ip=f"192.0.2.{s % 4}") for s in range(12)]
        assert len(told(rules, events)) == 4
        assert told(rules, events[:8]) == []

    def test_a_list_is_one_group_per_item_and_an_absence_is_none(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 2}})
        events = [event(0, ip=["x", "y"]), event(1, ip="y"), event(2, ip=None), event(3, ip=None)]
        engine = RuleEngine(rules, lateness=timedelta(0))
        findings = [*engine.process(events), *engine.flush()]
        assert seconds(findings) == [1]
        (losses,) = engine.losses.values()
        assert losses.ungrouped == 2

    def test_without_group_by_all_events_are_one_group(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "group-by": [], "condition": {"gte": 3}})
        assert len(told(rules, [event(s, ip=str(s)) for s in range(3)])) == 1


class TestClosing:
    @pytest.mark.parametrize(
        ("condition", "wanted"),
        [
            ({"eq": 3}, [3]),
            ({"lt": 3}, [1, 2]),
            ({"lte": 2}, [1, 2]),
            ({"neq": 3}, [1, 2, 4, 5]),
            ({"gt": 2, "lte": 4}, [3, 4]),
        ],
    )
    def test_the_window_is_judged_when_it_is_over(
        self, tmp_path: Path, condition: dict[str, int], wanted: list[int]
    ) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": condition})
        events = [event(s, ip=f"ip{n}") for n in range(1, 6) for s in range(n)]
        found = told(rules, sorted(events, key=lambda e: e.time))
        assert sorted(finding.event_count for finding in found) == wanted

    def test_windows_follow_one_another(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"eq": 2}})
        events = [event(0), event(60), event(61), event(100), event(122), event(300)]
        assert seconds(told(rules, events)) == [60, 100]

    def test_nothing_is_said_before_the_end(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"lt": 3}})
        engine = RuleEngine(rules, lateness=timedelta(0))
        assert engine.process([event(0)]) == []
        assert engine.advance(START + timedelta(seconds=60)) == []
        assert len(engine.advance(START + timedelta(seconds=61))) == 1
        assert engine.flush() == []


class TestValueCount:
    BLOCK = {"type": "value_count", "rules": "a", "condition": {"field": "u", "gte": 3}}  # noqa: RUF012

    def test_different_values_count(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, self.BLOCK)
        assert told(rules, [event(s, u=f"u{s % 2}") for s in range(50)]) == []
        (finding,) = told(rules, [event(s, u=f"u{s // 2}") for s in range(10)])
        assert finding.event_count == 5
        assert finding.reasons[0].values["count"] == 3
        assert finding.reasons[0].values["field"] == "u"

    def test_what_left_the_window_no_longer_counts(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, self.BLOCK)
        events = [event(0, u="x"), event(40, u="y"), event(61, u="z")]
        assert told(rules, events) == []
        assert len(told(rules, [*events, event(62, u="w")])) == 1

    def test_each_item_of_a_list_counts_and_an_absence_does_not(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, self.BLOCK)
        assert len(told(rules, [event(0, u=["x", "y", "z"])])) == 1
        assert told(rules, [event(0, u=["x", "y"]), event(1), event(2, u=None)]) == []

    def test_several_fields_count_as_combinations(self, tmp_path: Path) -> None:
        block = {**self.BLOCK, "condition": {"field": ["u", "v"], "gte": 3}}
        rules = ruleset(tmp_path, block)
        pairs = [("x", "1"), ("x", "2"), ("x", "1"), ("y", "1")]
        found = told(rules, [event(s, u=u, v=v) for s, (u, v) in enumerate(pairs)])
        assert seconds(found) == [3]


class TestTemporal:
    def test_all_rules_in_any_order(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {"type": "temporal", "rules": ["a", "b", "c"]})
        (finding,) = told(rules, [event(0, "c"), event(10, "a"), event(20, "a"), event(30, "b")])
        assert finding.event_count == 4
        assert finding.reasons[0].values["rules"] == "a, b, c"
        assert told(rules, [event(0, "c"), event(10, "a"), event(61, "b")]) == []

    def test_some_of_the_rules(self, tmp_path: Path) -> None:
        block = {"type": "temporal", "rules": ["a", "b", "c"], "condition": {"gte": 2}}
        assert len(told(ruleset(tmp_path, block), [event(0, "c"), event(10, "a")])) == 1

    def test_in_the_order_given(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {"type": "temporal_ordered", "rules": ["a", "b", "c"]})
        assert seconds(told(rules, [event(s, act) for s, act in enumerate("cbabcc")])) == [4]
        assert told(rules, [event(s, act) for s, act in enumerate("cba")]) == []
        assert told(rules, [event(0, "a"), event(50, "b"), event(61, "c")]) == []

    def test_a_later_start_of_the_order_counts(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {"type": "temporal_ordered", "rules": ["a", "b"]})
        assert seconds(told(rules, [event(0, "a"), event(50, "a"), event(70, "b")])) == [70]

    def test_one_event_does_not_follow_itself(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {"type": "temporal_ordered", "rules": ["a", "a"]})
        assert told(rules, [event(0)]) == []
        assert seconds(told(rules, [event(0), event(1)])) == [1]


class TestReferences:
    def test_aliases_give_one_name_to_two_fields(self, tmp_path: Path) -> None:
        block = {
            "type": "temporal",
            "rules": ["a", "b"],
            "group-by": ["peer"],
            "aliases": {"peer": {"a": "ip", "b": "other"}},
        }
        rules = ruleset(tmp_path, block)
        assert len(told(rules, [event(0, "a"), event(1, "b", ip="x", other="192.0.2.1")])) == 1
        assert told(rules, [event(0, "a"), event(1, "b", other="192.0.2.2")]) == []

    def test_a_correlation_of_correlations(self, tmp_path: Path) -> None:
        chain = {
            "name": "chain",
            "type": "temporal_ordered",
            "rules": ["many", "b"],
            "group-by": ["ip"],
        }
        rules = ruleset(tmp_path, chain, {**COUNT, "name": "many", "condition": {"gte": 3}})
        (finding,) = told(rules, [event(0), event(1), event(2), event(9, "b")])
        assert finding.rule.title == "chain"
        assert finding.event_count == 4
        assert finding.time == START + timedelta(seconds=9)
        assert told(rules, [event(0), event(1), event(9, "b"), event(10)]) == []

    def test_generate_lets_the_rules_speak_too(self, tmp_path: Path) -> None:
        block = {**COUNT, "generate": True, "condition": {"gte": 2}}
        titles = [f.rule.title for f in told(ruleset(tmp_path, block), [event(0), event(1)])]
        assert titles == ["a", "a", "correlation_0"]


class TestWho:
    def test_the_actor_is_the_groups(self, tmp_path: Path) -> None:
        block = {**COUNT, "group-by": ["source.ip"], "condition": {"gte": 2}}
        events = [
            event(s, **{"source.ip": "192.0.2.9", "user.name": f"u{s}"})  # type: ignore[arg-type]
            for s in range(2)
        ]
        (finding,) = told(ruleset(tmp_path, block), events)
        assert finding.actor == "192.0.2.9"

    def test_or_the_one_that_all_hits_share(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 2}})
        shared = [event(s, **{"user.name": "u"}) for s in range(2)]  # type: ignore[arg-type]
        apart = [event(s, **{"user.name": f"u{s}"}) for s in range(2)]  # type: ignore[arg-type]
        assert told(rules, shared)[0].actor == "u"
        assert told(rules, apart)[0].actor == ""

    def test_subjects_and_categories_are_united(self, tmp_path: Path) -> None:
        rules = ruleset(tmp_path, {**COUNT, "condition": {"gte": 2}})
        events = [
            event(0, **{"sentinel.subject": ["s1", "s2"], "sentinel.data_category": "contact"}),
            event(1, **{"sentinel.subject": ["s2", "s3"], "sentinel.data_category": "identity"}),
        ]  # type: ignore[arg-type]
        (finding,) = told(rules, events)
        assert finding.subjects == ("s1", "s2", "s3")
        assert finding.categories == ("contact", "identity")
