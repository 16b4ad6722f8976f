"""Witnesses: which literals, for which rules, and for which there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import re2

from sentinel.detect.fast.needles import spellings
from sentinel.detect.fast.regex_literals import required_literals
from sentinel.detect.fast.scanner import PythonSearch, Scanner
from sentinel.detect.fast.witness import Sign, branches_of, share_of
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

S = "\x1e"


def witness(detection: dict[str, Any], cost: Any = lambda sign: 1 / len(sign.needle)) -> Any:
    raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
    rule = parse_document(raw, Origin(path=Path("rule.yml"), index=0, raw=raw), "rule", {})
    assert isinstance(rule, Rule)
    branches = branches_of(rule.expression, cost)
    if branches is None:
        return None
    return frozenset().union(*(min(b, key=lambda clause: share_of(clause, cost)) for b in branches))


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
    ],
)
def test_no_witness(detection: dict[str, Any]) -> None:
    assert witness(detection) is None


def test_a_double_negation_has_a_witness() -> None:
    detection = {"one": {"a": "x"}, "condition": "not not one"}
    assert witness(detection) == {Sign("a", f"{S}x{S}")}


def test_the_rarer_part_is_the_witness() -> None:
    detection = {"one": {"a": "xx", "b": "y"}, "condition": "one"}
    assert witness(detection, lambda sign: {"a": 0.5, "b": 0.1}[sign.field]) == {
        Sign("b", f"{S}y{S}")
    }


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
    ],
)
def test_literals_of_a_pattern(pattern: str, literals: tuple[str, ...] | None) -> None:
    assert required_literals(pattern) == literals


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


def test_a_flood_of_hits_names_everything() -> None:
    found = set(Scanner(["a", "zz"], PythonSearch).scan(["a" * 10_000, "b"]))
    assert found == {(0, 0), (0, 1)}
