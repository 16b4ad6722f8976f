"""Witnesses: which literals, for which rules, and for which there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import re2

from sentinel.detect.fast.needles import spellings
from sentinel.detect.fast.regex_literals import _Reader, _Unclear, required_literals
from sentinel.detect.fast.scanner import PythonSearch, Scanner
from sentinel.detect.fast.witness import (
    MOST_BRANCHES,
    MOST_SPLIT,
    Branch,
    Clause,
    Cost,
    Sign,
    branches_of,
    share_of,
)
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

S = "\x1e"


def long_is_rare(sign: Sign) -> float:
    return 1 / (1 + len(sign.needle))


def branches(detection: dict[str, Any], cost: Cost = long_is_rare) -> tuple[Branch, ...] | None:
    raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
    rule = parse_document(raw, Origin(path=Path("rule.yml"), index=0, raw=raw), "rule", {})
    assert isinstance(rule, Rule)
    return branches_of(rule.expression, cost)


def witness(detection: dict[str, Any], cost: Cost = long_is_rare) -> frozenset[Sign] | None:
    found = branches(detection, cost)
    if found is None:
        return None
    rarest = (min(branch, key=lambda clause: share_of(clause, cost)) for branch in found)
    return Clause().union(*rarest)


@pytest.mark.parametrize(
    ("one", "signs"),
    [
        ({"a": "Word"}, {("a", f"{S}word{S}")}),
        ({"a": ""}, {("a", S + S)}),
        ({"a|startswith": "x"}, {("a", f"{S}x")}),
        ({"a|endswith": "x"}, {("a", f"x{S}")}),
        ({"a|contains": ["x", "Y"]}, {("a", "x"), ("a", "y")}),
        ({"a": "one*longer?x"}, {("a", "longer")}),
        ({"a": 7}, {("a", f"{S}7{S}")}),
        ({"a": True}, {("a", f"{S}true{S}")}),
        ({"a|cased": "Word"}, {("a", f"{S}word{S}")}),
        ({"a|re": "(abc|de)+$"}, {("a", "abc"), ("a", "de")}),
        ({"c-uri": "/x"}, {(k, f"{S}/x{S}") for k in ("c-uri", "url.original", "url.full")}),
        ({"a": "x", "b": "longest"}, {("b", f"{S}longest{S}")}),
        (["a keyword"], {("*", "a keyword")}),
        ({"a": False}, {("a", f"{S}false{S}")}),
        ({"a|re": "Needle"}, {("a", "needle")}),
        ({"a|contains": "ab\0cde"}, {("a", "cde")}),
        ({"|re": "Needle"}, {("*", "needle")}),
        ({"|cased": "Word"}, {("*", "word")}),
    ],
)
def test_signs(one: Any, signs: set[tuple[str, str]]) -> None:
    assert witness({"one": one, "condition": "one"}) == {Sign(*sign) for sign in signs}


@pytest.mark.parametrize(
    "detection",
    [
        {"one": {"a": None}, "condition": "one"},
        {"one": {"a": ["x", None]}, "condition": "one"},
        {"one": {"a": "*"}, "condition": "one"},
        {"one": {"a": "x"}, "condition": "not one"},
        {"one": {"a": "x"}, "two": {"b": None}, "condition": "one or two"},
        {"one": {"a": "x"}, "two": {"b": "y"}, "condition": "not (one and two)"},
        {"one": {"a|exists": True}, "condition": "one"},
        {"one": {"a|exists": False}, "condition": "one"},
        {"one": {"a|fieldref": "b"}, "condition": "one"},
        {"one": {"a|gt": 1}, "condition": "one"},
        {"one": {"a|cidr": "192.0.2.0/24"}, "condition": "one"},
        {"one": {"a|re": "a*"}, "condition": "one"},
        {"one": {"a|contains|neq": "x"}, "condition": "one"},
        {"one": {"@timestamp|hour": 3}, "condition": "one"},
        {"one": {"@timestamp": "2026-01-05"}, "condition": "one"},
        {"one": ["12"], "condition": "one"},
        {"one": ['"'], "condition": "one"},
        {"one": {"|re": "1234|word"}, "condition": "one"},
    ],
)
def test_no_witness(detection: dict[str, Any]) -> None:
    assert witness(detection) is None


def test_a_double_negation_has_a_witness() -> None:
    detection = {"one": {"a": "x"}, "condition": "not not one"}
    assert witness(detection) == {Sign("a", f"{S}x{S}")}


def test_what_is_not_either_of_two_has_the_witness_of_one() -> None:
    detection = {"one": {"a": "x"}, "two": {"b": None}, "condition": "not (not one or two)"}
    assert witness(detection) == {Sign("a", f"{S}x{S}")}


def test_the_rarer_part_is_the_witness() -> None:
    detection = {"one": {"a": "xx", "b": "y"}, "condition": "one"}
    assert witness(detection, lambda sign: {"a": 0.5, "b": 0.1}[sign.field]) == {
        Sign("b", f"{S}y{S}")
    }


@pytest.mark.parametrize(
    ("wanted", "clauses"),
    [
        (["one", "two"], [1]),
        ("one*two", [2]),
        (["one*two", "three"], [2, 1]),
        (["three", "one*two?four"], [1, 3]),
        ([f"a{n}*b" for n in range(MOST_SPLIT)], [2] * MOST_SPLIT),
        ([f"a{n}*b" for n in range(MOST_SPLIT + 1)], [1]),
    ],
)
def test_values_of_several_literals_are_told_apart(wanted: Any, clauses: list[int]) -> None:
    found = branches({"one": {"a": wanted}, "condition": "one"})
    assert found is not None
    assert [len(branch) for branch in found] == clauses


def test_branches_are_bounded_and_each_part_keeps_a_clause() -> None:
    parts = {
        name: [{f"{name}1": f"x{n}", f"{name}2": f"yy{n}"} for n in range(20)] for name in "abc"
    }
    found = branches({**parts, "condition": "all of them"})
    assert found is not None
    assert len(found) == 20
    for branch in found:
        assert {sign.field[0] for clause in branch for sign in clause} == {"a", "b", "c"}
    most = [{"a": f"x{n}", "b": f"y{n}"} for n in range(MOST_BRANCHES + 1)]
    for size, expected in ((MOST_BRANCHES, MOST_BRANCHES), (MOST_BRANCHES + 1, 1)):
        found = branches({"one": most[:size], "condition": "one"})
        assert found is not None
        assert len(found) == expected


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("abc", ("abc",)),
        ("ab?c", ("a",)),
        ("ab*cd", ("cd",)),
        ("ab+c", ("ab",)),
        ("^x{2,3}yz$", ("xyz",)),
        ("x{0,3}yz", ("yz",)),
        ("a|bc", ("a", "bc")),
        ("a(b|)c", ("a",)),
        ("(?:abc)?d", ("d",)),
        (r"\d+foo\.b", ("foo.b",)),
        ("[]a]b", ("b",)),
        ("(?i)abc", ("abc",)),
        ("(?P<name>abc)", ("abc",)),
        ("(?i)é", None),
        ("(?i:abc)", None),
        (r"\x41bcd", None),
        (r"\Qa.b\E", None),
        ("a**", None),
        ("x*", None),
        ("a|", None),
        ("", None),
        ("café", ("café",)),
        ("(?i)abc|dé", None),
        ("ab+cd", ("bcd",)),
        ("ab*?cd", ("cd",)),
        ("(abc)d?", ("abc",)),
        (r"ab\ncd", ("ab\ncd",)),
        ("[a", None),
        ("ab\\", None),
    ],
)
def test_literals_of_a_pattern(pattern: str, literals: tuple[str, ...] | None) -> None:
    assert required_literals(pattern) == literals


@pytest.mark.parametrize(
    ("pattern", "least", "exactly"),
    [
        ("", 1, True),
        ("x", 1, True),
        ("{x", 1, True),
        ("*", 0, False),
        ("?x", 0, False),
        ("+x*", 1, False),
        ("+?x", 1, False),
        ("{2}x", 2, False),
        ("{0,3}x", 0, False),
        ("{3,}?x", 3, False),
    ],
)
def test_how_often_a_part_is_repeated(pattern: str, least: int, exactly: bool) -> None:
    assert _Reader(pattern, 0)._repeat() == (least, exactly)


@pytest.mark.parametrize("pattern", ["**", "*+x", "+{2}", "{2}*x", "{2}{3}", "??*"])
def test_a_repetition_of_a_repetition_is_not_read(pattern: str) -> None:
    with pytest.raises(_Unclear):
        _Reader(pattern, 0)._repeat()


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("ab+c", ["abc", "xabbbc"]),
        ("(ab|cd){2}e", ["ababe", "abcde"]),
        ("x{2,3}yz", ["xxyz", "xxxyz"]),
        ("a[^b]c|d", ["axc", "d"]),
        (r"a\|b\(c", ["a|b(c"]),
        ("(a(b(cd)?)?)ef", ["aef", "abef", "abcdef"]),
    ],
)
def test_what_a_pattern_finds_holds_a_literal(pattern: str, texts: list[str]) -> None:
    literals = required_literals(pattern)
    assert literals is not None
    for text in texts:
        assert re2.search(pattern, text)
        assert any(literal in text for literal in literals)


def test_equal_numbers_share_their_spellings() -> None:
    assert spellings(1) == spellings(1.0) == spellings(True) == {"1", "1.0", "true"}
    assert {"0", "0.0", "-0.0", "false"} == spellings(0) == spellings(False)
    assert {str(10**22), "1e+22"} == spellings(10**22)
    assert spellings(float("inf")) == {"inf"}
    assert spellings(float("nan")) == {"nan"}
    assert spellings(1.5) == {"1.5"}


def test_a_flood_of_hits_names_everything() -> None:
    found = set(Scanner(["a", "zz"], PythonSearch).scan(["a" * 10_000, "b"]))
    assert found == {(0, 0), (0, 1)}
