"""``sentinel match`` over files: what matches, with its place, and every line accounted for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sentinel.cli.main import app
from sentinel.collect.files import LONGEST_LINE
from sentinel.errors import Exit, SentinelError

RULE = """
title: {title}
id: 00000000-0000-4000-8000-0000000000{number:02}
name: {name}
status: test
logsource: {{product: windows, category: process_creation}}
detection: {detection}
level: high
"""
COUNT = """
title: Many
id: 00000000-0000-4000-8000-000000000099
status: test
correlation: {type: event_count, rules: [tool], group-by: [User], timespan: 1h,
  condition: {gte: 2}}
level: high
"""
SOURCE = {"product": "windows", "category": "process_creation"}
TOOL = {"Image": "C:\\tools\\MIMIKATZ.exe", "User": "u1"}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    for number, (name, detection) in enumerate(
        {
            "tool": r"{a: {Image|endswith: '\mimikatz.exe'}, condition: a}",
            "absent": "{a: {Signed: null}, condition: a}",
        }.items()
    ):
        text = RULE.format(number=number, name=name, title=name, detection=detection)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


def asked(rules: Path, *more: str, given: bytes = b"") -> tuple[int, list[dict[str, object]], str]:
    done = CliRunner().invoke(app, ["match", "--rules", str(rules), *more], input=given)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if isinstance(done.exception, SentinelError):
        return done.exception.exit_code, found, f"{done.stderr}{done.exception}"
    return done.exit_code, found, done.stderr


def ndjson(*events: dict[str, object]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def test_a_match_names_rule_and_line(rules: Path, tmp_path: Path) -> None:
    quiet = {"Image": "C:\\x.exe", "Signed": "true", **SOURCE}
    log = tmp_path / "events.ndjson.gz"
    log.write_bytes(gzip.compress(ndjson(quiet, {**TOOL, "Signed": "true", **SOURCE}, quiet)))
    code, found, said = asked(rules, str(log), "--events")
    assert code == Exit.FINDINGS
    assert [(one["rule"], one["event_ref"], one["level"]) for one in found] == [
        ("tool", f"{log}:2", "high")
    ]
    assert found[0]["event"] == {**TOOL, "Signed": "true", **SOURCE}
    assert "lines read: 3, judged: 3; rules: 2" in said
    assert asked(rules, given=ndjson(quiet))[0] == Exit.OK


def test_the_log_source_can_be_told(rules: Path) -> None:
    _code, found, said = asked(rules, given=ndjson(TOOL))
    assert not found
    assert "without a log source, judged by few rules: 1;" in said
    _code, found, said = asked(
        rules, "--logsource", "product=windows,category=process_creation", given=ndjson(TOOL)
    )
    assert [one["rule"] for one in found] == ["absent", "tool"]
    assert "log source" not in said
    spaced = ("--logsource", "product = windows , category=process_creation")
    assert asked(rules, *spaced, given=ndjson(TOOL))[1] == found
    for wrong in ("host=h", "product=", "product=windows,", "product=windows,product=linux"):
        code, _found, said = asked(rules, "--logsource", wrong, given=b"")
        assert code == Exit.USAGE
        assert "product=windows" in said


def test_every_line_is_accounted_for(rules: Path) -> None:
    good = ndjson({**TOOL, **SOURCE})
    given = b"\xef\xbb\xbf" + good + b"\n[1]\n" + b"x" * (LONGEST_LINE + 9) + b"\n" + good
    code, found, said = asked(rules, "--json", given=given)
    summary = json.loads(said)["summary"]
    assert code == Exit.FINDINGS
    assert {one["event_ref"] for one in found} == {"<stdin>:1", "<stdin>:5"}
    assert (summary["lines"], summary["blank"], summary["judged"]) == (5, 1, 2)
    assert summary["troubles"] == {"unreadable": 1, "too_long": 1}
    assert summary["first_troubles"]["unreadable"][0].startswith("<stdin>:3: not a JSON object")
    assert summary["first_troubles"]["too_long"][0].startswith("<stdin>:4: longer")


def test_a_file_of_no_events_is_an_error(rules: Path, tmp_path: Path) -> None:
    code, _found, said = asked(rules, given=b"GET / HTTP/1.1\n")
    assert code == Exit.IO
    assert "none of 1 lines could be judged" in said
    assert asked(rules, str(tmp_path / "absent"))[0] == Exit.IO
    assert asked(tmp_path / "absent")[0] == Exit.IO


def test_what_needs_several_events_is_said_to_be_left_out(rules: Path) -> None:
    (rules / "many.yml").write_text(COUNT, encoding="utf-8")
    _code, found, said = asked(rules, given=ndjson({**TOOL, **SOURCE}, {**TOOL, **SOURCE}))
    assert [one["rule"] for one in found] == ["absent", "tool"] * 2
    assert "correlations left out: 1;" in said


def test_what_stands_before_a_fault_of_a_file_is_judged(rules: Path, tmp_path: Path) -> None:
    cut, absent, whole = (tmp_path / name for name in ("cut.gz", "absent", "whole"))
    many = b"".join(ndjson({**TOOL, **SOURCE, "n": number}) for number in range(5_000))
    cut.write_bytes(gzip.compress(many)[:-400])
    whole.write_bytes(ndjson({**TOOL, **SOURCE}))
    code, found, said = asked(rules, "--json", str(cut), str(absent), str(whole))
    summary = json.loads(said.splitlines()[0])["summary"]
    assert code == Exit.IO
    assert 4_096 < summary["lines"] == summary["judged"] < 5_001
    assert len(found) == 2 * summary["lines"]
    assert found[-1]["event_ref"] == f"{whole}:1"
    assert "and 1 more cannot be read" in said


def test_a_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _found, said = asked(tmp_path / "empty", given=ndjson({**TOOL, **SOURCE}))
    assert code == Exit.IO
    assert "no rule in this folder" in said


def test_a_first_line_of_a_mark_alone_is_blank(rules: Path) -> None:
    given = b"\xef\xbb\xbf\n" + ndjson({**TOOL, **SOURCE})
    _code, found, said = asked(rules, given=given)
    assert {one["event_ref"] for one in found} == {"<stdin>:2"}
    assert "blank: 1" in said
