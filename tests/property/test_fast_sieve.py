"""No line is set aside in which a rule's literal stands, however JSON spells it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fast_property import rule

from sentinel.detect.fast import raw
from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.fast.plan import Plan
from sentinel.detect.fast.scanner import TO_ASCII
from sentinel.detect.fast.sieve import make_sieve, raw_literal
from sentinel.detect.fast.witness import Sign
from sentinel.detect.rules.folding import folded

S = "\x1e"
SOURCE = {"category": "test"}
PIECES = ("word", "WORD", "\\", "\\\\", "/", '"', "\n", "é", "K", "\u212a", "\u017f", " ", "{", "1")

pytest.importorskip("hyperscan", reason="NOT RUN: pip install 'sentinel[speed]' brings Hyperscan")


@pytest.mark.parametrize(
    ("needle", "literal"),
    [
        (f"{S}word{S}", b'"word"'),
        (f"{S}word", b'"word'),
        (r"\cmd.exe" + S, rb'\\cmd.exe"'),
        ("/a/path", b"/a/path"),
        ('say "hello" now', b"hello"),
        (f'{S}"word"{S}', b"word"),
        ("caféteria", b"teria"),
        ("a\nlonger", b"longer"),
        (f"{S}true{S}", b"true"),
        (f"{S}fal", b"fal"),
        (f"{S}4624{S}", None),
        ("1e+5", None),
        ("ab", None),
        (f"{S}{S}", None),
    ],
)
def test_what_stands_in_the_line(needle: str, literal: bytes | None) -> None:
    assert raw_literal(Sign("a", needle)) == literal


def test_two_letters_alone_fold_to_ascii() -> None:
    others = (chr(code) for code in range(128, sys.maxunicode + 1))
    assert tuple(char for char in others if folded(char).isascii()) == TO_ASCII


texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
how = st.sampled_from(["", "|contains", "|startswith", "|endswith", "|re"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Any]]:
    found: list[dict[str, Any]] = []
    near: list[str] = []
    for _rule in range(draw(st.integers(1, 3))):
        key = draw(how)
        wanted = draw(st.lists(texts, min_size=1, max_size=2))
        if key == "|re":
            wanted = ["".join(c for c in text if c.isalnum()) or "x" for text in wanted]
        wanted = [text.replace("{", "") or "word" for text in wanted]
        found.append({"one": {f"a{key}": wanted}, "condition": "one"})
        near += wanted
    value: Any = st.one_of(
        st.sampled_from(near), st.sampled_from(near).map(str.upper), texts, st.booleans()
    )
    nested = st.one_of(value, st.lists(value, max_size=2), st.fixed_dictionaries({"x": value}))
    return found, draw(st.lists(nested, min_size=1, max_size=6))


def spelt(text: str, way: int) -> bytes:
    if way == 1:
        return text.replace("/", "\\/").encode()
    return text.replace(": ", ":").encode() if way == 2 else text.encode()


@settings(max_examples=120, deadline=None)
@given(cases(), st.booleans(), st.integers(0, 2))
def test_no_match_is_set_aside(
    case: tuple[list[dict[str, Any]], list[Any]], ascii_only: bool, way: int
) -> None:
    detections, values = case
    rules = [rule(detection, number) for number, detection in enumerate(detections)]
    quiet = [{**SOURCE, "a": "nothing of the kind", "n": n} for n in range(80)]
    events = [*quiet, *({**SOURCE, "b": 1, "a": value} for value in values)]
    lines = [spelt(json.dumps(e, ensure_ascii=ascii_only), way) for e in events]
    matcher = LineMatcher(rules)
    found = [(match.row, match.rule.info.id) for match in matcher.match_lines(lines)]
    decoded = [json.loads(line) for line in lines]
    assert found == [
        (row, one.info.id) for row, e in enumerate(decoded) for one in rules if one.match(e)
    ]


def test_it_sets_aside_what_holds_nothing() -> None:
    rules = [rule({"one": {"a|endswith": "\\evil.exe"}, "condition": "one"})]
    quiet = [json.dumps({"a": f"C:\\good{n}.exe", **SOURCE}).encode() for n in range(200)]
    loud = json.dumps({"a": "C:\\EVIL.exe", **SOURCE}).encode()
    matcher = LineMatcher(rules)
    assert [match.row for match in matcher.match_lines([*quiet, loud])] == [200]
    (route,) = matcher._routes.values()
    assert route._sieve is not None
    assert (route._sieve.seen, route._sieve.passed) == (201, 1)


@pytest.mark.parametrize(
    ("wanted", "spellings"),
    [
        ("/a/path", [rb"/a/path", rb"\/a\/path", rb"\u002fa/path"]),
        (["a word", "other text"], [b"a word", b"Other Text"]),
    ],
)
def test_no_spelling_is_set_aside(wanted: Any, spellings: list[bytes]) -> None:
    found = rule({"one": {"a|contains": wanted}, "condition": "one"})
    quiet = [b'{"category":"test","a":"nothing %d"}' % n for n in range(200)]
    loud = [b'{"category":"test","a":"%s"}' % one for one in spellings]
    matcher = LineMatcher([found])
    for _round in range(2):
        rows = [match.row for match in matcher.match_lines([*quiet, *loud])]
        assert rows == list(range(200, 200 + len(loud)))
    (route,) = matcher._routes.values()
    assert route._sieve is not None


def test_a_number_needs_every_line_read() -> None:
    numbers = rule({"one": {"a": 4624}, "condition": "one"})
    lines = [json.dumps({"a": n}).encode() for n in range(100)]
    assert make_sieve(Plan([numbers]).branches, lines) is None


@pytest.mark.parametrize("wanted", [
    [{"a": 4624}, {"a": "some word"}], {"a": [4624, "some word"]},
    [{"a|endswith": "x"}, {"b": "word"}],
])  # fmt: skip
def test_what_may_be_spelt_in_many_ways_needs_every_line_read(wanted: Any) -> None:
    found = rule({"one": wanted, "condition": "one"})
    lines = [json.dumps({"a": f"nothing {n}", **SOURCE}).encode() for n in range(100)]
    assert make_sieve(Plan([found]).branches, lines) is None


NEEDLES = ("secret word", "kiwi", "a")
ODD_LINES = (
    rb'{"a":"\u0041"}', b'{"a":{"b":1}}', b'{"a": {"b":1}}', b'{"a":[{"b":1}]}',
    b'{"a":' + b" " * 30 + b'{"b":1}}', b'{"a":[1,\t{"b":1}]}', '{"a":"\u212a"}'.encode(),
)  # fmt: skip


@pytest.mark.parametrize("build", [raw.PlainLines, raw.HyperscanLines])
def test_odd_lines_are_named(build: Any) -> None:
    plain = [b'{"a":"x"}', rb'{"a":"C:\\users"}', rb'{"a":"\"}{"}']
    needles = NEEDLES if build is raw.PlainLines else [needle.encode() for needle in NEEDLES]
    hits, odd = build(needles)([*plain, *ODD_LINES, b'{"b":"SECRET word, KIWI"}'])
    rows = set(range(len(plain), len(plain) + len(ODD_LINES)))
    if build is raw.PlainLines:  # it folds what it searches: letters are no matter
        rows.remove(max(rows))
    assert set(odd) == rows
    last = len(plain) + len(ODD_LINES)
    assert {needle for row, needle in hits if row == last} >= {0, 1}


def test_a_flood_makes_every_line_odd() -> None:
    flood = raw.HyperscanLines([b"a"], limit=100)([b"a" * 1_000, b"b"])
    assert flood == raw.RawHits([], [0, 1])
