"""`explain` agrees with the engine on every event of the pack's tests, and names the culprit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from sentinel.cli.main import app
from sentinel.content import content_dir
from sentinel.detect.explain import explain
from sentinel.detect.rules.lists import load_lists
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Rule
from sentinel.detect.rules.rule_tests import read_tests
from sentinel.detect.rules.rule_tests import test_files as files_of
from sentinel.domain.event import LogSource
from sentinel.errors import SentinelError

AUDIT = LogSource(category="audit", product="application", service="crm")
RULE = """\
title: A rule
id: 11111111-1111-4111-8111-111111111111
logsource: {category: audit}
detection:
  selection:
    - {event.action: read, event.outcome: success}
    - {event.action: export}
  words: [needle]
  filter_service: {sentinel.actor.kind: service}
  filter_old: {sentinel.record_count|lt: 5}
  condition: (selection or words) and not 1 of filter_*
"""


@pytest.fixture
def rule(tmp_path: Path) -> Rule:
    (tmp_path / "a_rule.yml").write_text(RULE)
    (found,) = load_rules(tmp_path).require_clean().rules
    return found


def because(rule: Rule, fields: dict[str, Any], source: LogSource = AUDIT) -> tuple[str, ...]:
    return explain(rule, fields, source, {}).because


class TestBecause:
    def test_a_match_names_what_holds_and_what_does_not_exclude(self, rule: Rule) -> None:
        assert because(rule, {"event.action": "export"}) == (
            "selection holds",
            "filter_service does not hold",
            "filter_old does not hold",
        )

    def test_every_failing_alternative_is_named(self, rule: Rule) -> None:
        assert because(rule, {"event.action": "write"}) == (
            "selection does not hold",
            "words does not hold",
        )

    def test_the_filter_that_excludes_is_named(self, rule: Rule) -> None:
        fields = {"event.action": "export", "sentinel.actor.kind": "service"}
        assert because(rule, fields) == ("filter_service holds",)

    def test_another_log_source_comes_first(self, rule: Rule) -> None:
        answer = explain(rule, {"event.action": "export"}, LogSource(category="webserver"), {})
        assert not answer.matches
        assert answer.because == ("the rule is for audit/*/*, the event is webserver/*/*",)


class TestLines:
    def test_they_repeat_the_rule_beside_what_was_found(self, rule: Rule) -> None:
        fields = {"event.action": "read", "sentinel.record_count": 7, "note": "a Needle here"}
        lines = explain(rule, fields, AUDIT, {}).lines
        told = [(line.depth, line.text, line.holds, line.found) for line in lines]
        assert told == [
            (0, "selection", False, None),
            (1, "any of, this one", False, None),
            (2, 'event.action: "read"', True, '"read"'),
            (2, 'event.outcome: "success"', False, None),
            (1, "any of, this one", False, None),
            (2, 'event.action: "export"', False, '"read"'),
            (0, "words", True, None),
            (1, 'the keyword "needle"', True, None),
            (0, "filter_service", False, None),
            (1, 'sentinel.actor.kind: "service"', False, None),
            (0, "filter_old", False, None),
            (1, "sentinel.record_count|lt: 5", False, "7"),
        ]

    def test_a_long_value_is_cut(self, rule: Rule) -> None:
        lines = explain(rule, {"event.action": "x" * 5000}, AUDIT, {}).lines
        assert all(len(line.found or "") <= 120 for line in lines)


def test_it_agrees_with_the_engine_on_every_event_of_the_pack() -> None:
    folder = content_dir("rules")
    ruleset, lists = load_rules(folder).require_clean(), load_lists(folder / "lists")
    seen = 0
    for path in files_of(folder):
        rule = ruleset.find(path.name.removesuffix(".test.yml"))
        if not isinstance(rule, Rule):
            continue
        tests = read_tests(path)
        for wanted in ("match", "no_match"):
            for fields in tests.get(wanted) or []:
                answer = explain(rule, fields, rule.logsource, lists)
                assert answer.matches is (wanted == "match"), (path, fields)
                assert answer.because
                seen += 1
    assert seen > 100


def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    """Return exit code, standard output and standard error, as `sentinel.cli.main.main` does."""
    done = CliRunner().invoke(app, ["explain", *arguments], input=given)
    if isinstance(done.exception, SentinelError):
        return int(done.exception.exit_code), done.stdout, f"{done.stderr}{done.exception}"
    return done.exit_code, done.stdout, done.stderr


class TestCommand:
    def test_a_nested_event_from_standard_input(self) -> None:
        event = {
            "@timestamp": "2026-01-05T08:00:00Z",
            "event": {"action": "mfa.disable", "outcome": "success"},
            "sentinel": {"source": {"logsource": {"category": "audit", "product": "application"}}},
        }
        code, out, _ = run("mfa_disabled", "-", "--json", given=msgspec.json.encode(event))
        answer = msgspec.json.decode(out)
        assert code == 0
        assert answer["matches"] is True
        assert answer["rules"][0]["because"] == ["selection holds", "filter_customer does not hold"]

    def test_a_file_that_does_not_match(self, tmp_path: Path) -> None:
        path = tmp_path / "event.json"
        path.write_text('{"event.action": "mfa.disable", "event.outcome": "failure"}')
        code, out, _ = run("mfa_disabled", str(path))
        assert code == 1
        assert out.startswith("mfa_disabled does not match\n  because selection does not hold\n")
        assert 'no    event.outcome: "success"   found "failure"' in out

    def test_a_correlation_tells_what_it_counts_and_by_which_group(self) -> None:
        code, out, _ = run("forced_browsing", '{"http.response.status_code": 404}')
        assert code == 1
        assert "group source.ip: absent" in out
        code, out, _ = run(
            "forced_browsing", '{"http.response.status_code": 404, "source.ip": "192.0.2.1"}'
        )
        assert code == 0
        assert "group source.ip: 192.0.2.1" in out

    @pytest.mark.parametrize(
        ("arguments", "code", "says"),
        [
            (("mfa_disable", "{}"), 2, "did you mean mfa_disabled?"),
            (("mfa_disabled", "{"), 2, "the event is no JSON"),
            (("mfa_disabled", '{"@timestamp": "now"}'), 2, "no instant"),
            (("mfa_disabled", "nowhere.json"), 4, "EVENT is a JSON file"),
            (("nowhere.yml", "{}"), 4, "no such file"),
        ],
    )
    def test_errors_have_their_exit_code(
        self, arguments: tuple[str, ...], code: int, says: str
    ) -> None:
        found, out, err = run(*arguments)
        assert (found, out) == (code, "")
        assert says in err
