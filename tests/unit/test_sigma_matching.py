"""What a rule matches, case by case, where the specification is easy to get wrong."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document


def compiled(detection: dict[str, Any], lists: dict[str, tuple[str, ...]] | None = None) -> Rule:
    raw = {
        "title": "t",
        "logsource": {"category": "test"},
        "detection": {"condition": "one", **detection},
    }
    origin = Origin(path=Path("rule.yml"), index=0, raw=raw)
    rule = parse_document(raw, origin, "rule", lists or {})
    assert isinstance(rule, Rule)
    return rule


def says(key: str, wanted: Any, event: dict[str, Any]) -> bool:
    return compiled({"one": {key: wanted}}).match(event)


@pytest.mark.parametrize(
    ("key", "wanted", "found", "expected"),
    [
        ("a", "Admin", "aDMIN", True),
        ("a|cased", "Admin", "admin", False),
        ("a", "", "", True),
        ("a", "", None, False),
        ("a", None, None, True),
        ("a", None, "", False),
        ("a", 200, 200, True),
        ("a", 200, "200", True),
        ("a", "200", 200, True),
        ("a", 200, 200.0, True),
        ("a", 200, "0200", False),
        ("a", 1, True, False),
        ("a", True, True, True),
        ("a", True, "TRUE", True),
        ("a", "true", True, True),
        ("a", False, 0, False),
        ("a|gte", 500, "500", True),
        ("a|gte", "500", 499, False),
        ("a|lt", 5, True, False),
        ("a|gt", 5, "many", False),
        ("a|gt", 5, "inf", False),
        ("a|re", "^ab+$", "abb", True),
        ("a|re", "ab", "xABx", False),
        ("a|re|i", "ab", "xABx", True),
        ("a|re", "a.b", "a\nb", False),
        ("a|re|s", "a.b", "a\nb", True),
        ("a|re|m", "^b$", "a\nb", True),
        ("a|re|startswith", "b|c", "abc", False),
        ("a|re|endswith", "b|c", "abca", False),
        ("a|re|contains", "b|c", "xxcxx", True),
        ("a|cidr", "192.0.2.0/24", "192.0.2.200", True),
        ("a|cidr", "192.0.2.0/24", "ip_abcdefgh", False),
        ("a|cidr", "2001:db8::/32", "2001:db8::7", True),
        ("a|windash|contains", " -f ", "rm \u2014f x", True),
        ("a|windash|contains", " -f ", "rm +f x", False),
        ("a|neq", "x", "y", True),
        ("a|neq", ["x", "y"], "y", False),
        ("a|hour", 8, "2026-01-05T08:30:00.000Z", True),
        ("a|week", 2, "2026-01-05T08:30:00.000Z", True),
        ("a|hour|gte", 18, "2026-01-05T08:30:00.000Z", False),
        ("a|hour", 8, "yesterday", False),
        ("a", "x?z", "xyz", True),
        ("a", "x?z", "xz", False),
        ("a", "x*z", "x\nz", True),
        ("a", r"x\*z", "x*z", True),
        ("a", r"x\*z", "xyz", False),
        ("a", r"x\\*", "x\\abc", True),
        ("a", r"x\\\*", "x\\*", True),
        ("a", r"x\y", r"x\y", True),
        ("a", r"x\\y", r"x\y", True),
    ],
)  # fmt: skip
def test_one_value(key: str, wanted: Any, found: Any, expected: bool) -> None:
    assert says(key, wanted, {"a": found}) is expected


@pytest.mark.parametrize(
    ("key", "wanted", "event", "expected"),
    [
        ("a", None, {}, True),
        ("a", "", {}, False),
        ("a|neq", "x", {}, True),
        ("a|exists", True, {"a": None}, True),
        ("a|exists", False, {"a": None}, False),
        ("a|exists", False, {}, True),
        ("a", "x", {"a": ["y", "X"]}, True),
        ("a", "x", {"a": []}, False),
        ("a|contains|all", ["x", "y"], {"a": ["1x", "2y"]}, True),
        ("a|contains|all", ["x", "y"], {"a": ["1x", "2z"]}, False),
        ("a|fieldref", "b", {"a": "Me", "b": ["you", "me"]}, True),
        ("a|fieldref", "b", {"a": "me"}, False),
        ("a|fieldref", "b", {}, False),
        ("a|cased|fieldref", "b", {"a": "Me", "b": "me"}, False),
        ("a|fieldref|startswith", "b", {"a": "path/x", "b": "PATH"}, True),
        ("a|fieldref|neq", "b", {"a": 1, "b": 2}, True),
    ],
)  # fmt: skip
def test_presence_lists_and_references(
    key: str, wanted: Any, event: dict[str, Any], expected: bool
) -> None:
    assert says(key, wanted, event) is expected


@pytest.mark.parametrize("shift", range(3))
def test_base64_is_found_at_every_offset(shift: int) -> None:
    found = base64.b64encode(b"x" * shift + b"secret word" + b"!!").decode()
    assert says("a|base64offset|contains", "secret word", {"a": found})
    assert not says("a|base64offset|contains", "secret wort", {"a": found})


@pytest.mark.parametrize("modifier", ["wide", "utf16le"])
def test_utf16le_is_wide(modifier: str) -> None:
    found = base64.b64encode("cmd".encode("utf-16-le")).decode()
    assert says(f"a|{modifier}|base64", "cmd", {"a": found})


def test_a_lone_surrogate_does_not_break_a_pattern() -> None:
    assert says("a|re", "x$", {"a": "\ud800x"})
    assert says("a", "?x", {"a": "\ud800x"})


class TestConditions:
    DETECTION = {  # noqa: RUF012 - read only
        "sel_a": {"a": 1},
        "sel_b": {"b": 1},
        "_hidden": {"c": 1},
    }

    @pytest.mark.parametrize(
        ("condition", "event", "expected"),
        [
            ("1 of them", {"c": 1}, False),
            ("1 of them", {"b": 1}, True),
            ("all of them", {"a": 1, "b": 1}, True),
            ("any of sel_*", {"a": 1}, True),
            ("all of sel_* and not _hidden", {"a": 1, "b": 1, "c": 1}, False),
            ("sel_a or sel_b and _hidden", {"a": 1}, True),
            ("(sel_a or sel_b) and _hidden", {"a": 1}, False),
            ("not sel_a and sel_b", {"b": 1}, True),
            (["sel_a", "sel_b"], {"b": 1}, True),
        ],
    )
    def test_of(self, condition: Any, event: dict[str, Any], expected: bool) -> None:
        assert compiled({**self.DETECTION, "condition": condition}).match(event) is expected

    def test_an_identifier_may_begin_with_an_operator(self) -> None:
        rule = compiled(
            {"notable": {"a": 1}, "orders": {"b": 1}, "condition": "notable and orders"}
        )
        assert rule.match({"a": 1, "b": 1})
        assert not rule.match({"a": 1})


class TestKeywords:
    def test_any_value_of_the_event_may_hold_one(self) -> None:
        rule = compiled({"one": ["evil", "bad*word"]})
        assert rule.match({"x": "an EVIL thing"})
        assert rule.match({"x": 1, "y": ["fine", "bad little word"]})
        assert not rule.match({"evil": "fine"})

    def test_all_of_them(self) -> None:
        rule = compiled({"one": {"|all": ["this", "that"]}})
        assert rule.match({"x": "this", "y": "that"})
        assert not rule.match({"x": "this"})

    def test_numbers_and_patterns(self) -> None:
        assert compiled({"one": [4625]}).match({"x": "code 4625"})
        assert compiled({"one": {"|re": "^co.e"}}).match({"x": "code 4625"})

    def test_null_is_no_keyword(self) -> None:
        with pytest.raises(RuleFault, match="keyword"):
            compiled({"one": [None]})


class TestPlaceholders:
    def test_a_list_gives_alternatives(self) -> None:
        rule = compiled({"one": {"a|expand": "%duty%"}}, {"duty": ("legal", "compl*")})
        assert rule.match({"a": ["sales", "compliance"]})
        assert not rule.match({"a": "sales"})

    def test_within_a_text_and_with_case(self) -> None:
        lists = {"host": ("Alpha",)}
        assert compiled({"one": {"a|contains|expand": "on %host%"}}, lists).match(
            {"a": "x on alpha"}
        )
        cased = compiled({"one": {"a|cased|expand": "%host%"}}, lists)
        assert cased.match({"a": "Alpha"})
        assert not cased.match({"a": "alpha"})

    def test_an_empty_list_matches_nothing(self) -> None:
        assert not compiled({"one": {"a|expand": "%none%"}}, {"none": ()}).match({"a": ""})

    def test_a_percent_sign_needs_no_list_without_expand(self) -> None:
        assert says("a", "%duty%", {"a": "%duty%"})


class TestAliases:
    @pytest.mark.parametrize(
        ("name", "event"),
        [
            ("cs-method", {"http.request.method": "GET"}),
            ("sc-status", {"http.response.status_code": "GET"}),
            ("c-useragent", {"user_agent.original": "GET"}),
            ("cs-user-agent", {"user_agent.original": "GET"}),
            ("cs-uri-query", {"url.query": "GET"}),
            ("cs-uri-query", {"url.query": "x", "url.original": "GET"}),
            ("c-uri", {"url.original": "GET"}),
            ("cs-uri-stem", {"url.path": "GET"}),
            ("c-ip", {"source.ip": "GET"}),
            ("cs-username", {"user.name": "GET"}),
            ("cs-referer", {"http.request.referrer": "GET"}),
            ("cs-host", {"url.domain": "GET"}),
        ],
    )
    def test_w3c_names_read_ecs(self, name: str, event: dict[str, Any]) -> None:
        assert says(name, "get", event)

    def test_the_literal_field_wins(self) -> None:
        assert not says("cs-method", "GET", {"cs-method": "POST", "http.request.method": "GET"})

    def test_the_rule_says_what_it_may_read(self) -> None:
        assert compiled({"one": {"cs-method": "GET"}}).reads == {"cs-method", "http.request.method"}
        assert compiled({"one": ["word"]}).reads == {"*"}


class TestReasons:
    def test_they_name_the_positive_leaves_that_hold(self) -> None:
        rule = compiled(
            {
                "one": {"a": ["x", "y"], "b|exists": False},
                "two": {"c": 1},
                "out": {"d": 1},
                "condition": "(one or two) and not out",
            }
        )
        event = {"a": ["q", "Y"], "c": 2}
        assert rule.match(event)
        assert [(r.code, r.values) for r in rule.expression.reasons(event)] == [
            ("rule.field", {"field": "a", "value": "q, Y"}),
            ("rule.absent", {"field": "b"}),
        ]

    def test_a_keyword_shows_the_value_that_holds_it(self) -> None:
        rule = compiled({"one": ["evil"]})
        (reason,) = rule.expression.reasons({"x": "fine", "y": "line\n" + "evil " * 100})
        assert reason.code == "rule.keyword"
        assert str(reason.values["value"]).startswith("line evil evil")
        assert len(str(reason.values["value"])) == 200

    def test_a_reference_shows_both_fields(self) -> None:
        rule = compiled({"one": {"a|fieldref": "b"}})
        assert [r.values for r in rule.expression.reasons({"a": "x", "b": "X"})] == [
            {"field": "a", "value": "x"},
            {"field": "b", "value": "X"},
        ]
