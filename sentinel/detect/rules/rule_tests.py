"""Running the tests that stand beside the rules: `<slug>.test.yml` for `<slug>.yml`.

    match: [{event.action: mfa.disable, ...}]     # flat ECS fields that must match
    no_match: [{...}]                             # look-alikes that must not
    timeline:                                     # for correlations: events in time
      - name: a scanner
        findings: 1                               # how many the rule must raise
        events:
          - {at: 0s, repeat: 45, every: 2s, fields: {source.ip: 192.0.2.7, url.path: "/{n}"}}

`{n}` in a value becomes the number of the repetition. Events carry the log source of the rule, or
of the first rule that a correlation refers to, unless an event says `logsource`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.load import TEST_SUFFIX, load_rules
from sentinel.detect.rules.locate import load_documents, place_of
from sentinel.detect.rules.model import Correlation, Rule, RuleSet
from sentinel.detect.rules.timeline import source_of, timeline_events
from sentinel.errors import UnreadableFile

SECTIONS = ("match", "no_match", "timeline")


class RuleTestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One case. ``where``: file:line:column. ``detail``: what went wrong; empty when it passed."""

    rule: str
    case: str
    where: str
    passed: bool
    detail: str = ""


def run_rule_tests(
    directory: Path, ruleset: RuleSet | None = None, *, only: str = ""
) -> list[RuleTestResult]:
    """Run every test file below ``directory``. ``ruleset``: its rules, where already loaded.

    ``only``: the slug of the one rule whose tests are wanted.
    """
    rules = ruleset if ruleset is not None else load_rules(directory)
    wanted = [p for p in test_files(directory) if not only or p.name == f"{only}{TEST_SUFFIX}"]
    return [result for path in wanted for result in _run_file(path, rules)]


def test_files(directory: Path) -> list[Path]:
    """Return the test files below ``directory``, sorted."""
    return sorted(directory.rglob(f"*{TEST_SUFFIX}"))


def read_tests(path: Path) -> dict[str, Any]:
    """Return the sections of a test file. Raises RuleFault or UnreadableFile."""
    try:
        documents = load_documents(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(str(error), where=str(path)) from error
    tests = documents[0] if documents else {}
    if not isinstance(tests, dict):
        raise RuleFault("a test file is a mapping")
    for key in tests:
        if key not in SECTIONS:
            raise RuleFault(
                f"unknown section {key!r}", path=(key,), hint=f"sections: {', '.join(SECTIONS)}"
            )
    return tests


def _run_file(path: Path, rules: RuleSet) -> Iterator[RuleTestResult]:
    slug = path.name.removesuffix(TEST_SUFFIX)
    text = path.read_text(encoding="utf-8")

    def result(case: str, place: tuple[str | int, ...], detail: str) -> RuleTestResult:
        line, column = place_of(text, place)
        return RuleTestResult(
            rule=slug,
            case=case,
            where=f"{path}:{line}:{column}",
            passed=not detail,
            detail=detail,
        )

    try:
        tests = read_tests(path)
    except RuleFault as fault:
        yield result("file", fault.path, fault.reason)
        return
    rule = next((item for item in rules.items if item.info.slug == slug), None)
    if rule is None:
        yield result("file", (), f"there is no rule {slug} that loads")
        return
    for section, wanted in (("match", True), ("no_match", False)):
        for index, fields in enumerate(tests.get(section) or []):
            detail = _check_event(rule, fields, wanted=wanted)
            yield result(f"{section} {index + 1}", (section, index), detail)
    for index, case in enumerate(tests.get("timeline") or []):
        name = str(case.get("name", index + 1)) if isinstance(case, dict) else str(index + 1)
        detail = _check_timeline(rule, case, rules)
        yield result(f"timeline {name}", ("timeline", index), detail)


def _check_event(rule: Rule | Correlation, fields: Any, *, wanted: bool) -> str:
    if isinstance(rule, Correlation):
        return "a correlation is tested with a timeline"
    if not isinstance(fields, Mapping):
        return "an event is a mapping of fields"
    if rule.match(fields) is wanted:
        return ""
    return "the rule does not match" if wanted else "the rule matches"


def _check_timeline(rule: Rule | Correlation, case: Any, rules: RuleSet) -> str:
    try:
        wanted = int(case["findings"])
        events = timeline_events(case["events"], source_of(rule, rules))
    except RuleFault as fault:
        return fault.reason
    except (KeyError, TypeError, ValueError) as error:
        return f"a timeline has `findings` and `events` ({type(error).__name__}: {error})"
    engine = RuleEngine(rules.only(rule.info.id), lateness=timedelta())
    findings = [*engine.process(events), *engine.flush()]
    found = sum(f.rule.id == rule.info.id and not f.continues for f in findings)
    return "" if found == wanted else f"{found} findings where {wanted} were due"
