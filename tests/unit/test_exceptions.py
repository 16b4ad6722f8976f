"""An exception silences what it names until its last day, is told when over, and never lies."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from sentinel.detect.exceptions import load_exceptions, with_exceptions
from sentinel.detect.explain import explain
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.domain.event import LogSource
from sentinel.errors import ContentError

WEB = LogSource(category="webserver")
LAST_DAY = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
DAY_AFTER = datetime(2026, 2, 1, tzinfo=UTC)
RULES = """\
title: Missing page
id: 11111111-1111-4111-8111-111111111111
name: missing_page
logsource: {category: webserver}
detection: {s: {http.response.status_code: 404}, condition: s}
---
title: Guesses
id: 22222222-2222-4222-8222-222222222222
name: guesses
correlation: {type: event_count, rules: missing_page, group-by: source.ip, timespan: 1m,
  condition: {gte: 3}}
"""
GOOD = """\
rule: missing_page
when: {source.ip|cidr: 192.0.2.0/28}
reason: Our own scanner, announced for January
owner: security team
expires: 2026-01-31
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "pages.yml").write_text(RULES)
    return tmp_path


def write(folder: Path, text: str) -> None:
    (folder / "exceptions" / "scanner.yml").write_text(dedent(text))


def at(folder: Path, now: datetime) -> tuple[RuleSet, list[ContentError]]:
    ruleset = load_rules(folder).require_clean()
    exceptions, errors = load_exceptions(folder, ruleset)
    return with_exceptions(ruleset, exceptions, now), errors


def matches(ruleset: RuleSet, ip: str) -> bool:
    rule = ruleset.find("missing_page")
    assert isinstance(rule, Rule)
    return rule.match({"http.response.status_code": 404, "source.ip": ip})


def test_it_silences_what_it_names_and_nothing_else(folder: Path) -> None:
    write(folder, GOOD)
    ruleset, errors = at(folder, LAST_DAY)
    assert errors == []
    assert not matches(ruleset, "192.0.2.7")
    assert matches(ruleset, "192.0.2.77")


def test_it_ends_with_its_last_day_and_then_is_told(folder: Path) -> None:
    write(folder, GOOD)
    ruleset, errors = at(folder, DAY_AFTER)
    assert errors == []
    assert matches(ruleset, "192.0.2.7")
    exception = load_exceptions(folder, load_rules(folder))[0][0]
    assert exception.applies(LAST_DAY)
    assert not exception.applies(DAY_AFTER)
    told = exception.expired_error()
    assert told.where == f"{folder}/exceptions/scanner.yml:5:1"
    assert "2026-01-31" in told.detail
    assert "security team" in told.hint


def test_the_rule_reads_the_fields_of_its_exception(folder: Path) -> None:
    """An index that decodes only what rules read must decode these too."""
    write(folder, GOOD)
    rule = at(folder, LAST_DAY)[0].find("missing_page")
    assert isinstance(rule, Rule)
    assert "source.ip" in rule.reads


def test_explain_says_that_an_exception_is_the_reason(folder: Path) -> None:
    write(folder, GOOD)
    rule = at(folder, LAST_DAY)[0].find("missing_page")
    assert isinstance(rule, Rule)
    event = {"http.response.status_code": 404, "source.ip": "192.0.2.7"}
    answer = explain(rule, event, WEB, {})
    assert not answer.matches
    assert answer.because == ("an exception, a filter or a pipeline in force excludes this event",)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("rule: missing_page", "rule: mising_page", 1, "there is no rule mising_page"),
        ("rule: missing_page", "rule: guesses", 1, "is a correlation"),
        ("owner: security team\n", "", 1, "owner"),
        ("owner: security team", "ower: security team", 4, "no such entry"),
        ("reason: Our own scanner, announced for January", "reason: noise", 3, "reason"),
        ("expires: 2026-01-31", "expires: soon", 5, "expires"),
        ("{source.ip|cidr: 192.0.2.0/28}", "{source.ip|cider: 192.0.2.0/28}", 2, "cider"),
        ("{source.ip|cidr: 192.0.2.0/28}", "{}", 2, "when"),
        ("{source.ip|cidr: 192.0.2.0/28}", '{url.path|re: "(?=x)"}', 2, "RE2"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    folder: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in GOOD
    write(folder, GOOD.replace(old, new))
    ruleset, errors = at(folder, LAST_DAY)
    assert [error.where.rsplit(":", 2)[1] for error in errors] == [str(line)]
    assert says in str(errors[0])
    assert matches(ruleset, "192.0.2.7")


def test_a_correlation_is_excepted_by_the_rule_that_it_counts(folder: Path) -> None:
    write(folder, GOOD.replace("rule: missing_page", "rule: guesses"))
    assert "missing_page" in at(folder, LAST_DAY)[1][0].hint
