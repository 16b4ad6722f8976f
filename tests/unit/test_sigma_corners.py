"""Corners of the matcher that seeded faults showed to be untested (`bench/soundness/`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.fields import ITEM, MISSING, SCALAR, length
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document
from sentinel.detect.rules.wanted import Wild, merged

MANY, ONE = Wild.MANY, Wild.ONE
HOUR = "2026-01-01T05:00:00Z"


def compiled(detection: Any, lists: Mapping[str, tuple[str, ...]] | None = None) -> Rule:
    raw = {
        "title": "t",
        "logsource": {"category": "test"},
        "detection": {"condition": "one", "one": detection},
    }
    rule = parse_document(raw, Origin(path=Path("rule.yml"), index=0, raw=raw), "rule", lists or {})
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize(("detection", "matching", "other"), [
    ({"a": 1e-7}, {"a": "1E-07"}, {"a": "1E-08"}),
    (["2026"], {"b": "in 2026"}, {"@timestamp": "2026-01-01"}),
    ([{"a|gte": "5"}], {"a": 6}, {"a": 4}),
    ([{"a|utf16le|base64|contains": "x"}], {"a": "eAA="}, {"a": "eA=="}),
    ({"a": ["false", "x"]}, {"a": False}, {"a": True}),
    ({"a": ["true", "x"]}, {"a": True}, {"a": False}),
    ({"a": ["", "x", "y"]}, {"a": ""}, {"a": "z"}),
    ({"a|gte": 5.5}, {"a": 5.6}, {"a": 5.2}),
    ({"a|gt": 9007199254740992}, {"a": 9007199254740993}, {"a": 9007199254740992}),
    ({"a|gt": 5}, {"a": 10**400}, {"a": -(10**400)}),
    ({"a|hour|neq": 5}, {"a": "2026-01-01T06:00:00Z"}, {"a": HOUR}),
    ({"a|neq": 5}, {"a": 6}, {"a": 5}),
    ({"a": "\u2013enc"}, {"a": "\u2013enc"}, {"a": "-enc"}),
    ({"a|windash": "\u2013enc"}, {"a": "/enc"}, {"a": "enc"}),
    ({"c-uri|exists": False}, {}, {"url.full": "x"}),
    ({"c-uri|exists": True}, {"url.full": "x"}, {"url.path": "x"}),
    ({"c-uri": None}, {}, {"url.full": "x"}),
    ({"a": []}, {"a": None}, {"a": "x"}),
    ({"a|endswith": ["x", "y"]}, {"a": "by"}, {"a": "yb"}),
    ({"a|startswith": ["x", "y"]}, {"a": "yb"}, {"a": "by"}),
    ({"a|contains": ["x", "y"]}, {"a": "byb"}, {"a": "bb"}),
    ({"a|re": "b(?m)a$"}, {"a": "ba\nc"}, {"a": "bac"}),
    ({"a|re": "ba$"}, {"a": "ba\n"}, {"a": "ba\nc"}),
    ({"a": "xσ"}, {"a": "XΣ"}, {"a": "XO"}),
    ({"a": "xς"}, {"a": "XΣ"}, {"a": "X"}),
    ({"a": "ß"}, {"a": "\u1e9e"}, {"a": "ss"}),
    ({"a": "ßσ"}, {"a": "\u1e9eΣ"}, {"a": "ssΣ"}),
    ({"a": "?x"}, {"a": "\u0130X"}, {"a": "i\u0307x"}),
    ({"a": r"x\?"}, {"a": "X?"}, {"a": "x\ud800"}),
    ({"a": r"x\?*"}, {"a": "X?y"}, {"a": "x\ud800y"}),
    ({"a": r"*\?x"}, {"a": "y?X"}, {"a": "y\ud800x"}),
    ({"a": r"*\?*"}, {"a": "x?y"}, {"a": "x\ud800y"}),
    ({"a": "x"}, {"a": [["y", ["x"]]]}, {"a": [["y"]]}),
    ({"a": ["x", None]}, {}, {"a": "y"}),
    (["x', 'y"], {"a": "x', 'y"}, {"a": ["x", "y"]}),
    (["x', 'y"], {"a": ["x', 'y"]}, {"a": [["x", "y"]]}),
    ({"a|fieldref": ["b", "c"]}, {"a": "x", "b": "y", "c": "X"}, {"a": "x", "b": "y"}),
    ({"a|fieldref|endswith": "b"}, {"a": "path/x", "b": "/X"}, {"a": "/x/path", "b": "/x"}),
    ({"a|fieldref|contains": "b"}, {"a": "a path", "b": "PAT"}, {"a": "pat", "b": "path"}),
    ({"a|fieldref": "b"}, {"a": [["x"]], "b": [["y", ["X"]]]}, {"a": [["x"]], "b": [["y"]]}),
    ({"a|cased|fieldref": "b"}, {"a": "X", "b": "X"}, {"a": "X", "b": "x"}),
])  # fmt: skip
def test_a_corner(detection: Any, matching: dict[str, Any], other: dict[str, Any]) -> None:
    rule = compiled(detection)
    assert rule.match(matching)
    assert not rule.match(other)


def test_a_value_without_a_text_hides_no_keyword_before_it() -> None:
    assert compiled(["evil"]).match({"a": "so EVIL", "b": 10**5_000})


def test_a_placeholder_stands_for_its_values_under_other_modifiers() -> None:
    lists = {"flag": ("enc", "e")}
    rule = compiled({"a|expand|windash|contains": " -x%flag%"}, lists)
    assert all(rule.match({"a": f"x {dash}xENC y"}) for dash in "-/\u2013\u2014\u2015")
    assert not rule.match({"a": "x +xenc"})


def test_a_pattern_is_looked_at_once_its_placeholders_are_filled() -> None:
    assert compiled({"a|re|expand": "x(%word%)"}, {"word": ("y",)}).match({"a": "xy"})
    with pytest.raises(RuleFault, match=r"missing \)"):
        compiled({"a|re|expand": "x%word%"}, {"word": ("(",)})


@pytest.mark.parametrize(("parts", "expected"), [
    ([], ()),
    (["a", "b", "c"], ("abc",)),
    ([MANY, MANY, MANY], (MANY,)),
    ([ONE, ONE], (ONE, ONE)),
    ([MANY, "a", "b", ONE, MANY, MANY, "c"], (MANY, "ab", ONE, MANY, "c")),
])  # fmt: skip
def test_neighbours_are_merged(parts: list[str | Wild], expected: tuple[str | Wild, ...]) -> None:
    assert merged(parts) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("", 0),
    ("abc", 3),
    (MISSING, 0),
    (None, SCALAR),
    (7, SCALAR),
    (True, SCALAR),
    ([], 0),
    (["ab", 7], 2 * ITEM + 2 + SCALAR),
    ([["abc"], []], 3 * ITEM + 3),
    ({"key": "ab", "k": None}, 2 * ITEM + 6 + SCALAR),
    ([{"key": ["ab"]}], 3 * ITEM + 5),
])  # fmt: skip
def test_what_a_value_costs(value: Any, expected: int) -> None:
    assert length(value) == expected


@pytest.mark.parametrize("detection", [{"a|windash": 5}, {5: "x"}])
def test_what_sigma_does_not_know_is_refused(detection: Any) -> None:
    with pytest.raises(RuleFault):
        compiled(detection)


def test_a_long_text_is_folded_as_a_short_one() -> None:
    for end in ("É", "Σ", "\u1e9e", "\u13a0"):
        long = "A" * 5_000 + end
        rule = compiled({"a": long.lower() if end == "É" else long})
        for _again in range(2):
            assert rule.match({"a": long})
            assert not rule.match({"a": long + "x"})
            assert not rule.match({"a": "B" * 5_000 + end})


def test_two_long_texts_of_one_event_are_not_mixed_up() -> None:
    rules = [compiled({name: f"*{name}"}) for name in "abcdefghijkl"]
    event = {name: "x" * 5_000 + name.upper() for name in "abcdefghijkl"}
    for _again in range(3):
        assert all(rule.match(event) for rule in rules)
    wrong = dict.fromkeys("abcdefghijkl", "x" * 5_000 + "_")
    assert not any(rule.match(wrong) for rule in rules)


@pytest.mark.parametrize(("detection", "reason", "key"), [
    ({"a|re": 5}, "a pattern is text", "a|re"),
    ([{"a|re": ["x", None]}], "a pattern is text", "a|re"),
    ({"a|re": "(a"}, "RE2 refuses the pattern: missing ): (a", "a|re"),
    ({"a|re|i": ["x", r"(a)\1"]}, r"RE2 refuses the pattern: invalid escape", "a|re|i"),
    ({"a|contains": None}, "incompatible to value type of 'null'", "a|contains"),
])  # fmt: skip
def test_what_is_wrong_is_said_once_and_clearly(
    detection: Any, reason: str, key: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuleFault) as caught:
        compiled(detection)
    assert reason in caught.value.reason
    assert caught.value.path == ("detection", "one", key)
    assert capfd.readouterr().err == ""
