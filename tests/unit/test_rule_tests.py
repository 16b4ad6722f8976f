"""The shipped pack passes its own tests and lints; the runner and the lints see what is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from sentinel.content import content_dir
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.lint import lint_rules
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.rules.rule_tests import run_rule_tests
from sentinel.detect.rules.timeline import duration, timeline_events
from sentinel.domain.event import LogSource

AUDIT = LogSource(category="audit", product="application", service="crm")
WEB = LogSource(category="webserver", product="nginx", service="access")


@pytest.fixture(scope="module")
def pack() -> RuleSet:
    return load_rules(content_dir("rules")).require_clean()


class TestPack:
    def test_its_tests_pass(self, pack: RuleSet) -> None:
        results = run_rule_tests(content_dir("rules"), pack)
        assert [result for result in results if not result.passed] == []
        assert {r.rule for r in results} == {
            item.info.slug for item in pack.items if item.info.id not in pack.silent
        }

    def test_it_has_no_lint(self, pack: RuleSet) -> None:
        assert [str(error) for error in lint_rules(content_dir("rules"), pack)] == []

    @pytest.mark.parametrize(
        "slug",
        [
            "staff_access_without_reason",
            "admin_session_without_mfa",
            "leaver_bulk_export",
            "forced_browsing",
        ],
    )
    def test_the_stories_have_their_rule(self, pack: RuleSet, slug: str) -> None:
        assert pack.find(slug) is not None

    def test_one_export_is_one_finding(self, pack: RuleSet) -> None:
        """Every export by staff raises exactly one finding, whatever the verdict on it."""
        step = {"event.action": "customer.export", "event.outcome": "success"}
        for verdict in ("unexplained", "forbidden"):
            for leaver in (True, False):
                for records in (1, 499, 500, 9000):
                    for role in ("sales", "compliance"):
                        fields = {
                            **step,
                            "sentinel.actor.kind": "staff",
                            "user.roles": [role],
                            "sentinel.scope.verdict": verdict,
                            "sentinel.actor.leaver": leaver,
                            "sentinel.record_count": records,
                        }
                        events = timeline_events([{"fields": fields}], AUDIT)
                        found = RuleEngine(pack, lateness=timedelta()).process(events)
                        assert len(found) == 1, (fields, [f.rule.slug for f in found])

    @pytest.mark.parametrize(
        ("source", "fields", "repeat"),
        [
            (  # a busy support morning
                AUDIT,
                {
                    "event.action": "customer.read",
                    "event.outcome": "success",
                    "user.name": "a.martin",
                    "user.roles": ["support"],
                    "sentinel.actor.kind": "staff",
                    "sentinel.mfa": True,
                    "sentinel.subject": ["C{n}"],
                    "sentinel.record_count": 1,
                    "sentinel.scope.verdict": "explained",
                    "user_agent.original": "Mozilla/5.0",
                },
                180,
            ),
            (  # a billing batch
                AUDIT,
                {
                    "event.action": "invoice.read",
                    "event.outcome": "success",
                    "user.name": "svc-billing",
                    "user.roles": ["service"],
                    "sentinel.actor.kind": "service",
                    "sentinel.subject": ["C{n}"],
                    "sentinel.scope.verdict": "explained",
                    "user_agent.original": "billing-batch/4.2",
                },
                800,
            ),
            (  # an administrator's ordinary day
                AUDIT,
                {
                    "event.action": "session.login",
                    "event.outcome": "success",
                    "user.roles": ["admin"],
                    "sentinel.actor.kind": "staff",
                    "sentinel.mfa": True,
                },
                3,
            ),
            (  # a customer who reads invoices
                WEB,
                {
                    "source.ip": "192.0.2.7",
                    "http.request.method": "GET",
                    "http.response.status_code": 200,
                    "url.original": "/documents/{n}?page=1",
                    "url.path": "/documents/{n}",
                },
                200,
            ),
        ],
    )
    def test_look_alikes_are_silent(
        self, pack: RuleSet, source: LogSource, fields: dict[str, object], repeat: int
    ) -> None:
        engine = RuleEngine(pack, lateness=timedelta())
        events = timeline_events([{"repeat": repeat, "every": "40s", "fields": fields}], source)
        assert [f.rule.slug for f in [*engine.process(events), *engine.flush()]] == []


RULE = """\
title: Door opened
id: 967c63bf-b2c1-43d7-ae51-a580bbd36ff1
status: test
description: A door.
author: Sentinel
date: 2026-01-05
logsource: {category: door}
detection:
  s: {act: open}
  condition: s
falsepositives: [None]
level: low
sentinel:
  promises: [R-14]
  title_fr: Porte ouverte
  triage: {en: Look., fr: Regarder.}
"""
TESTS = "match: [{act: open}]\nno_match: [{act: close}]\n"


def write(directory: Path, rule: str = RULE, tests: str | None = TESTS) -> Path:
    (directory / "door_opened.yml").write_text(rule)
    if tests is not None:
        (directory / "door_opened.test.yml").write_text(dedent(tests))
    return directory


class TestRunner:
    def test_it_passes(self, tmp_path: Path) -> None:
        results = run_rule_tests(write(tmp_path))
        assert [(r.case, r.passed) for r in results] == [("match 1", True), ("no_match 1", True)]

    @pytest.mark.parametrize(
        ("tests", "place", "detail"),
        [
            ("match:\n  - {act: open}\n  - {act: shut}\n", "3:5", "does not match"),
            ("no_match: [{act: open}]\n", "1:12", "matches"),
            ("match: [open]\n", "1:9", "mapping"),
            ("matches: []\n", "1:1", "unknown section"),
            ("- 1\n", "1:1", "mapping"),
            ("match: [\n", "2:1", "not YAML"),
            ("timeline: [{findings: 1, events: []}]", "1:12", "0 findings where 1"),
            ("timeline: [{findings: 1}]", "1:12", "events"),
            ("timeline: [{findings: 1, events: [{at: soon, fields: {}}]}]", "1:12", "soon"),
            ("timeline: [{findings: 1, events: [{at: 1s}]}]", "1:12", "fields"),
        ],
    )
    def test_it_says_what_failed_and_where(
        self, tmp_path: Path, tests: str, place: str, detail: str
    ) -> None:
        failed = [r for r in run_rule_tests(write(tmp_path, tests=tests)) if not r.passed]
        (result,) = failed
        assert result.where.endswith(f"door_opened.test.yml:{place}")
        assert detail in result.detail

    def test_a_test_without_a_rule_fails(self, tmp_path: Path) -> None:
        (tmp_path / "nothing.test.yml").write_text(TESTS)
        (result,) = run_rule_tests(tmp_path)
        assert not result.passed

    def test_repetitions_are_numbered_in_time(self) -> None:
        step = {"at": "1m", "repeat": 2, "every": "5s", "fields": {"u": ["x{n}"], "n": 3}}
        first, second = timeline_events([step], AUDIT)
        assert (first.fields, second.fields) == ({"u": ["x0"], "n": 3}, {"u": ["x1"], "n": 3})
        assert second.time - first.time == duration("5s")
        assert first.id != second.id


class TestLint:
    @pytest.mark.parametrize(
        ("old", "new", "where", "reason"),
        [
            ("title: Door opened", "title: Gate opened", "1:1", "'door'"),
            ("id: 967c63bf-b2c1-43d7-ae51-a580bbd36ff1\n", "", "1:1", "UUID"),
            ("date: 2026-01-05", "date: 2026-01-05\nmodified: 2026-01-04", "7:1", "before date"),
            ("description: A door.\n", "", "1:1", "description"),
            ("level: low", "level: low\nlevell: low", "13:1", "levell"),
            ("R-14", "R-99", "14:3", "R-99"),
            ("  promises: [R-14]\n", "", "13:1", "no promise"),
            ("  title_fr: Porte ouverte\n", "", "13:1", "title_fr"),
            ("Porte ouverte", "L'issue", "15:3", "apostrophe"),
            ("Porte ouverte", "Porte ouverte ?", "15:3", "no-break"),
            (", fr: Regarder.", "", "13:1", "triage"),
        ],
    )
    def test_it_sees(self, tmp_path: Path, old: str, new: str, where: str, reason: str) -> None:
        assert old in RULE
        errors = lint_rules(write(tmp_path, RULE.replace(old, new)))
        assert any(
            error.where.endswith(f"door_opened.yml:{where}") and reason in error.detail
            for error in errors
        ), [str(error) for error in errors]

    @pytest.mark.parametrize(
        ("tests", "reason"),
        [
            (None, "missing"),
            ("match: [{act: open}]", "look-alike"),
            ("no_match: [{act: close}]", "must match"),
            ("timeline: [{findings: 0, events: []}]", "must match"),
        ],
    )
    def test_both_polarities_are_required(
        self, tmp_path: Path, tests: str | None, reason: str
    ) -> None:
        (error,) = lint_rules(write(tmp_path, tests=tests))
        assert reason in error.detail

    def test_a_good_rule_has_none(self, tmp_path: Path) -> None:
        assert lint_rules(write(tmp_path)) == []
