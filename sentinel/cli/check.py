"""``sentinel check``: every fault in the content that a security team edits, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli import faults
from sentinel.cli.faults import Fault, Format, fault_of, fault_of_test
from sentinel.cli.output import json, line, note, pretty
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.detect.exceptions import load_exceptions
from sentinel.detect.rules.cache import user_cache
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.lint import lint_rules
from sentinel.detect.rules.load import load_rules, where
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.rules.rule_tests import RuleTestResult, run_rule_tests
from sentinel.detect.scope.load import load_scope
from sentinel.errors import ContentError, Exit, SentinelError, UnreadableFile
from sentinel.respond.runbook_lint import lint_runbooks
from sentinel.respond.runbooks import folders


class Outcome(msgspec.Struct):
    """What was looked at, and what is wrong."""

    rules: int = 0
    rule_tests: int = 0
    exceptions: int = 0
    faults: list[Fault] = []


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("check")(check)


def check(
    context: typer.Context,
    rules: Annotated[
        Path | None, typer.Argument(help="Folder of rules; default: everything in force.")
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="How to print what is wrong.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check rules and their tests, exceptions, scopes, sources, notifiers, runbooks and settings.

    Exit 0: all right, 3: something is wrong, 4: there is no such folder.
    """
    settings = config.load(context.obj)
    outcome = Outcome(faults=[])
    tests = _check_rules(rules or settings.rules_path, outcome)
    outcome.faults += [fault_of(error) for error in lint_runbooks(settings.runbooks_path)]
    for question in _questions(settings, rules):
        outcome.faults += _faults_of(question)
    _print(outcome, tests, Format.JSON if as_json else output)
    if outcome.faults:
        raise typer.Exit(int(Exit.CONTENT))


def _print(outcome: Outcome, tests: list[RuleTestResult], output: Format) -> None:
    match output:
        case Format.TEXT:
            for text in faults.text_lines(outcome.faults):
                line(text)
        case Format.GITHUB:
            for text in faults.github_lines(outcome.faults):
                line(text)
        case Format.JSON:
            json(outcome)
            return
        case Format.JUNIT:
            line(faults.junit(outcome.faults, tests))
        case Format.SARIF:
            pretty(faults.sarif(outcome.faults))
    count = len(outcome.faults)
    note(
        f"{outcome.rules} rules, {outcome.rule_tests} rule tests, "
        + (f"{outcome.exceptions} exceptions, " if outcome.exceptions else "")
        + (f"{count} fault{'s' if count > 1 else ''}" if count else "no fault")
    )


def _check_rules(folder: Path, outcome: Outcome) -> list[RuleTestResult]:
    if not folder.exists():
        raise UnreadableFile("no such folder", where=str(folder))
    ruleset = load_rules(folder, cache=user_cache())
    outcome.rules = len(ruleset.items)
    outcome.faults += [fault_of(error) for error in ruleset.errors]
    outcome.faults += [fault_of(error) for error in lint_rules(folder, ruleset)]
    _check_exceptions(folder, ruleset, outcome)
    try:
        results = run_rule_tests(folder, ruleset)
    except ContentError as error:
        outcome.faults.append(fault_of(error))
        return []
    outcome.rule_tests = len(results)
    outcome.faults += [fault_of_test(result) for result in results if not result.passed]
    return results


def _check_exceptions(folder: Path, ruleset: RuleSet, outcome: Outcome) -> None:
    """Read the exceptions; one that is over is a fault, so that somebody takes it away."""
    exceptions, errors = load_exceptions(folder, ruleset)
    now = SystemClock().now()
    outcome.exceptions = len(exceptions)
    outcome.faults += [fault_of(error) for error in errors]
    outcome.faults += [fault_of(e.expired_error()) for e in exceptions if not e.applies(now)]


def _questions(settings: Settings, rules: Path | None) -> Iterator[Callable[[], object]]:
    yield lambda: load_scope(parts.content_of(settings, "scopes", rules))
    yield lambda: parts.load_sources(settings, rules)
    yield lambda: _known_runbooks(settings, rules or settings.rules_path)
    if rules is None:
        yield lambda: parts.load_notifiers(settings, SystemClock())


def _known_runbooks(settings: Settings, folder: Path) -> None:
    """Raise ContentError where a rule names a runbook that nobody wrote."""
    if not settings.runbooks_path.is_dir():
        return  # the lint of the runbooks says so
    known = {path.name for path in folders(settings.runbooks_path)}
    for item in load_rules(folder, cache=user_cache()).items:
        if item.info.runbook and item.info.runbook not in known:
            fault = RuleFault(
                f"there is no runbook {item.info.runbook}",
                path=("sentinel", "runbook"),
                hint=f"there are {', '.join(sorted(known))}",
            )
            raise fault.located(where(item.origin, fault))


def _faults_of(question: Callable[[], object]) -> list[Fault]:
    try:
        question()
    except SentinelError as error:
        return [fault_of(error)]
    return []
