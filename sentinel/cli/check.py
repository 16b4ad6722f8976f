"""``sentinel check``: every fault in the content that a security team edits, with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app import parts
from sentinel.cli.output import json, line, note
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.detect.rules.lint import lint_rules
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.rule_tests import run_rule_tests
from sentinel.detect.scope.load import load_scope
from sentinel.errors import ContentError, Exit, SentinelError, UnreadableFile
from sentinel.respond.runbooks import load_runbooks


class Fault(msgspec.Struct, frozen=True):
    """Something wrong: ``where`` is file:line:column."""

    where: str
    reason: str
    hint: str = ""


class Outcome(msgspec.Struct):
    """What was looked at, and what is wrong."""

    rules: int = 0
    rule_tests: int = 0
    faults: list[Fault] = []


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("check")(check)


def check(
    context: typer.Context,
    rules: Annotated[
        Path | None, typer.Argument(help="Folder of rules; default: everything in force.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check rules and their tests, scopes, sources, notifiers, runbooks and settings.

    Exit 0: all right, 3: something is wrong.
    """
    settings = config.load(context.obj)
    outcome = Outcome(faults=[])
    _check_rules(rules or settings.rules_path, outcome)
    for question in _questions(settings, rules):
        outcome.faults += _faults_of(question)
    if as_json:
        json(outcome)
    else:
        for fault in outcome.faults:
            hint = f" ({fault.hint})" if fault.hint else ""
            line(f"{fault.where}: {fault.reason}{hint}")
        count = len(outcome.faults)
        note(
            f"{outcome.rules} rules, {outcome.rule_tests} rule tests, "
            + (f"{count} fault{'s' if count > 1 else ''}" if count else "no fault")
        )
    if outcome.faults:
        raise typer.Exit(int(Exit.CONTENT))


def _check_rules(folder: Path, outcome: Outcome) -> None:
    if not folder.exists():
        raise UnreadableFile("no such folder", where=str(folder))
    ruleset = load_rules(folder)
    outcome.rules = len(ruleset.items)
    outcome.faults += [_fault(error) for error in ruleset.errors]
    outcome.faults += [_fault(error) for error in lint_rules(folder, ruleset)]
    try:
        results = run_rule_tests(folder, ruleset)
    except ContentError as error:
        outcome.faults.append(_fault(error))
        return
    outcome.rule_tests = len(results)
    outcome.faults += [
        Fault(result.where, f"{result.rule}: {result.case}: {result.detail}")
        for result in results
        if not result.passed
    ]


def _questions(settings: Settings, rules: Path | None) -> Iterator[Callable[[], object]]:
    yield lambda: load_scope(parts.content_of(settings, "scopes", rules))
    yield lambda: parts.load_sources(settings, rules)
    if rules is None:
        yield lambda: parts.load_notifiers(settings, SystemClock())
        yield lambda: load_runbooks(settings.runbooks_path)


def _faults_of(question: Callable[[], object]) -> list[Fault]:
    try:
        question()
    except SentinelError as error:
        return [_fault(error)]
    return []


def _fault(error: SentinelError) -> Fault:
    return Fault(error.where, error.message, error.hint)
