"""Faults as text, JSON, workflow commands, JUnit and SARIF: the same faults at the same places."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from typer.testing import CliRunner

from sentinel.cli.faults import Fault, github_lines, junit, sarif
from sentinel.cli.main import app
from sentinel.detect.rules.rule_tests import RuleTestResult
from sentinel.errors import SentinelError

BROKEN = """\
title: Broken
id: 11111111-1111-4111-8111-111111111111
logsource: {category: audit}
detection:
  selection: {event.actoin: x}
  condition: selektion
"""
FAILING = """\
title: Failing
id: 22222222-2222-4222-8222-222222222222
logsource: {category: other}
detection: {s: {a: 1}, condition: s}
"""
TESTS = "match: [{a: 2}]\nno_match: [{a: 3}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "broken.yml").write_text(BROKEN)
    (tmp_path / "access" / "failing.yml").write_text(FAILING)
    (tmp_path / "access" / "failing.test.yml").write_text(TESTS)
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error, as `sentinel.cli.main.main` does."""
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, SentinelError):
        return int(done.exception.exit_code), done.stdout, f"{done.stderr}{done.exception}"
    return done.exit_code, done.stdout, done.stderr


class TestPlace:
    @pytest.mark.parametrize(
        ("where", "place"),
        [
            ("a.yml:3:7", ("a.yml", 3, 7)),
            ("a.yml:3", ("a.yml", 3, 1)),
            ("a.yml", ("a.yml", 1, 1)),
            ("dir:odd/a.yml:3:7", ("dir:odd/a.yml", 3, 7)),
            ("", ("", 1, 1)),
        ],
    )
    def test_it_is_read_from_the_end(self, where: str, place: tuple[str, int, int]) -> None:
        assert Fault(where, "x").place == place


class TestEscapes:
    def test_a_workflow_command_stays_one_line(self) -> None:
        fault = Fault("a,b:c.yml:1:2", "50 % is\nnot ::error", "hint")
        assert list(github_lines([fault])) == [
            "::error file=a%2Cb%3Ac.yml,line=1,col=2::50 %25 is%0Anot ::error (hint)"
        ]

    def test_xml_holds_markup_and_control_characters(self) -> None:
        text = junit([Fault("a.yml:1:1", 'a <b> & "c" \x00\x1b')], [])
        (case,) = ET.fromstring(text)
        assert case.get("name") == 'a <b> & "c" \ufffd\ufffd'

    def test_a_uri_is_quoted(self) -> None:
        log = sarif([Fault("a b/é.yml:1:1", "x")])
        assert b'"uri":"a%20b/%C3%A9.yml"' in msgspec.json.encode(log)


def test_junit_counts_each_test_once() -> None:
    failed = RuleTestResult(
        rule="r", case="match 1", where="r.test.yml:1:2", passed=False, detail="no"
    )
    passed = RuleTestResult(rule="r", case="match 2", where="r.test.yml:2:2", passed=True)
    faults = [Fault("r.test.yml:1:2", "r: match 1: no"), Fault("s.yml:1:1", "unreadable")]
    suite = ET.fromstring(junit(faults, [failed, passed]))
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert [case.find("failure") is None for case in suite] == [False, True, False]


class TestCommand:
    def test_every_format_tells_every_fault(self, folder: Path) -> None:
        code, text, note = run("check", str(folder))
        lines = text.splitlines()
        assert code == 3
        assert note.strip().endswith(f"{len(lines)} faults")
        assert any(
            "broken.yml:6:3: " in line and "did you mean 'selection'?" in line for line in lines
        )
        assert any("failing.test.yml:1:9" in line for line in lines)
        answers = {
            name: run("check", str(folder), "--format", name)
            for name in ("json", "github", "junit", "sarif")
        }
        assert {code for code, _out, _err in answers.values()} == {3}
        outcome = msgspec.json.decode(answers["json"][1])
        assert len(outcome["faults"]) == len(lines)
        assert answers["github"][1].count("::error file=") == len(lines)
        suite = ET.fromstring(answers["junit"][1])
        assert suite.get("failures") == str(len(lines))
        log = msgspec.json.decode(answers["sarif"][1])
        assert log["version"] == "2.1.0"
        results = log["runs"][0]["results"]
        assert len(results) == len(lines)
        assert {"startLine": 6, "startColumn": 3} in [
            result["locations"][0]["physicalLocation"]["region"] for result in results
        ]

    def test_json_is_as_before(self, folder: Path) -> None:
        one, other = (
            run("check", str(folder), "--json"),
            run("check", str(folder), "--format", "json"),
        )
        assert one == other
        assert set(msgspec.json.decode(one[1])) == {"rules", "rule_tests", "exceptions", "faults"}

    def test_an_exception_that_is_over_is_a_fault(self, folder: Path) -> None:
        (folder / "exceptions").mkdir()
        (folder / "exceptions" / "x.yml").write_text(
            "rule: failing\nwhen: {a: 1}\nreason: it was announced\nowner: team\n"
            "expires: 2020-01-01\n"
        )
        code, out, _ = run("check", str(folder))
        assert code == 3
        assert "x.yml:5:1: the exception to failing expired on 2020-01-01" in out

    def test_a_runbook_that_nobody_wrote_is_a_fault(self, folder: Path) -> None:
        path = folder / "access" / "failing.yml"
        path.write_text(FAILING + "sentinel: {runbook: out-of-scop-access}\n")
        assert "there is no runbook out-of-scop-access" in run("check", str(folder))[1]

    def test_an_unknown_field_names_its_neighbour(self, folder: Path) -> None:
        path = folder / "access" / "broken.yml"
        path.write_text(BROKEN.replace("selektion", "selection"))
        out = run("check", str(folder))[1]
        assert "broken.yml:5:15: unknown field event.actoin (did you mean event.action?)" in out

    def test_no_folder_is_exit_4(self, tmp_path: Path) -> None:
        assert run("check", str(tmp_path / "none"))[0] == 4


class TestTestCommand:
    def test_one_rule_of_a_folder(self, folder: Path) -> None:
        code, out, note = run("test", str(folder / "access" / "failing.yml"))
        assert code == 1
        assert out.endswith("failing.test.yml:1:9: failing: match 1: the rule does not match\n")
        assert note == "1 rules, 2 tests, 1 passed, 1 failed\n"

    def test_a_folder_with_a_broken_rule_is_exit_3(self, folder: Path) -> None:
        code, out, _ = run("test", str(folder))
        assert code == 3
        assert "broken.yml:6:3" in out

    def test_a_broken_rule_by_name_tells_why(self, folder: Path) -> None:
        code, out, note = run("test", "broken", "--rules", str(folder))
        assert (code, out) == (3, "")
        assert "broken.yml:6:3" in note

    def test_junit_lists_what_passed(self) -> None:
        code, out, _ = run("test", "tls_below_1_3", "--format", "junit")
        suite = ET.fromstring(out)
        assert (code, suite.get("tests"), suite.get("failures")) == (0, "4", "0")

    def test_a_rule_without_tests_is_a_usage_error(self) -> None:
        assert run("test", "login_failed")[0] == 2
