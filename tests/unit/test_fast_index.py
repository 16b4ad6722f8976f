"""The index: log sources apart, memory, new choices, and branches beyond what is told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.detect.fast import column, watch
from sentinel.detect.fast.column import Column
from sentinel.detect.fast.frequency import column_of
from sentinel.detect.fast.index import RuleIndex
from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.fast.plan import Plan
from sentinel.detect.rules.fields import MISSING, flatten
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document
from sentinel.domain.event import Event, LogSource

Fields = dict[str, Any]
SOURCES = (LogSource(category="first"), LogSource(category="second"), LogSource(category="third"))


def rule(
    number: int, one: Any, condition: str = "one", category: str = "first", **more: Any
) -> Rule:
    raw = {
        "title": "t",
        "logsource": {"category": category},
        "detection": {"one": one, "condition": condition, **more},
    }
    found = parse_document(raw, Origin(path=Path("rule.yml"), index=number, raw=raw), "rule", {})
    assert isinstance(found, Rule)
    return replace(found, info=msgspec.structs.replace(found.info, id=f"{number:04}"))


def event(fields: Fields, source: LogSource = SOURCES[0]) -> Event:
    when = datetime(2026, 1, 5, tzinfo=UTC)
    return Event(id="", time=when, source="", ref="", logsource=source, fields=fields)


def asked(index: RuleIndex, events: list[Event]) -> list[list[str]]:
    return [[one.info.id for one in found] for found in index.candidates(events)]


def holds(rules: list[Rule], events: list[Fields], rounds: int = 3) -> None:
    """Index and lines name each rule that matches; the lines no other."""
    expected = [[one.info.id for one in rules if one.match(fields)] for fields in events]
    index, matcher = RuleIndex(rules), LineMatcher(rules)
    lines = [json.dumps({**fields, "category": "first"}).encode() for fields in events]
    wanted = [(row, key) for row, keys in enumerate(expected) for key in keys]
    for _round in range(rounds):
        for keys, found in zip(expected, asked(index, [*map(event, events)]), strict=True):
            assert set(keys) <= set(found)
        assert [(m.row, m.rule.info.id) for m in matcher.match_lines(lines)] == wanted


@pytest.fixture
def rules() -> list[Rule]:
    return [
        rule(0, {"a": "wanted"}),
        rule(1, {"a": "wanted"}, category="second"),
        rule(2, {"a": None}, category="second"),
        rule(3, {"a|contains": "ant"}),
        rule(4, {"a": None, "b|exists": False}),
        rule(5, ["a keyword"], category="third"),
        rule(6, {"a": "x"}, "not one", category="third"),
    ]


def interleaved() -> Iterator[tuple[LogSource, Fields]]:
    values = ("wanted", "nothing", None, "rampant", "x", "a KEYWORD")
    for value, source in product(values, SOURCES):
        yield source, {"a": value}
        yield source, {"b": value}


def test_interleaved_log_sources_are_kept_apart(rules: list[Rule]) -> None:
    batch = [event(fields, source) for source, fields in interleaved()]
    index = RuleIndex(rules)
    for _round in range(3):
        for one, found in zip(batch, index.candidates(batch), strict=True):
            apply = [r for r in rules if r.applies_to(one.logsource)]
            assert {r.info.id for r in apply if r.match(one.fields)} <= {r.info.id for r in found}
            assert all(r.applies_to(one.logsource) for r in found)


def test_interleaved_lines_are_kept_apart(rules: list[Rule]) -> None:
    batch = list(interleaved())
    lines = [
        json.dumps({**fields, "category": source.category}).encode() for source, fields in batch
    ]
    wanted = [
        (row, r.info.id)
        for row, (source, fields) in enumerate(batch)
        for r in rules
        if r.applies_to(source) and r.match({**fields, "category": source.category})
    ]
    matcher = LineMatcher(rules)
    for _round in range(3):
        assert [(m.row, m.rule.info.id) for m in matcher.match_lines(lines)] == wanted


def test_nothing_comes_of_nothing(rules: list[Rule]) -> None:
    index, matcher = RuleIndex(rules), LineMatcher(rules)
    for _round in range(3):
        assert index.candidates([]) == []
        assert matcher.match_lines([]) == []
    empty = Plan(rules)
    empty.choose_from([])
    assert empty.candidates(0, lambda _name: []) == {}
    assert RuleIndex([]).candidates([event({"a": "x"})] * 3) == [()] * 3
    assert LineMatcher([]).match_lines([b'{"a":"x"}'] * 100) == []


def test_a_rule_on_absence_is_asked_where_nothing_fires() -> None:
    many = dict.fromkeys(f"f{n}" for n in range(watch.MOST_FIELDS + 2))
    found = [rule(0, many), rule(1, {"a": "x"})]
    assert Plan(found).always == (0,)
    holds(found, [{}, {"a": "x"}, {"b": "y"}, {"f3": 1}])


def test_a_plan_is_made_once_and_learns() -> None:
    index = RuleIndex([rule(0, {"a|contains": "a"}), rule(1, {"a|contains": "b", "b": "x"})])
    made = index.plan(SOURCES[0])
    batch = [event({"a": f"ab{n}", "b": "y"}) for n in range(200)]
    for _round in range(3):
        index.candidates(batch)
    assert index.plan(SOURCES[0]) is made
    assert made.choices > 1
    assert index.plan(SOURCES[1]) is not made


def test_a_new_choice_follows_what_is_common_now() -> None:
    found = [
        rule(0, {"a|contains": "common", "b|contains": "rarely"}),
        rule(1, {"a|contains": "rarely", "b|contains": "common"}),
        rule(2, {"a|endswith": "seldom"}),
        rule(3, ["rarely"]),
    ]
    early = [{"a": f"common {n}", "b": f"uncommon {n}"} for n in range(150)]
    late = [
        {"a": "common", "b": "rarely"}, {"a": "rarely", "b": "common"}, {"a": "so seldom"},
        {"a": ["x", "common"], "b": [["rarely"], 1]}, {"c": {"deep": "rarely"}},
    ]  # fmt: skip
    holds(found, [*early, *late, *early, *late], rounds=8)


def test_after_learning_few_are_named_in_vain() -> None:
    """Two clauses, a negation, absence: in the end each rule is named where it matches."""
    found = [
        rule(0, {"a|contains|all": ["often", "seldom"]}),
        rule(1, {"b": "usual"}, "not one"),
        rule(2, {"c|contains": "some", "d": None}),
        rule(3, {"c|endswith": "thing", "a|startswith": "both"}),
        rule(4, {"|all": ["frequent", "unusual"]}),
    ]
    batch: list[Fields] = [{"a": f"quiet {n}", "b": "usual", "d": "here"} for n in range(210)]
    for n in range(210):
        batch[n] |= {"a": f"{'often' * (n % 5 == 0)} {'seldom' * (n % 7 == 0)} {n}"}
        batch[n] |= {"c": f"some {n}"} if n % 9 == 0 else {}
        batch[n] |= {"e": f"{'frequent' * (n % 6 == 0)} {'unusual' * (n % 8 == 0)} {n}"}
    batch += [{"b": "usual", "c": "some"}, {"a": "both", "c": "a thing"}, {"b": "USUAL"}, {}]
    expected = [[one.info.id for one in found if one.match(fields)] for fields in batch]
    index = RuleIndex(found)
    for _round in range(6):
        named = asked(index, [*map(event, batch)])
        assert all(set(want) <= set(got) for want, got in zip(expected, named, strict=True))
    assert named == expected


def test_a_long_value_is_left_to_the_event_and_its_budget() -> None:
    found = watch.Watch(rule(0, {"a": "wanted"}), 0)
    assert found.may_match(("wanted",))
    assert not found.may_match(("z" * watch.LONG,))
    assert found.may_match(("z" * (watch.LONG + 1),))


def test_values_that_are_not_those_of_its_fields_rule_nothing_out() -> None:
    found = watch.Watch(rule(0, {"a": "x", "b": "y"}), 0)
    assert not found.may_match(("x", "z"))
    assert found.may_match(("z",))


def test_a_value_of_another_kind_is_its_text() -> None:
    made = Column({"\x1e2026-01-05\x1e": {0}, "05": {1}})
    assert list(made.fire([datetime(2026, 1, 5, tzinfo=UTC).date(), "2026"])) == [(0, {0, 1})]


def test_more_values_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "REMEMBERED", 10)
    found = [rule(0, {"a|endswith": "7"}), rule(1, {"a|contains": "1", "b": "x"})]
    texts = [{"a": f"value {n}", "b": "x"} for n in range(40)]
    holds(found, [*texts, *reversed(texts), *texts[:5]], rounds=8)


def test_what_a_column_remembers_is_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "REMEMBERED", 6)
    signs = {"a": {0}, "b": {1}, "ab": {2, 3}, "\x1e\x1e": {4}, "missing": {5}}
    first: list[Any] = ["xa", "b", "ab", "none", "xa", None, "A B", 1, 1.0, True, MISSING, ""]
    batches: list[list[Any]] = [
        first,
        ["none", "b"],
        [f"b{n}" for n in range(9)],
        first,
        [["a", ["b"]], "ab"],
        first,
    ]
    made = Column(signs, loud={0, 2})
    for batch in batches:
        loud: dict[int, set[int]] = {}
        for row, numbers in made.fire(batch):
            loud.setdefault(row, set()).update(numbers)
        for row, value in enumerate(batch):
            held = [v for v in flatten(value) if v is not None and v is not MISSING]
            texts = [f"\x1e{str(v).lower()}\x1e" for v in held]
            want = set().union(*(n for s, n in signs.items() if any(s in t for t in texts)), set())
            assert made.holding(value) == want, value
            assert loud.get(row, set()) == want & {0, 2}


def test_rules_may_share_their_literals() -> None:
    texts = ["xx", "yy", "zz", "xx yy", "yy zz", "none"]
    pairs = list(product(("xx", "yy", "zz"), repeat=2))
    found = [rule(n, {"a|contains": list(pair)}) for n, pair in enumerate(pairs)]
    found += [
        rule(n + 20, {"a|contains": one, "b": list(pair)})
        for n, (one, *pair) in enumerate(product(("xx", "yy"), ("xx", "yy", "zz"), ("yy", "zz")))
    ]
    found += [rule(n + 40, {"a|contains|all": list(pair)}) for n, pair in enumerate(pairs)]
    found += [rule(n + 60, list(pair)) for n, pair in enumerate(pairs)]
    events = [{"a": text} for text in texts] + [{"a": a, "b": b} for a, b in product(texts, texts)]
    holds(found, events * 3, rounds=4)


def test_a_memory_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "REMEMBERED", 20)
    made = Column({"a": {0}})
    for batch in range(20):
        texts = [f"{'a' if n % 2 else 'b'} {batch} {n}" for n in range(10)]
        assert [row for row, _numbers in made.fire(texts)] == [1, 3, 5, 7, 9]
        assert len(made._quiet) + len(made._firing) <= 20 + len(texts)
        assert len(made._loud) <= 20 + len(texts)


@pytest.mark.parametrize(("wide", "high"), [(60, 1), (9, 7), (3, 20), (13, 13)])
def test_every_one_of_many_branches_is_found(wide: int, high: int) -> None:
    """Alternatives beyond what is told apart are joined, none is lost."""
    one = [{"a|startswith": f"a{n:02}", "b|endswith": f"{n:02}b"} for n in range(wide)]
    two = {
        "c|contains": [f"<{n:02}>" for n in range(high)],
        "d": [f"*x{n:02}*y*" for n in range(high)],
    }
    found = [rule(0, one, "one and two", two=two), rule(1, one, "one or two", two=two)]
    events = [
        {"a": f"a{n:02}", "b": f"x{n:02}b", "c": f"<{m:02}>", "d": f"x{m:02}xy"}
        for n in range(wide)
        for m in range(high)
    ]
    holds(
        found,
        [*events, *({**e, "c": ""} for e in events[::7]), *({**e, "a": ""} for e in events[::5])],
    )


@pytest.mark.parametrize("condition", [
    "one or two", "not (one and two)", "not (not one or two)", "not (not one and not two)",
    "one and not two", "not one and not two", "not one", "one or not two",
])  # fmt: skip
@pytest.mark.parametrize("two", [{"b": None}, {"b": "y"}, {"b|re": "y*"}, {"b": ["y", None]}])
def test_negation_and_absence(condition: str, two: Any) -> None:
    values = ("x", "y", "", None, "xy")
    events: list[Fields] = [{}]
    events += [{"a": one} for one in values]
    events += [{"a": one, "b": other} for one, other in product(values, values)]
    holds([rule(0, {"a": "x"}, condition, two=two)], events, rounds=6)


def test_a_literal_may_hold_a_nul() -> None:
    values = ("ab\0cdef", "ab", "cdef", "AB\0CDEF", "xab\0cdefx", "cdefx", "\0")
    events: list[Fields] = [{"a": one} for one in values]
    found = [rule(0, {"a": "ab\0cdef"}), rule(1, {"a|contains": "\0cdefx"}), rule(2, {"a": "\0"})]
    holds(found, events, rounds=3)


def test_a_list_with_null_has_no_witness() -> None:
    values: list[Fields] = [{}, {"a": None}, {"a": "wanted"}, {"a": "y"}, {"a": ["y", None]}]
    found = [rule(0, {"a": [None, "wanted"]}), rule(1, {"a": ["wanted", None], "b": None})]
    holds([*found, rule(2, {"a": "y"})], values, rounds=4)


def test_numbers_truth_values_and_texts_are_told_apart() -> None:
    wanted = (1, 0, True, False, "1", "1.0", "true", 1.5, "", 404)
    found = [rule(n, {"a": one}) for n, one in enumerate(wanted)]
    found += [rule(n + 50, {"a": one, "b|exists": True}) for n, one in enumerate(wanted)]
    found += [rule(n + 80, {"a": one, "b": None}) for n, one in enumerate(wanted)]
    values = (True, 1, 1.0, "1", "TRUE", "1.0", False, 0, 0.0, -0.0, "0", None, "", 404, 404.0, 1.5)
    events = [{"a": one} for one in values] + [{"a": one, "b": "x"} for one in values]
    for order in (events, events[::-1], [{**e, "a": [e["a"], "z"]} for e in events]):
        holds(found, order * 4, rounds=4)


def test_columns_are_read_for_each_event() -> None:
    events: list[dict[str, Any]] = [{"a": str(n), "b": str(-n)} for n in range(5)]
    assert column_of("a", [*events, {}])[:5] == [str(n) for n in range(5)]


@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: ["x", v], lambda v: [{"deep": v}]])
def test_a_value_without_a_text_names_whom_it_could_concern(wrap: Any) -> None:
    """So that the evaluation fails where it is counted, not in silence."""
    found = [rule(0, {"a": "wanted"}), rule(1, {"a|contains": "n"}), rule(2, {"b": "y"})]
    index = RuleIndex(found)
    for _again in range(3):
        batch = [event({"a": "z"}), event({"a": wrap(10**5_000)}), event({"a": "wanted"})]
        assert asked(index, batch)[1:] == [["0000", "0001"], ["0000", "0001"]]


def test_a_failure_costs_no_other_rule_its_match(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [rule(number, {"a": "x"}) for number in range(3)]

    def fails(_fields: Any) -> bool:
        raise ArithmeticError

    monkeypatch.setitem(found[1].__dict__, "match", fails)
    matcher = LineMatcher(found)
    for _again in range(2):
        matches = matcher.match_lines([b'{"category":"first","a":"x"}'])
        assert [m.rule.info.id for m in matches] == ["0000", "0002"]
        assert [(t.row, t.kind, t.rule) for t in matcher.troubles] == [(0, "failed", found[1])]


def test_a_watched_rule_tells_equal_numbers_apart() -> None:
    wanted = ("true", "1", "1.0", "false", "0")
    found = [rule(n, {"a": one}, "not one") for n, one in enumerate(wanted)]
    events: list[Fields] = [{"a": one} for one in (True, 1, 1.0, False, 0, 0.0)]
    for order in (events, events[::-1]):
        holds(found, order, rounds=4)
        for one in order:
            holds(found, [one, *order], rounds=2)


def test_a_watched_rule_is_asked_about_long_values() -> None:
    for size in (1, watch.LONG - 1, watch.LONG, watch.LONG + 1, 3 * watch.LONG):
        events: list[Fields] = [{"a": "z" * size}, {"a": "wanted"}, {}]
        holds([rule(0, {"a": "wanted"}, "not one"), rule(1, {"b": None})], events, rounds=3)


def test_a_watch_remembers_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "REMEMBERED", 10)
    found = watch.Watch(rule(0, {"a": "wanted"}, "not one"), 0)
    for number in range(40):
        assert found.may_match((f"value {number}",))
        assert len(found._verdicts) <= 10
    assert not found.may_match(("wanted",))


def test_a_watched_rule_that_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_fields: Any) -> bool:
        raise ArithmeticError

    watched = rule(0, {"a": None})
    monkeypatch.setitem(watched.__dict__, "match", fails)
    matcher = LineMatcher([watched])
    for _again in range(2):
        assert not list(matcher.match_lines([b'{"category":"first","b":"x"}']))
        assert [(t.row, t.kind, t.rule) for t in matcher.troubles] == [(0, "failed", watched)]


def test_the_time_is_not_looked_for_in_the_event() -> None:
    """The engine lends it afterwards: a rule on it must not be ruled out by the fields."""
    timed = rule(0, {"@timestamp|startswith": "2026", "b": None})
    for _round in range(3):
        assert asked(RuleIndex([timed]), [event({"a": "x"})]) == [["0000"]]


@pytest.mark.parametrize("fields", [1, watch.MOST_FIELDS + 2])
def test_no_line_is_set_aside_where_a_rule_matches_on_absence(fields: int) -> None:
    absent = dict.fromkeys(f"f{n}" for n in range(fields))
    quiet: list[Fields] = [{"a": f"nothing {n}"} for n in range(100)]
    holds([rule(0, {"a": "literal"}), rule(1, absent)], quiet, rounds=1)
    holds([rule(0, {"a": "literal"})], [*quiet, {"a": "literal"}], rounds=2)


def test_a_lone_surrogate_is_what_a_pattern_sees() -> None:
    found = [rule(0, {"a|re": r"x\?y"}), rule(1, {"a": "z\ud800".replace("\ud800", "?")})]
    batch = [{"a": "x\ud800y"}, {"a": "none"}, {"a": "z\ud800"}]
    for fields, named in zip(batch, asked(RuleIndex(found), [*map(event, batch)]), strict=True):
        assert {one.info.id for one in found if one.match(fields)} <= set(named)
    assert found[0].match(batch[0])
