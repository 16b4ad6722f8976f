"""Raw lines give the matches that their decoded events give, whatever the lines hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sentinel.detect.fast import lines as fast_lines
from sentinel.detect.fast import raw, scanner, sieve
from sentinel.detect.fast.lines import LineMatcher
from sentinel.detect.fast.plan import Plan
from sentinel.detect.fast.rows import RowReader
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import LogSource

SOURCE = {"category": "webserver", "product": "nginx", "service": "access"}
RULE = """\
title: {name}
id: 00000000-0000-4000-8000-{number:012d}
name: {name}
logsource: {{category: {category}}}
detection: {detection}
level: low
"""
RULES = {
    "equals": "{one: {a: wanted}, condition: one}",
    "inside": "{one: {a|contains: needle}, condition: one}",
    "either": "{one: [{a|endswith: .exe}, {b|startswith: 'C:'}], condition: one}",
    "number": "{one: {status: 404}, condition: one}",
    "absence": "{one: {user: null}, condition: one}",
    "negated": "{one: {a|contains: /}, condition: not one}",
    "keyword": "{one: [secret word], condition: one}",
    "pattern": "{one: {a|re: 'x[0-9]+needle'}, condition: one}",
    "alias": "{one: {cs-uri-query|contains: select}, condition: one}",
    "compared": "{one: {size|gt: 10}, condition: one}",
    "pair": "{one: {a|fieldref: b}, condition: one}",
}
VALUES: tuple[Any, ...] = (
    "wanted", "WANTED", "un-wanted", "", None, 0, 1, 1.0, True, 404, 404.0, "404", 12, "C:\\x.exe",
    "id=1 UNION SELECT", "x12needle", "needle\x1e", "\x1ewanted\x1e", "a secret word",
    "a\nsecret word", ["x", "wanted"], "C:\\users", "\\\u00e9",
    [["needle"], None], {"deep": "secret word"}, "SECRET \u212aord", "é\x00needle", "/", 10**30,
)  # fmt: skip


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    folder = tmp_path_factory.mktemp("rules")
    for number, (name, detection) in enumerate(RULES.items()):
        text = RULE.format(name=name, number=number, detection=detection, category="webserver")
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_rules(folder).require_clean()


def events() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{}]
    for value in VALUES:
        found += [{"a": value}, {"b": value, "a": "x"}, {"status": value, "user": "u"}]
        found += [{"url.original": value}, {"size": value, "a": "/"}, {"user": value}]
    return found


def matched(matcher: LineMatcher, lines: list[bytes]) -> list[tuple[int, str]]:
    return [(match.row, match.rule.name) for match in matcher.match_lines(lines)]


def expected(rules: RuleSet, lines: list[bytes]) -> list[tuple[int, str]]:
    decoded = [json.loads(line) for line in lines]
    return [
        (row, rule.name)
        for row, fields in enumerate(decoded)
        if fields.get("category") == "webserver"
        for rule in rules.rules
        if rule.match(fields)
    ]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_lines_match_as_their_events(rules: RuleSet, ascii_only: bool, size: int) -> None:
    lines = [
        json.dumps({**event, **SOURCE}, ensure_ascii=ascii_only).encode() for event in events()
    ]
    matcher = LineMatcher(rules.rules)
    found = []
    for at in range(0, len(lines), size):
        found += [(at + row, name) for row, name in matched(matcher, lines[at : at + size])]
    assert found == expected(rules, lines)
    assert {name for _row, name in found} == set(RULES)
    assert not matcher.troubles


def test_learning_keeps_the_matches(rules: RuleSet) -> None:
    lines = [json.dumps({**event, **SOURCE}).encode() for event in events()] * 20
    matcher = LineMatcher(rules.rules)
    want = expected(rules, lines)
    assert [matched(matcher, lines) for _round in range(3)] == [want] * 3
    (route,) = matcher._routes.values()
    assert route.plan.choices > 1


def test_a_line_that_holds_nothing_is_not_decoded(rules: RuleSet) -> None:
    some = [rule for rule in rules.rules if rule.name in {"equals", "inside", "keyword"}]
    lines = [json.dumps({"a": value, **SOURCE}).encode() for value in ("x", "needle", "wanted")]
    for _round in range(2):
        assert set(RowReader(Plan(some)).candidates(lines)) == {1, 2}


def test_only_rules_of_the_log_source_match(rules: RuleSet) -> None:
    line = json.dumps({"a": "wanted", **SOURCE, "category": "proxy"}).encode()
    assert matched(LineMatcher(rules.rules), [line]) == []


def test_each_part_of_a_log_source_routes(tmp_path: Path) -> None:
    text = RULE.replace("category: {category}", "{source}")
    parts = {
        name: {**dict.fromkeys(SOURCE, ""), name: value} for name, value in SOURCE.items()
    }  # one rule for each of the three
    for number, (name, one) in enumerate(parts.items()):
        made = text.format(
            name=name, number=number, detection=RULES["equals"], source=f"{name}: {one[name]}"
        )
        (tmp_path / f"{name}.yml").write_text(made, encoding="utf-8")
    loaded = load_rules(tmp_path).require_clean()
    lines = [json.dumps({"a": "wanted", **one}).encode() for one in (*parts.values(), SOURCE)]
    assert sorted(matched(LineMatcher(loaded.rules), lines)) == [
        (0, "category"), (1, "product"), (2, "service"),
        (3, "category"), (3, "product"), (3, "service"),
    ]  # fmt: skip


def test_what_is_no_event_is_counted_and_stops_nothing(rules: RuleSet) -> None:
    good = json.dumps({"a": "wanted", "user": "u", **SOURCE}).encode()
    bad = [b"", b"[1]", b"{", b'{"category": 3}', b"null"]
    matcher = LineMatcher(rules.rules)
    found = matched(matcher, [*bad, good, *bad])
    assert {row for row, _name in found} == {len(bad)}
    assert (len(bad), "equals") in found
    unread = [*range(len(bad)), *range(len(bad) + 1, 2 * len(bad) + 1)]
    assert matcher.troubles == [(row, "unreadable", None) for row in unread]


def test_a_value_without_text_is_a_failure_not_a_crash(rules: RuleSet) -> None:
    line = json.dumps({"user": "u", "a": "/wanted", **SOURCE}).encode()
    deep = line.replace(b'"/wanted"', b'{"x":' * 900 + b"1" + b"}" * 900)
    matcher = LineMatcher(rules.rules)
    assert (1, "inside") not in matched(matcher, [deep, line])


def test_the_last_of_two_equal_keys_counts(rules: RuleSet) -> None:
    line = json.dumps({"user": "u", "b": "/", **SOURCE}).encode()
    twice = line[:-1] + b', "a": "wanted", "a": "/other"}'
    assert "equals" not in {name for _row, name in matched(LineMatcher(rules.rules), [twice])}
    other = line[:-1] + b', "a": "/other", "a": "wanted"}'
    assert "equals" in {name for _row, name in matched(LineMatcher(rules.rules), [other])}


SPELT = (
    rb'"\u0073ecret word"', rb'"a secret\u0020wor\u0064"', rb'["x", {"k": "\u0073ecret word"}]',
    '"\u017fecret word"'.encode(), '"\u212aiwi"'.encode(), rb'"k\u0069wi"', b'"KIWI"',
    b'{"deep":"secret"}', b'{"deep": "secret"}', b'[{"deep":"secret"}]', b'["x",{"deep":"secret"}]',
    b'["x",\n \t{"deep":"secret"}]', b" " * 30 + b'{"deep":"secret"}', b'[[ {"deep": "secret"}]]',
    rb'"C:\\u0073ecret word"', rb'"\\kiwi"', rb'"\"secret word\""', rb'"secret\/word"', b'"{kiwi"',
)  # fmt: skip
WORDS = ("secret word", "kiwi", "deep': 'secret", "secret/word")


@pytest.mark.parametrize("fastest", [True, False])
@pytest.mark.parametrize("rounds", [1, 6])
def test_keywords_are_found_however_a_line_spells_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fastest: bool, rounds: int
) -> None:
    if not fastest:  # neither Hyperscan nor Aho-Corasick
        monkeypatch.setattr(raw, "find_spec", lambda _name: None)
        monkeypatch.setattr(scanner, "find_spec", lambda _name: None)
        monkeypatch.setattr(sieve, "find_spec", lambda _name: None)
    for number, word in enumerate(WORDS):
        for suffix, detection in (
            ("", f'{{one: ["{word}"], condition: one}}'),
            ("-and", f'{{one: ["{word}"], two: {{b: "x"}}, condition: one and two}}'),
        ):
            text = RULE.format(
                name=f"word-{number}{suffix}", number=2 * number + len(suffix) // 4,
                detection=detection, category="webserver",
            )  # fmt: skip
            (tmp_path / f"word-{number}{suffix}.yml").write_text(text, encoding="utf-8")
    loaded = load_rules(tmp_path).require_clean()
    quiet = [b'{"category":"webserver","a":"nothing","n":%d}' % n for n in range(70)]
    spelt = [b'{"category":"webserver","b":"x","a":%s}' % value for value in SPELT]
    lines = [*quiet, *spelt, *(line.replace(b'"b":"x"', b'"b":"y"') for line in spelt)]
    want = expected(loaded, lines)
    assert {name for _row, name in want} == {r.name for r in loaded.rules}
    matcher = LineMatcher(loaded.rules)
    for _round in range(rounds):
        assert matched(matcher, lines) == want


def test_a_flood_of_keywords_hides_none(rules: RuleSet) -> None:
    line = json.dumps({**SOURCE, "user": "u", "a": "/" + "secret word" * 6_000}).encode()
    other = json.dumps({**SOURCE, "user": "u", "a": "/a secret word"}).encode()
    lines = [line, other, line]
    assert matched(LineMatcher(rules.rules), lines) == expected(rules, lines)


@pytest.mark.parametrize(
    "value", [rb'"\u0073ecret \xff"', rb'{"x":"\xff"}', rb'"\ud800 \u0073"', b'"\xff \\u0073"']
)
def test_an_odd_line_that_cannot_be_read_is_counted(rules: RuleSet, value: bytes) -> None:
    words = LineMatcher([rule for rule in rules.rules if rule.name == "keyword"])
    lines = [b'{"category":"webserver","a":%s}' % value, b'{"category":"webserver","a":"x"}']
    for _again in range(3):
        assert matched(words, lines) == []
        assert words.troubles == [(0, "unreadable", None)]


def test_a_line_that_cannot_be_read_hides_no_other(rules: RuleSet) -> None:
    good = json.dumps({"a": "wanted", "user": "u", **SOURCE}).encode()
    bad = good.replace(b"wanted", b"\xff")
    assert bad != good
    matcher = LineMatcher(rules.rules)
    for _again in range(3):
        assert (1, "equals") in matched(matcher, [bad, good])
        assert set(matcher.troubles) == {(0, "unreadable", None)}


def written(folder: Path, detections: dict[str, str]) -> RuleSet:
    """Load rules, one on absence among them: no sieve may pass over lines then."""
    detections = {**detections, "absence": RULES["absence"]}
    for number, (name, detection) in enumerate(detections.items()):
        text = RULE.format(name=name, number=number, detection=detection, category="webserver")
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_rules(folder).require_clean()


def test_keywords_are_found_by_the_latest_choice(tmp_path: Path) -> None:
    usual, seldom = "a long text that stands in every line", ("tiny", "wee")
    rules = {word: f'{{one: {{"|all": ["{usual}", "{word}"]}}, condition: one}}' for word in seldom}
    loaded = written(tmp_path, rules)
    matcher = LineMatcher(loaded.rules)
    line = {**SOURCE, "user": "u", "a": usual}
    usually = [json.dumps({**line, "n": n}).encode() for n in range(200)]
    both = [json.dumps({**line, "b": word}).encode() for word in seldom]
    for _round in range(4):  # a guess takes the long text for both, what was seen the short ones
        assert matched(matcher, [*usually, *both]) == [(200, "tiny"), (201, "wee")]


def test_a_keyword_at_the_end_of_a_line_is_its_own(tmp_path: Path) -> None:
    loaded = written(tmp_path, {"truth": "{one: [true], condition: one}"})
    ends = [b'{"category":"webserver","user":"u","a":%s}' % value for value in (b"true", b"null")]
    for lines in ([*ends, *ends], [*ends * 40]):
        assert matched(LineMatcher(loaded.rules), lines) == expected(loaded, lines)
        assert len(expected(loaded, lines)) == len(lines) // 2


@pytest.mark.parametrize("fastest", [True, False])
@pytest.mark.parametrize("how", ["cased", "re"])
def test_a_keyword_in_its_own_case_is_searched_in_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fastest: bool, how: str
) -> None:
    if not fastest:
        for module in (raw, scanner, sieve):
            monkeypatch.setattr(module, "find_spec", lambda _name: None)
    loaded = written(tmp_path, {"cased": f'{{one: {{"|{how}": "Secret Word"}}, condition: one}}'})
    values = (b"a Secret Word", b"a secret word", b"A SECRET WORD")
    lines = [b'{"category":"webserver","user":"u","a":"%s"}' % value for value in values]
    assert matched(LineMatcher(loaded.rules), lines) == [(0, "cased")]


def test_an_odd_line_tells_all_of_its_keywords(tmp_path: Path) -> None:
    loaded = written(tmp_path, {"both": '{one: {"|all": [alpha, omega]}, condition: one}'})
    start = b'{"category":"webserver","user":"u","a":'
    usual = [start + b'"%s %d"}' % (word, n) for n in range(100) for word in (b"alpha", b"omega")]
    odd = [start + value for value in (rb'"\u0061lpha omega"}', rb'"alpha \u006fmega"}')]
    lines = [*usual, *odd]
    matcher = LineMatcher(loaded.rules)
    for _round in range(4):  # both words are common: after learning, each has to be there
        assert matched(matcher, lines) == [(200, "both"), (201, "both")]


def test_the_log_source_of_all_lines_can_be_given(rules: RuleSet) -> None:
    bare = [json.dumps(event).encode() for event in events()]
    told = [json.dumps({**event, **SOURCE}).encode() for event in events()]
    elsewhere = [json.dumps({**event, "category": "proxy"}).encode() for event in events()]
    source = LogSource(category="webserver", product="nginx")
    alike = {name for name in RULES if name != "negated"}  # a value of the source holds no slash
    want = [one for one in matched(LineMatcher(rules.rules), told) if one[1] in alike]
    for lines in (bare, elsewhere):
        matcher = LineMatcher(rules.rules, source=source)
        assert [one for one in matched(matcher, lines) if one[1] in alike] == want
        assert (matcher.unrouted, matcher.troubles) == (0, [])
    assert matched(LineMatcher(rules.rules, source=LogSource(category="proxy")), told) == []
    strict = LineMatcher(rules.rules, source=source)
    assert matched(strict, [b"[1]", b'{"a":"wanted"}'])[-1][0] == 1
    assert strict.troubles == [(0, "unreadable", None)]
    nothing = LineMatcher([], source=source)
    assert matched(nothing, [b"[1]", b"{}"]) == []
    assert nothing.troubles == [(0, "unreadable", None)]


def test_each_part_of_a_given_log_source_routes(tmp_path: Path) -> None:
    for number, (name, value) in enumerate(SOURCE.items()):
        text = RULE.format(name=name, number=number, detection=RULES["equals"], category="x")
        (tmp_path / f"{name}.yml").write_text(
            text.replace("category: x", f"{name}: {value}"), encoding="utf-8"
        )
    loaded = load_rules(tmp_path).require_clean()
    line = b'{"a":"wanted"}'
    for name, value in SOURCE.items():
        one = LineMatcher(loaded.rules, source=LogSource(**{name: value}))
        assert matched(one, [line]) == [(0, name)]


def test_lines_without_a_log_source_are_counted(rules: RuleSet) -> None:
    matcher = LineMatcher(rules.rules)
    for again in (1, 2):
        assert matched(matcher, [b'{"a":"wanted"}', b'{"a":"wanted","product":"x"}', b"{}"]) == []
        assert matcher.unrouted == 2 * again


def test_what_would_cost_too_much_is_named_and_not_judged(rules: RuleSet) -> None:
    some = [rule for rule in rules.rules if rule.name in {"equals", "pattern"}]
    lines = [
        b'{"category":"webserver"}',
        b'{"category":"webserver","a":["wanted","x1needle"]}',
    ]
    assert matched(LineMatcher(some), lines) == [(1, "equals"), (1, "pattern")]
    for budget, kept in ((1, []), (20, ["equals"])):
        matcher = LineMatcher(some, budget=budget)
        assert matched(matcher, lines) == [(1, name) for name in kept]
        assert [(row, kind, rule and rule.name) for row, kind, rule in matcher.troubles] == [
            (1, "over_budget", rule.name) for rule in some if rule.name not in kept
        ]


def test_a_line_nested_too_deep_hides_no_other(rules: RuleSet) -> None:
    good = json.dumps({"a": "wanted", "user": "u", **SOURCE}).encode()
    deep = good[:-1] + b',"d":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    for given in (None, LogSource(**SOURCE)):
        matcher = LineMatcher(rules.rules, source=given)
        for _again in range(3):
            assert (1, "equals") in matched(matcher, [deep, good])
            assert set(matcher.troubles) == {(0, "unreadable", None)}


def test_a_line_that_cannot_be_read_leaves_its_neighbours_their_candidates(
    rules: RuleSet,
) -> None:
    some = [rule for rule in rules.rules if rule.name in {"equals", "pattern", "number"}]
    odd = b'{"category":"webserver","a":"\xff"}'
    lines = [odd, b'{"category":"webserver","a":"wanted"}', b'{"category":"webserver"}']
    reader = RowReader(Plan(some))
    for _again in range(2):
        found = reader.candidates(lines)
        assert found == {0: {0, 1, 2}, 1: {[rule.name for rule in some].index("equals")}}


@pytest.mark.parametrize("name", ["Foo\\Bar", 'a"b', "tab\there", "nbsp\u00a0x"])
def test_a_field_may_be_called_anything(tmp_path: Path, name: str) -> None:
    tests = {"odd": {name: "wanted"}, "plain": {"b": "told"}}
    loaded = written(
        tmp_path,
        {rule: json.dumps({"one": one, "condition": "one"}) for rule, one in tests.items()},
    )
    some = [rule for rule in loaded.rules if rule.name in tests]
    events = [{name: "wanted"}, {name: "other"}, {name: None}, {"b": "told"}, {}]
    lines = [json.dumps({**SOURCE, **event}).encode() for event in events]
    alone = LineMatcher([rule for rule in some if rule.name == "odd"])
    matcher = LineMatcher(some)
    for _again in range(3):
        assert matched(matcher, lines) == [(0, "odd"), (3, "plain")]
        assert matched(alone, lines) == [(0, "odd")]
        assert not matcher.troubles


def test_the_plans_of_invented_log_sources_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch, rules: RuleSet
) -> None:
    monkeypatch.setattr(fast_lines, "ROUTES", 3)
    matcher = LineMatcher(rules.rules)
    for number in range(9):
        found = [b'{"category":"c%d"}' % number, b'{"category":"webserver","a":"wanted"}']
        assert (1, "equals") in matched(matcher, found)
        assert len(matcher._routes) <= 3
