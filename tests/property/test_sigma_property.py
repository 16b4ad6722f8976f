"""The compiled engine says what a literal reading of the specification says, and never raises."""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path
from typing import Any

import naive_sigma
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

FIELDS = ("a", "b", "user.name", "n")
# Letters that case folding treats unlike their neighbours, and bytes that engines use to separate.
ALPHABET = "aAbB1-/.% éÉ\n\r\0\x1e\x1f\u2028İıſKkßẞΣσςµμ"
WILD = ALPHABET + "*?\\"

scalars = st.one_of(
    st.text(ALPHABET, max_size=6),
    st.integers(-2, 12),
    st.sampled_from([0.5, 1.0, 2.5]),
    st.booleans(),
    st.none(),
    st.sampled_from(["192.0.2.7", "198.51.100.9", "2001:db8::1", "2026-01-05T08:30:00.000Z"]),
)
values = st.one_of(scalars, st.lists(scalars, max_size=3))
events = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)

plain = st.one_of(
    st.text(WILD, max_size=6), st.sampled_from(["a*", "*b", "*a*", "a?b", "1", "-1", "true", ""])
)
literal = st.text("aAbB1-/.% ", min_size=1, max_size=6)
pattern = st.sampled_from(
    ["a", "^a", "b$", "a|b1", "[ab]+1?", "a.b", "^$", "A{2}", "1.*a", "[$]|b$", r"\$$", "(a$|1)+"]
)


def listed(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(one, st.lists(one, min_size=1, max_size=3))


def item(modifiers: tuple[str, ...], wanted: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a key, `field|modifiers`, and its value."""
    keys = st.builds("|".join, st.tuples(st.sampled_from(FIELDS), st.sampled_from(modifiers)))
    return st.tuples(keys.map(lambda key: key.rstrip("|")), wanted)


TEXT = ("", "contains", "startswith", "endswith", "cased", "cased|contains", "neq")
HOW = ("", "|contains", "|startswith", "|endswith", "|neq")
FIELD_REFERENCES = (*(f"fieldref{how}" for how in HOW), "cased|fieldref")
DASHED = ("-a", "/b1", "a -b", "a/b", "-", "a -b /a", "x")
items = st.one_of(
    item(TEXT, listed(plain)),
    item(TEXT, listed(plain)),
    item(("",), listed(st.one_of(plain, st.integers(-2, 12), st.booleans(), st.none()))),
    item(("lt", "lte", "gt", "gte"), st.integers(-2, 12)),
    item(("re", "re|i", "re|m", "re|s", "re|startswith", "re|endswith"), listed(pattern)),
    item(("exists",), st.booleans()),
    item(
        FIELD_REFERENCES,
        st.sampled_from(FIELDS),
    ),
    item(("cidr",), st.sampled_from(["192.0.2.0/24", "2001:db8::/32"])),
    item(("contains|all", "startswith|all", "all"), st.lists(plain, min_size=2, max_size=3)),
    item(("windash", "windash|contains", "contains|windash"), listed(st.sampled_from(DASHED))),
    item(("base64", "base64offset|contains", "utf16le|base64offset|contains"), literal),
    item(
        ("minute", "hour", "day", "week", "month", "year", "hour|gte"),
        st.sampled_from([1, 2, 5, 8, 30, 2026]),
    ),
)


mappings = st.lists(items, min_size=1, max_size=3, unique_by=lambda item: item[0]).map(dict)
keywords = st.lists(st.one_of(literal, plain, st.integers(0, 12)), min_size=1, max_size=3)
definitions = st.one_of(
    mappings,
    st.lists(mappings, min_size=1, max_size=2),
    keywords,
    st.lists(plain, min_size=2, max_size=3).map(lambda words: {"|all": words}),
)
CONDITIONS = (
    "one", "not one", "one and two", "one or two", "one and not two", "not (one or two) or _three",
    "1 of them", "all of them", "1 of t*", "all of o* and not 1 of t*", "_three", "not not one",
    "one or two and _three", ["one", "two"],
)  # fmt: skip


def compiled(detection: dict[str, Any]) -> Rule:
    raw = {"title": "t", "logsource": {"category": "test"}, "detection": detection}
    origin = Origin(path=Path("rule.yml"), index=0, raw=raw)
    rule = parse_document(raw, origin, "rule", {})
    assert isinstance(rule, Rule)
    return rule


def leaves(definition: Any) -> list[Any]:
    if isinstance(definition, dict):
        return [leaf for value in definition.values() for leaf in leaves(value)]
    if isinstance(definition, list):
        return [leaf for value in definition for leaf in leaves(value)]
    return [definition]


def near(wanted: Any) -> list[Any]:
    """Return event values that lie on either side of matching ``wanted``."""
    if isinstance(wanted, bool) or wanted is None:
        return [wanted, str(wanted), str(wanted).lower(), "", int(bool(wanted))]
    if isinstance(wanted, int | float):
        return [wanted, str(wanted), float(wanted), wanted + 1, wanted - 1, f"{wanted}.0", True]
    bare = wanted.replace("\\", "").replace("*", "zz").replace("?", "q")
    encoded = base64.b64encode(f"x{bare}yy".encode()).decode()
    wide = base64.b64encode(bare.encode("utf-16-le")).decode()
    shaped = [wanted, bare, bare.swapcase(), f"{bare}x", f"x{bare}", f"x{bare}x", bare[:-1]]
    dashed = [bare.replace("-", "/"), bare.replace("/", "\u2014")]
    met = re.sub(r"[\\^$()|*+?\[\]]", "", wanted)
    folds = [
        met,
        f"{met}\n",
        f"\n{met}",
        bare.upper(),
        bare.casefold(),
        f"{bare}\n",
        f"{bare}\0",
        bare.replace("a", "a\x1f", 1),
    ]
    return [*shaped, *dashed, *folds, encoded, wide, base64.b64encode(bare.encode()).decode()]


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draw a detection, and events made of values near those that it asks for."""
    names = ("one", "two", "_three")
    detection = {name: draw(definitions) for name in names}
    pool = [value for leaf in leaves(detection) for value in near(leaf)]
    close = st.one_of(st.sampled_from(pool), scalars)
    value = st.one_of(close, close, st.lists(close, max_size=3))
    event = st.dictionaries(st.sampled_from(FIELDS), value, max_size=4)
    found = draw(st.lists(event, min_size=2, max_size=6))
    return {**detection, "condition": draw(st.sampled_from(CONDITIONS))}, found


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_compiled_is_naive(case: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    detection, found = case
    rule = compiled(detection)
    for event in found:
        assert rule.match(event) is naive_sigma.matches(detection, event)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), items)
def test_one_item_is_naive(data: st.DataObject, drawn: tuple[str, Any]) -> None:
    key, wanted = drawn
    detection = {"one": {key: wanted}, "condition": "one"}
    rule, field = compiled(detection), key.split("|")[0]
    pool = [value for leaf in leaves(wanted) for value in near(leaf)]
    close = st.one_of(st.sampled_from(pool), scalars, st.lists(st.sampled_from(pool), max_size=2))
    for value in data.draw(st.lists(close, min_size=4, max_size=8)):
        for event in ({field: value}, {"b": value, "a": value}, {"b": value}):
            assert rule.match(event) is naive_sigma.matches(detection, event)


@settings(max_examples=300, deadline=None)
@given(st.text("aB?*İ", max_size=8), st.text("abBİ", max_size=12))
def test_the_naive_wildcards_are_the_definition(wanted: str, found: str) -> None:
    pattern = naive_sigma._parse(wanted)
    quick = naive_sigma._glob(naive_sigma._pieces(pattern, cased=True), found)
    assert quick is naive_sigma.reachable_glob(pattern, found)


@settings(max_examples=300, deadline=None)
@given(plain, st.text(ALPHABET + "*?\\", max_size=8), st.booleans())
def test_wildcards_follow_the_specification(wanted: str, found: str, cased: bool) -> None:
    key = "a|cased" if cased else "a"
    whole = {"one": {key: wanted}, "condition": "one"}
    assert compiled(whole).match({"a": found}) is naive_sigma.matches(whole, {"a": found})


@settings(max_examples=200, deadline=None)
@given(mappings, events)
def test_a_match_names_reasons_that_read_the_event(
    mapping: dict[str, Any], event: dict[str, Any]
) -> None:
    rule = compiled({"one": mapping, "condition": "one"})
    for reason in rule.expression.reasons(event):
        assert reason.text("en")
        assert reason.text("fr")


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(WILD + "|", max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("ab|*_ recontis", max_size=8), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(["one", "two", "condition"]), anything), anything)
def test_nonsense_is_one_clear_fault(detection: dict[str, Any], extra: Any) -> None:
    raw = {"title": "t", "logsource": extra, "detection": detection, "sentinel": extra}
    origin = Origin(path=Path("rule.yml"), index=0, raw=raw)
    with contextlib.suppress(RuleFault):  # anything else fails the test
        assert parse_document(raw, origin, "rule", {}).origin is origin


@pytest.mark.parametrize(
    ("data", "shift"), [(b"foobar", 0), (b"foobar", 1), (b"foobar", 2), (b"fo", 2)]
)
def test_the_naive_base64_offset_is_found_in_real_base64(data: bytes, shift: int) -> None:
    whole = base64.b64encode(b"x" * shift + data + b"yy").decode()
    assert naive_sigma._shifted(data, shift) in whole
