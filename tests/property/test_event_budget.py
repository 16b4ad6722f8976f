"""No event and no rule holds up those behind it, and what was left out for that is said.

Work that explodes would never end, so it runs in a child process under a limit of CPU time: far
above what it needs, far below what it would take without a budget.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.budget import Budget, leaves_of
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.fields import ITEM, length
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
MEGABYTE = 1_000_000
CPU_SECONDS = 20  # a whole batch of the worst events takes less, one of them without a budget more
RULE = load_model_rule(content_dir("rules"), "event_over_budget")


def rules(folder: Path, **detections: Any) -> RuleSet:
    """Load a rule of each detection; ``level`` beside the detection, ``high`` by default."""
    for name, given_detection in detections.items():
        detection = dict(given_detection)
        level = detection.pop("level", "high")
        extra = detection.pop("correlation", None)
        raw: dict[str, Any] = {"title": name, "name": name, "level": level}
        if extra is not None:
            raw["correlation"] = extra
        else:
            raw["logsource"] = {"category": "test"}
            raw["detection"] = {"condition": "one", **detection}
        (folder / f"{name}.yml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return load_rules(folder).require_clean()


def event(fields: dict[str, Any], number: int = 0, *, source: str = "s") -> Event:
    return Event(
        id=f"e{number}",
        time=START + timedelta(seconds=number),
        source=source,
        ref=f"{source}#{number}",
        logsource=LogSource(category="test"),
        fields=fields,
    )


def engine(found: RuleSet, **options: Any) -> RuleEngine:
    return RuleEngine(found, lateness=timedelta(), over_budget=RULE, **options)


Said = tuple[list[tuple[str, str]], dict[str, int]]


def said(findings: list[Finding], engine_: RuleEngine) -> Said:
    counts = {k: v for k, v in engine_.left_out.items() if v}
    assert not engine_.rule_errors
    return [(f.rule.slug, " ".join(r.text() for r in f.reasons)) for f in findings], counts


def bounded(work: Callable[..., Said], *args: Any) -> Said:
    """Run ``work`` in a child; fail where it takes more CPU time than the limit."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        sender.send(work(*args))

    process = context.Process(target=child)
    process.start()
    sender.close()
    found: Said = ([], {})
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        assert process.exitcode != -signal.SIGXCPU, "more CPU time than the budget allows"
        raise
    process.join()
    assert process.exitcode == 0
    return found


def judge(found: RuleSet, events: list[dict[str, Any]]) -> Said:
    runs = engine(found)
    return said(runs.process([event(fields, n) for n, fields in enumerate(events)]), runs)


def test_a_rule_that_explodes_on_a_megabyte_is_cut_off_and_named(tmp_path: Path) -> None:
    """RE2 takes ten milliseconds a KiB for it, ten seconds for the field."""
    bomb = {"one": {"a|re": "[a-e].{0,500}[^a-ex].{0,400}q"}}
    found = rules(tmp_path, bomb=bomb, plain={"one": {"b": "x"}})
    fields = {"a": "q" + "abcdex" * (MEGABYTE // 6), "b": "x"}
    told, counts = bounded(judge, found, [fields] * 20)
    assert told[:2] == [
        ("plain", "b is x"),
        (
            "event_over_budget",
            "not evaluated on this event, which would have cost more than one event may: "
            "1 rules (bomb)",
        ),
    ]
    assert [slug for slug, _text in told].count("event_over_budget") == 1
    assert [slug for slug, _text in told].count("plain") == 20
    assert counts == {"events_over_budget": 20, "rules_cut_off": 20}


def test_the_same_rule_is_evaluated_on_what_is_short(tmp_path: Path) -> None:
    found = rules(tmp_path, bomb={"one": {"a|re": "[a-e].{0,500}[^a-ex].{0,400}q"}})
    told, counts = judge(found, [{"a": "b-----!q", "b": "y" * MEGABYTE}])
    assert [slug for slug, _text in told] == ["bomb"]
    assert not counts


def test_a_megabyte_that_fires_hundreds_of_witnesses(tmp_path: Path) -> None:
    many = {
        f"r{n}": {"one": {"a|contains": [f"needle{n}", f"other{n}"]}, "level": "low"}
        for n in range(600)
    }
    worst = {"one": {"a|contains": "needle1"}, "level": "critical"}
    found = rules(tmp_path, **many, worst=worst)
    heap = " ".join(f"needle{n}" for n in range(600))
    fields = {"a": heap + "é" * MEGABYTE}
    told, counts = bounded(judge, found, [fields] * 3)
    slugs = [slug for slug, _text in told]
    assert slugs.count("worst") == 3, "the most severe rule is evaluated first"
    assert slugs.count("event_over_budget") == 1
    assert counts["events_over_budget"] == 3
    assert counts["rules_cut_off"] + len(slugs) - 1 == 3 * 601, "each is evaluated or counted"
    assert judge(found, [fields])[0] == judge(found, [fields])[0]


def test_hundreds_of_witnesses_in_a_short_event_are_all_judged(tmp_path: Path) -> None:
    found = rules(tmp_path, **{f"r{n}": {"one": {"a|contains": f"n{n}-"}} for n in range(400)})
    told, counts = bounded(judge, found, [{"a": " ".join(f"n{n}-" for n in range(400))}])
    assert len(told) == 400
    assert not counts


def test_two_lists_are_not_compared_item_by_item_for_ever(tmp_path: Path) -> None:
    found = rules(tmp_path, pair={"one": {"a|fieldref|contains": "b"}})
    fields = {"a": [f"a{n}" for n in range(30_000)], "b": [f"b{n}" for n in range(30_000)]}
    told, counts = bounded(judge, found, [fields] * 3)
    assert [slug for slug, _text in told] == ["event_over_budget"]
    assert counts == {"events_over_budget": 3, "rules_cut_off": 3}
    assert judge(found, [{"a": ["xyz"], "b": ["y"]}])[0]


def test_a_wide_list_against_many_rules(tmp_path: Path) -> None:
    words = [f"w{n}" for n in range(50)]
    found = rules(tmp_path, **{f"r{n}": {"one": {"a|contains": words}} for n in range(100)})
    fields = {"a": ["w"] * 300_000 + ["w1"]}
    told, counts = bounded(judge, found, [fields] * 3)
    assert "event_over_budget" in [slug for slug, _text in told]
    assert counts["events_over_budget"] == 3


def nested(depth: int) -> Any:
    value: Any = "evil"
    for _ in range(depth):
        value = {"k": value}
    return value


def test_what_is_nested_too_deep_for_text_is_said(tmp_path: Path) -> None:
    found = rules(tmp_path, deep={"one": {"a|contains": "evil"}}, plain={"one": {"b": "x"}})
    told, counts = bounded(judge, found, [{"a": nested(100_000), "b": "x"}])
    assert [slug for slug, _text in told] == ["plain", "event_over_budget"]
    assert "deep" in told[1][1]
    assert counts == {"events_over_budget": 1, "rules_cut_off": 1}
    assert [slug for slug, _ in judge(found, [{"a": nested(50)}])[0]] == ["deep"]


@pytest.mark.parametrize("block", [
    {"type": "event_count", "group-by": ["a", "b"], "condition": {"gte": 1}},
    {"type": "event_count", "group-by": ["a"], "condition": {"gte": 1}},
    {"type": "value_count", "group-by": ["c"], "condition": {"field": ["a", "b"], "gte": 1}},
])  # fmt: skip
def test_an_event_of_long_lists_opens_no_million_groups(
    tmp_path: Path, block: dict[str, Any]
) -> None:
    found = rules(
        tmp_path,
        base={"one": {"c": "x"}, "level": "informational"},
        many={"correlation": {"rules": ["base"], "timespan": "1m", **block}},
    )
    items = [str(n) for n in range(25_000)]
    told, counts = bounded(judge, found, [{"a": items, "b": items, "c": "x"}])
    assert [slug for slug, _text in told] == ["event_over_budget"]
    assert "many" in told[0][1]
    assert counts == {"events_over_budget": 1, "rules_cut_off": 1, "oversized": 1}


def test_one_finding_per_source_and_hour_of_arrival(tmp_path: Path) -> None:
    found = rules(tmp_path, bomb={"one": {"a|re": "[a-e].{0,500}[^a-ex].{0,400}q"}})
    fields = {"a": "q" + "a" * MEGABYTE}
    runs = engine(found)
    told = [
        finding
        for minute in (0, 10, 29, 31, 95)
        for source in ("s", "t")
        for finding in runs.process(
            [event(fields, minute, source=source)], now=START + timedelta(minutes=minute)
        )
    ]
    assert [(f.refs[0], f.rule.slug) for f in told] == [
        (f"{source}#{minute}", "event_over_budget") for minute in (0, 31, 95) for source in "st"
    ]
    assert len({f.id for f in told}) == 6
    again = engine(found)
    (same,) = again.process([event(fields, 5)], now=START + timedelta(minutes=5))
    assert same.id == told[0].id, "a replay finds the same finding"


def test_a_new_set_of_rules_goes_on_counting(tmp_path: Path) -> None:
    found = rules(tmp_path, bomb={"one": {"a|re": "[a-e].{0,500}[^a-ex].{0,400}q"}})
    old, new = engine(found), engine(found)
    assert len(old.process([event({"a": "q" + "a" * MEGABYTE})])) == 1
    new.inherit(old)
    assert new.process([event({"a": "q" + "a" * MEGABYTE}, 1)]) == []
    assert new.left_out["events_over_budget"] == 2


def test_without_a_rule_to_speak_it_is_counted(tmp_path: Path) -> None:
    found = rules(tmp_path, bomb={"one": {"a|re": "[a-e].{0,500}[^a-ex].{0,400}q"}})
    runs = RuleEngine(found, lateness=timedelta())
    assert runs.process([event({"a": "q" + "a" * MEGABYTE})]) == []
    assert runs.left_out["rules_cut_off"] == 1


@pytest.mark.parametrize(("value", "wanted"), [
    ("", 0), ("abc", 3), (5, 16), (None, 16), (True, 16), ([], 0), (["ab", ["c"]], 3 * ITEM + 3),
    ({"k": "ab"}, ITEM + 3), ([{"k": ["x", 1]}], 4 * ITEM + 18),
])  # fmt: skip
def test_the_length_of_a_value(value: Any, wanted: int) -> None:
    assert length(value) == wanted


scalars = st.one_of(st.text(max_size=9), st.integers(), st.none(), st.booleans())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4))


@settings(max_examples=100, deadline=None)
@given(fields=st.dictionaries(st.sampled_from("abc"), values), limit=st.integers(1, 60))
def test_what_is_kept_fits_and_nothing_is_lost(fields: dict[str, Any], limit: int) -> None:
    chosen = Budget(limit).choose(DRAWN, fields)
    kept, cut = list(chosen.kept), list(chosen.cut)
    assert sorted([*kept, *cut], key=DRAWN.index) == DRAWN
    assert kept == sorted(kept, key=DRAWN.index)
    assert cut == sorted(cut, key=DRAWN.index)
    assert Budget(10**9).choose(DRAWN, fields) == (DRAWN, ())
    again = Budget(limit).choose(DRAWN, fields)
    assert (list(again.kept), list(again.cut)) == (kept, cut)


def test_the_most_severe_go_first_then_the_cheapest() -> None:
    def slugs(limit: int) -> set[str]:
        return {rule.info.slug for rule in Budget(limit).choose(DRAWN, {"a": "x"}).kept}

    (drawn,) = (rule for rule in DRAWN if rule.info.slug == "pattern")
    pattern = sum(leaf.weight for leaf in leaves_of(drawn.expression))
    assert slugs(0) == {"there"}
    assert slugs(pattern - 1) >= {"there", "pair"}
    assert slugs(pattern) == {"there", "pattern"}
    assert slugs(pattern + 2) == {"there", "pattern", "pair"}


@pytest.fixture(scope="module", autouse=True)
def _drawn(tmp_path_factory: pytest.TempPathFactory) -> None:
    DRAWN.extend(
        rules(
            tmp_path_factory.mktemp("drawn"),
            text={"one": {"a|contains": ["x", "y"]}, "level": "low"},
            pattern={"one": {"b|re": "x+y"}, "level": "critical"},
            keyword={"one": ["z"], "level": "medium"},
            pair={"one": {"a|fieldref": "b"}, "level": "high"},
            there={"one": {"c|exists": True}, "level": "low"},
            both={"one": {"a": "x", "b": None}, "two": {"c": 1}, "condition": "one and not two"},
        ).rules
    )
    weights = {r.info.slug: [leaf.weight for leaf in leaves_of(r.expression)] for r in DRAWN}
    assert weights["text"] == [3]
    assert weights["there"] == []
    assert weights["both"] == [2, 2, 2]


DRAWN: list[Rule] = []
