"""The index names every rule that matches: on drawn rules and events, for every search backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import test_sigma_property as drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel.detect.fast import scanner
from sentinel.detect.fast.index import RuleIndex
from sentinel.detect.fast.plan import Plan
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document
from sentinel.domain.event import Event, LogSource

SOURCE = LogSource(category="test")
BACKENDS = (scanner.HyperscanSearch, scanner.AhoCorasickSearch, scanner.PythonSearch)
# Characters on which folding, framing or the encoding could differ from the closures.
HOSTILE = 'aAkKsSiIsß\u0130\u0131\u017f\u212a\u03c3\u03c2\u03a3\x1e\x00\\"\ud800?é'


def rule(detection: dict[str, Any], number: int = 0) -> Rule:
    raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
    found = parse_document(raw, Origin(path=Path("rule.yml"), index=number, raw=raw), "rule", {})
    assert isinstance(found, Rule)
    return replace(found, info=replace_id(found, number))


def replace_id(found: Rule, number: int) -> Any:
    import msgspec

    return msgspec.structs.replace(found.info, id=f"rule-{number}")


def event(fields: dict[str, Any], number: int = 0) -> Event:
    return Event(
        id=str(number),
        time=datetime(2026, 1, 5, tzinfo=UTC),
        source="s",
        ref="",
        logsource=SOURCE,
        fields=fields,
    )


def assert_complete(rules: list[Rule], events: list[dict[str, Any]]) -> None:
    """The closures say which rules match; the index must name each, in the rules' order."""
    found = RuleIndex(rules).candidates([event(fields) for fields in events])
    for fields, named in zip(events, found, strict=True):
        ids = [one.info.id for one in named]
        assert ids == sorted(ids, key=lambda one: int(one.split("-")[1]))
        assert [r.info.id for r in named if r.match(fields)] == [
            r.info.id for r in rules if r.match(fields)
        ]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(drawn.cases(), min_size=1, max_size=4))
def test_no_matching_rule_is_left_out(
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]],
) -> None:
    rules = [rule(detection, number) for number, (detection, _events) in enumerate(found)]
    assert_complete(rules, [fields for _detection, events in found for fields in events])


hostile = st.text(HOSTILE, max_size=5)
modifier = st.sampled_from(
    ["", "|contains", "|startswith", "|endswith", "|cased", "|cased|contains", "|re", "|re|i"]
)


@st.composite
def hostile_cases(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    how = draw(modifier)
    wanted = draw(st.lists(hostile, min_size=1, max_size=3))
    texts = [text.replace("*", "").replace("?", "q") for text in wanted]
    if "re" in how:
        plain = [t for t in texts if not set(t) & set('\\\ud800\x00\x1e"')]
        wanted = [f"{t}" for t in plain if t] or ["k"]
    near = [v for t in texts for v in (t, t.swapcase(), t.lower(), t.upper(), f"x{t}", f"{t}x")]
    value = st.one_of(st.sampled_from(near), hostile, st.lists(st.sampled_from(near), max_size=2))
    events = draw(
        st.lists(st.fixed_dictionaries({}, optional={"a": value, "b": value}), max_size=6)
    )
    key = draw(st.sampled_from(["a", "b", ""])) if "re" not in how else "a"
    wanted = [text.replace("\ud800", "d") for text in wanted]  # no rule file can hold a surrogate
    detection: dict[str, Any] = {"one": wanted if key == "" else {f"{key}{how}": wanted}}
    return {**detection, "condition": "one"}, events


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_cases())
def test_hostile_characters_hide_nothing(
    case: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    detection, events = case
    assert_complete([rule(detection)], events)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("ab\x1eé", min_size=1, max_size=3), min_size=1, max_size=5, unique=True),
    st.lists(st.text("abAé\x1e\ud800", max_size=6), min_size=1, max_size=6),
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_finds_what_stands_there(
    backend: Any, needles: list[str], texts: list[str]
) -> None:
    found = set(scanner.Scanner(needles, backend).scan(texts))
    for row, text in enumerate(texts):
        framed = f"\x1e{text.lower()}\x1e"
        for number, needle in enumerate(needles):
            if needle in framed:
                assert (row, number) in found


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(drawn.cases(), min_size=2, max_size=4))
def test_learning_changes_the_choice_and_no_answer(
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]],
) -> None:
    rules = [rule(detection, number) for number, (detection, _events) in enumerate(found)]
    events = [fields for _detection, drawn_events in found for fields in drawn_events]
    plan = Plan(rules)
    before = plan.choices
    plan.choose_from(events)
    assert plan.choices == before + 1
    from sentinel.detect.fast.frequency import column_of

    named = plan.candidates(len(events), lambda name: column_of(name, events))
    for row, fields in enumerate(events):
        numbers = named.get(row, set()) | set(plan.always)
        assert all(n in numbers for n, r in enumerate(rules) if r.match(fields))
