"""Metrics, formulas, filters, pipelines and continuations: from YAML to findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SOURCE = LogSource(category="test", product="shop")
BASE: list[dict[str, Any]] = [
    {
        "title": act,
        "name": act,
        "logsource": {"category": "test"},
        "detection": {"s": {"act": act}, "condition": "s"},
    }
    for act in "abc"
]


def rules(folder: Path, *documents: dict[str, Any]) -> RuleSet:
    (folder / "all.yml").write_text(yaml.safe_dump_all([*BASE, *documents]))
    return load_rules(folder)


def correlation(**block: Any) -> dict[str, Any]:
    whole = {"timespan": "60s", "group-by": ["ip"], **block}
    return {"title": "found", "name": "found", "correlation": whole}


def event(second: float, act: str = "a", **fields: Value) -> Event:
    return Event(
        id=f"{act}{second}{sorted(fields.items())}",
        time=START + timedelta(seconds=second),
        source="s",
        ref=f"r{second}",
        logsource=SOURCE,
        fields={"act": act, "ip": "192.0.2.1", **fields},
    )


def found(ruleset: RuleSet, events: list[Event]) -> list[Finding]:
    engine = RuleEngine(ruleset.require_clean(), lateness=timedelta(0))
    return [*engine.process(events), *engine.flush()]


def measured(folder: Path, condition: dict[str, Any], values: list[Value], kind: str) -> list[Any]:
    ruleset = rules(folder, correlation(type=kind, rules="a", condition=condition))
    findings = found(ruleset, [event(s, n=value) for s, value in enumerate(values)])
    return [f.reasons[0].values["value"] for f in findings if f.rule.slug == "found"]


class TestMetrics:
    def test_a_sum_is_exact_and_told_when_it_is_reached(self, tmp_path: Path) -> None:
        condition = {"field": "n", "gte": 1}
        assert measured(tmp_path, condition, [0.1] * 10, "value_sum") == [1]
        assert measured(tmp_path, condition, [0.1] * 9, "value_sum") == []

    def test_what_left_the_window_leaves_no_trace_in_the_sum(self, tmp_path: Path) -> None:
        block = correlation(type="value_sum", rules="a", condition={"field": "n", "gt": 0.3})
        events = [event(0, n=0.1), event(1, n=1e300), event(70, n=0.1), event(71, n=0.2)]
        findings = found(rules(tmp_path, block), events)
        told = [f.time - START for f in findings if f.rule.slug == "found"]
        assert told == [timedelta(seconds=1)]

    def test_an_average_waits_for_the_end(self, tmp_path: Path) -> None:
        condition = {"field": "n", "gt": 500}
        assert measured(tmp_path, condition, [9000, 1, 1, 1, 1, 1], "value_avg") == [1500.833]
        assert measured(tmp_path, condition, [9000, *[1] * 60], "value_avg") == []

    @pytest.mark.parametrize(
        ("rank", "value"), [(1, 15), (30, 20), (40, 20), (50, 35), (90, 50), (100, 50)]
    )
    def test_percentiles_are_the_nearest_rank(self, tmp_path: Path, rank: int, value: int) -> None:
        condition = {"field": "n", "gte": 0, "percentile": rank}
        values: list[Value] = [40, 15, 50, 35, 20]
        assert measured(tmp_path, condition, values, "value_percentile") == [value]

    def test_the_median_of_an_even_number_is_the_lower_middle(self, tmp_path: Path) -> None:
        assert measured(tmp_path, {"field": "n", "gte": 0}, [4, 1, 3, 2], "value_median") == [2]

    def test_without_a_percentile_a_share_is_compared(self, tmp_path: Path) -> None:
        values: list[Value] = ["sh", *["nginx"] * 99]
        kind = "value_percentile"
        assert measured(tmp_path, {"field": "n", "lte": 1}, values, kind) == []
        every = rules(tmp_path, correlation(type=kind, rules="a", timespan="5m",
                                            condition={"field": "n", "lte": 1}))  # fmt: skip
        (finding,) = [
            f
            for f in found(every, [event(s, n=value) for s, value in enumerate(values)])
            if f.rule.slug == "found"
        ]
        assert "makes 1 % of those seen" in finding.reasons[0].text("en")
        assert "représente 1 %" in finding.reasons[0].text("fr")

    def test_what_is_no_number_measures_nothing(self, tmp_path: Path) -> None:
        values: list[Value] = ["many", None, True, "7", [1, "2"]]
        assert measured(tmp_path, {"field": "n", "gte": 10}, values, "value_sum") == [10]
        assert measured(tmp_path, {"field": "n", "lt": 9}, ["many"], "value_avg") == []


class TestFormula:
    @pytest.mark.parametrize(
        ("condition", "acts", "wanted"),
        [
            ("a and (b or c)", "ab", 1),
            ("a and (b or c)", "ac", 1),
            ("a and (b or c)", "bc", 0),
            ("a and not b", "ac", 1),
            ("a and not b", "acb", 0),
            ("not a and b", "bb", 1),
        ],
    )
    def test_it_is_over_the_rules_that_matched(
        self, tmp_path: Path, condition: str, acts: str, wanted: int
    ) -> None:
        ruleset = rules(tmp_path, correlation(type="temporal", condition=condition))
        findings = found(ruleset, [event(s, act) for s, act in enumerate(acts)])
        assert sum(f.rule.slug == "found" and not f.continues for f in findings) == wanted

    def test_an_expression_has_no_order(self, tmp_path: Path) -> None:
        (error,) = rules(tmp_path, correlation(type="temporal_ordered", condition="a and b")).errors
        assert error.detail == "an expression has no order"
        line, column = error.where.split(":")[-2:]
        written = (tmp_path / "all.yml").read_text().splitlines()[int(line) - 1]
        assert written[int(column) - 1 :] == "condition: a and b"


class TestContinuation:
    BURST: ClassVar[dict[str, Any]] = {"type": "event_count", "rules": "a", "condition": {"gte": 3}}

    def test_the_rest_of_a_burst_follows_when_it_is_over(self, tmp_path: Path) -> None:
        ruleset = rules(tmp_path, correlation(**self.BURST))
        first, rest = found(ruleset, [event(s) for s in range(9)])
        assert (first.event_count, first.continues) == (3, False)
        assert (rest.event_count, rest.continues) == (6, True)
        assert (first.actor, first.rule) == (rest.actor, rest.rule)
        assert not set(first.events) & set(rest.events)
        assert rest.time == START + timedelta(seconds=8)

    def test_a_long_burst_is_told_in_parts(self, tmp_path: Path) -> None:
        ruleset = rules(tmp_path, correlation(**self.BURST))
        findings = found(ruleset, [event(s * 10) for s in range(130)])
        assert [f.event_count for f in findings] == [3, 60, 60, 7]
        assert sum(f.event_count for f in findings) == 130

    def test_a_burst_counts_once_for_what_refers_to_it(self, tmp_path: Path) -> None:
        inner = correlation(**self.BURST)
        outer = {
            "title": "outer",
            "name": "outer",
            "correlation": {
                "type": "event_count",
                "rules": "found",
                "timespan": "1h",
                "group-by": ["ip"],
                "condition": {"gte": 2},
            },
        }
        ruleset = rules(tmp_path, inner, outer)
        assert found(ruleset, [event(s) for s in range(20)]) == []
        again = [event(s) for s in (*range(20), *range(200, 220))]
        assert [f.rule.slug for f in found(ruleset, again)] == ["outer"]


FILTER: dict[str, Any] = {
    "title": "ours",
    "logsource": {"category": "test"},
    "filter": {"rules": ["a"], "selection": {"ip": "192.0.2.1"}, "condition": "not selection"},
}


class TestFilters:
    def slugs(self, ruleset: RuleSet) -> list[str]:
        events = [event(0, "a"), event(1, "a", ip="192.0.2.2"), event(2, "b")]
        return [f"{f.rule.slug} {f.refs[0]}" for f in found(ruleset, events)]

    def test_a_filter_narrows_the_rules_that_it_names(self, tmp_path: Path) -> None:
        assert self.slugs(rules(tmp_path, FILTER)) == ["a r1", "b r2"]

    def test_any_means_every_rule_of_the_log_source(self, tmp_path: Path) -> None:
        everyone = {**FILTER, "filter": {**FILTER["filter"], "rules": "any"}}
        assert self.slugs(rules(tmp_path, everyone)) == ["a r1"]
        elsewhere = {**everyone, "logsource": {"category": "other"}}
        assert len(self.slugs(rules(tmp_path, elsewhere))) == 3

    @pytest.mark.parametrize(
        ("change", "reason", "place"),
        [
            ({"rules": ["nobody"]}, "there is no rule 'nobody'", "3:3"),
            ({"rules": ["found"]}, "'found' is a correlation", "3:3"),
            ({"condition": "not slection"}, "slection", "2:3"),
            ({"condition": ["a", "b"]}, "string", "1:1"),
        ],
    )
    def test_a_mistake_is_told_with_its_place(
        self, tmp_path: Path, change: dict[str, Any], reason: str, place: str
    ) -> None:
        bad = {**FILTER, "filter": {**FILTER["filter"], **change}}
        (tmp_path / "filter.yml").write_text(yaml.safe_dump(bad))
        block = correlation(type="temporal", rules=["a", "b"])
        (error,) = rules(tmp_path, block).errors
        assert reason in error.detail
        assert error.where.endswith(f"filter.yml:{place}")

    def test_another_log_source_is_a_mistake(self, tmp_path: Path) -> None:
        (error,) = rules(tmp_path, {**FILTER, "logsource": {"category": "other"}}).errors
        assert error.detail == "'a' has another log source"


class TestPipelines:
    def write(self, folder: Path, text: str) -> None:
        (folder / "pipelines").mkdir()
        (folder / "pipelines" / "own.yml").write_text(text)

    def test_fields_are_renamed_in_rules_filters_and_correlations(self, tmp_path: Path) -> None:
        self.write(
            tmp_path,
            "name: own\npriority: 10\ntransformations:\n"
            "- {id: names, type: field_name_mapping, mapping: {Akt: act, Adresse: ip}}\n",
        )
        documents = [
            {
                "title": "foreign",
                "name": "foreign",
                "logsource": {"category": "test"},
                "detection": {"s": {"Akt": "a"}, "condition": "s"},
            },
            {
                "title": "ours",
                "logsource": {"category": "test"},
                "filter": {
                    "rules": ["foreign"],
                    "own": {"Adresse": "192.0.2.1"},
                    "condition": "not own",
                },
            },
            correlation(
                **{
                    "type": "event_count",
                    "rules": "foreign",
                    "group-by": ["Adresse"],
                    "condition": {"gte": 2},
                }
            ),
        ]
        ruleset = rules(tmp_path, *documents)
        events = [event(0), event(1), event(2, ip="192.0.2.2"), event(3, ip="192.0.2.2")]
        slugs = [f.rule.slug for f in found(ruleset, events)]
        assert slugs == ["a", "a", "a", "a", "found"]

    @pytest.mark.parametrize(
        ("text", "reason", "place"),
        [
            ("name: x\ntransformations:\n- {type: no_such}\n", "no_such", "3:3"),
            ("name: x\npostprocessing:\n- {type: embed}\n", "query text", "2:1"),
            ("- a\n", "one mapping", "1:1"),
            ("name: [\n", "not YAML", "2:1"),
        ],
    )
    def test_a_mistake_is_told_with_its_place(
        self, tmp_path: Path, text: str, reason: str, place: str
    ) -> None:
        self.write(tmp_path, text)
        (error,) = rules(tmp_path).errors
        assert reason in error.detail
        assert error.where.endswith(f"own.yml:{place}")

    def test_a_pipeline_may_refuse_a_rule(self, tmp_path: Path) -> None:
        self.write(
            tmp_path,
            "name: strict\ntransformations:\n"
            "- type: rule_failure\n  message: not for us\n"
            "  rule_conditions:\n  - {type: logsource, category: test}\n",
        )
        errors = rules(tmp_path).errors
        assert len(errors) == len(BASE)
        assert "not for us" in errors[0].detail
