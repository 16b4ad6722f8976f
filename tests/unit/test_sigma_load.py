"""Loading a folder: what can be used is, and each error says file, line, column and what to do."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sentinel.detect.rules.load import load_rules
from sentinel.domain.finding import Level
from sentinel.errors import ContentError, UnreadableFile

GOOD = """\
title: Good rule
id: 967c63bf-b2c1-43d7-ae51-a580bbd36ff1
logsource:
  category: audit
detection:
  selection:
    event.action: x
  condition: selection
level: high
sentinel:
  promises: [R-14]
  runbook: bulk-export
  breach: [confidentiality]
  title_fr: Bonne règle
  triage: {en: Look., fr: Regarder.}
"""


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yml").write_text(dedent(text), encoding="utf-8")
    return directory


def only_error(directory: Path) -> ContentError:
    (error,) = load_rules(directory).errors
    return error


def test_a_rule_becomes_what_alerts_need(tmp_path: Path) -> None:
    ruleset = load_rules(write(tmp_path, good=GOOD)).require_clean()
    (rule,) = ruleset.rules
    assert rule.info.slug == "good"
    assert rule.info.level is Level.HIGH
    assert rule.info.titles == {"en": "Good rule", "fr": "Bonne règle"}
    assert rule.info.promises == ("R-14",)
    assert rule.info.breach_hint == ("confidentiality",)
    assert rule.info.triage == {"en": "Look.", "fr": "Regarder."}
    for key in (rule.info.id, "good"):
        assert ruleset.find(key) is rule


def test_a_rule_without_level_is_medium(tmp_path: Path) -> None:
    ruleset = load_rules(write(tmp_path, good=GOOD.replace("level: high\n", "")))
    assert ruleset.rules[0].info.level is Level.MEDIUM


@pytest.mark.parametrize(
    ("old", "new", "place", "reason", "hint"),
    [
        ("event.action: x", "event.action|contians: x", "7:5", "contians", "'contains'"),
        ("event.action: x", "event.action|re: '(a'", "7:5", "(a", "RE2"),
        ("event.action: x", "event.action|re: 'a(?=b)'", "7:5", "(?", "RE2"),
        ("event.action: x", "event.action|gte: many", "7:5", "many", "number"),
        ("event.action: x", "event.action: 2026-01-01", "7:5", "date", "quote"),
        ("event.action: x", "event.action|cidr: 192.0.2.300/8", "7:5", "192.0.2.300", "quote"),
        ("event.action: x", "event.action|expand: '%duty%'", "7:5", "%duty%", "lists/duty.txt"),
        ("condition: selection", "condition: selektion", "8:3", "selektion", "'selection'"),
        ("condition: selection", "condition: selection and", "8:3", "end of text", "joined by"),
        ("condition: selection", "condition: 1 of other*", "8:3", "other*", ""),
        ("condition: selection", "condition: selection | count() > 5", "8:3", "pipe", "joined by"),
        ("level: high", "level: hihg", "9:1", "hihg", ""),
        ("promises: [R-14]", "promise: [R-14]", "11:3", "promise", "'promises'"),
        ("breach: [conf", "breach: [anf", "13:3", "anf", "integrity"),
        ("  category: audit", "  {}", "3:1", "log source", ""),
        ("id: 967c63bf", "id: zzz", "2:1", "UUID", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, reason: str, hint: str
) -> None:
    assert old in GOOD
    error = only_error(write(tmp_path, bad=GOOD.replace(old, new)))
    assert error.where == f"{tmp_path / 'bad.yml'}:{place}"
    assert reason.lower() in error.detail.lower()
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("title: [", ":2:1", "not YAML"),
        ("title: a\ntitle: b\n", ":2:1", "written twice"),
        ("- a\n", ":1:1", "mapping"),
        ("", ":1:1", "empty"),
        ("title: a\nlogsource: {category: x}\n", ":1:1", "detection"),
        ("title: a\nfilter: {}\n", ":2:1", "filter"),
    ],
)
def test_a_document_that_is_no_rule(tmp_path: Path, text: str, place: str, reason: str) -> None:
    error = only_error(write(tmp_path, bad=text))
    assert error.where == f"{tmp_path / 'bad.yml'}{place}"
    assert reason in error.detail


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_bytes(b"title: \xff")
    assert "UTF-8" in only_error(tmp_path).detail


def test_one_bad_rule_does_not_hide_the_others(tmp_path: Path) -> None:
    ruleset = load_rules(write(tmp_path, good=GOOD, bad="title: [", worse="- 1"))
    assert [rule.info.slug for rule in ruleset.rules] == ["good"]
    assert len(ruleset.errors) == 2
    with pytest.raises(ContentError, match="not YAML"):
        ruleset.require_clean()


def test_an_id_is_given_once(tmp_path: Path) -> None:
    ruleset = load_rules(write(tmp_path, a=GOOD, b=GOOD))
    assert [rule.info.slug for rule in ruleset.rules] == ["a"]
    (error,) = ruleset.errors
    assert error.where == f"{tmp_path / 'b.yml'}:2:1"
    assert str(tmp_path / "a.yml") in error.detail


def test_other_folders_and_tests_are_not_rules(tmp_path: Path) -> None:
    for folder in ("sources", "scopes", "lists", "models", "deprecated", "access"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, file="- not a rule" if folder != "access" else GOOD)
    (tmp_path / "access" / "file.test.yml").write_text("match: []")
    ruleset = load_rules(tmp_path).require_clean()
    assert [rule.info.slug for rule in ruleset.rules] == ["file"]


def test_lists_are_read_without_comments(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "duty.txt").write_text("# who\n\nx\ny*\n")
    text = GOOD.replace("event.action: x", "event.action|expand: '%duty%'")
    (rule,) = load_rules(write(tmp_path, good=text)).require_clean().rules
    assert rule.match({"event.action": "yes"})
    assert not rule.match({"event.action": "# who"})


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="nowhere"):
        load_rules(tmp_path / "nowhere")


CORRELATION = """\
title: Many
id: 33fc8f6c-4325-4dc9-b407-cc7dd4ee2f54
correlation:
  type: event_count
  rules: base
  group-by: source.ip
  timespan: 5m
  condition: {gte: 3}
---
title: Base
id: 0b7f8184-0480-4f4f-9661-2139f068085e
name: base
logsource: {category: audit}
detection:
  selection: {event.action: x}
  condition: selection
"""


def test_a_correlation_and_its_rule_share_a_file(tmp_path: Path) -> None:
    ruleset = load_rules(write(tmp_path, many=CORRELATION)).require_clean()
    (correlation,) = ruleset.correlations
    assert correlation.info.slug == "many"
    assert ruleset.rules[0].info.slug == "base"
    assert correlation.rules == (ruleset.rules[0].info.id,)
    assert ruleset.silent == {ruleset.rules[0].info.id}


def test_generate_lets_the_rule_speak(tmp_path: Path) -> None:
    text = CORRELATION.replace("  rules: base", "  generate: true\n  rules: base")
    assert load_rules(write(tmp_path, many=text)).require_clean().silent == frozenset()


def test_a_range_is_two_conditions(tmp_path: Path) -> None:
    text = CORRELATION.replace("{gte: 3}", "{gt: 3, lte: 9}")
    (correlation,) = load_rules(write(tmp_path, many=text)).require_clean().correlations
    assert correlation.conditions == (("gt", 3), ("lte", 9))


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ("rules: base", "rules: bsae", "5:3", "bsae"),
        ("type: event_count", "type: value_sum", "3:1", "field"),
        ("type: event_count", "type: evnt_count", "4:3", "evnt_count"),
        ("timespan: 5m", "timespan: soon", "7:3", "soon"),
        ("{gte: 3}", "{gte: many}", "8:3", "many"),
        ("{gte: 3}", "{gt: 3, lt: true}", "8:22", "lt takes a number"),
        ("type: event_count", "type: value_count", "3:1", "field"),
        ("{gte: 3}", "base and base", "3:1", "xtended"),
        ("rules: base", "rules: 33fc8f6c-4325-4dc9-b407-cc7dd4ee2f54", "5:3", "circle"),
    ],
)
def test_a_mistake_in_a_correlation(
    tmp_path: Path, old: str, new: str, place: str, reason: str
) -> None:
    ruleset = load_rules(write(tmp_path, many=CORRELATION.replace(old, new)))
    assert not ruleset.correlations
    (error,) = ruleset.errors
    assert error.where.endswith(f"many.yml:{place}")
    assert reason in error.detail


def test_what_refers_to_a_broken_correlation_is_broken(tmp_path: Path) -> None:
    second = """\
        title: Chain
        id: bf73ca11-fc07-4df7-ac11-a2f75aa1cada
        correlation:
          type: temporal
          rules: [33fc8f6c-4325-4dc9-b407-cc7dd4ee2f54, base]
          group-by: source.ip
          timespan: 5m
        """
    broken = CORRELATION.replace("rules: base", "rules: [base, nothing]")
    ruleset = load_rules(write(tmp_path, many=broken, second=second))
    assert not ruleset.correlations
    assert [error.where.rsplit("/", 1)[-1] for error in ruleset.errors] == [
        "many.yml:5:3",
        "second.yml:5:3",
    ]
