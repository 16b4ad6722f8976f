"""``sentinel test``: the tests that stand beside the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sentinel import config
from sentinel.cli import faults
from sentinel.cli.faults import Fault, Format, fault_of, fault_of_test
from sentinel.cli.output import json, line, note, pretty
from sentinel.cli.rule_choice import choose_rule
from sentinel.config import Settings
from sentinel.detect.rules.cache import user_cache
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.rule_tests import RuleTestResult, run_rule_tests
from sentinel.errors import Exit, UsageError


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("test")(run_tests)


def run_tests(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="[RULE|DIR]", help="Slug, id or file; a folder; default: all.")
    ] = "",
    rules: Annotated[
        Path | None, typer.Option(help="Folder in which the rule stands; default: those in force.")
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="How to print the results.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Run the tests beside the rules: what must match, and the look-alikes that must not.

    Exit 0: all pass, 1: one fails, 2: no such rule, 3: a rule cannot be loaded, 4: no such folder.
    """
    broken, results = _run(config.load(context.obj), what, rules)
    failed = [fault_of_test(result) for result in results if not result.passed]
    _print(results, [*broken, *failed], Format.JSON if as_json else output)
    if broken:
        raise typer.Exit(int(Exit.CONTENT))
    if failed:
        raise typer.Exit(int(Exit.FINDINGS))


def _run(
    settings: Settings, what: str, rules: Path | None
) -> tuple[list[Fault], list[RuleTestResult]]:
    if what and not Path(what).is_dir():
        choice = choose_rule(settings, what, rules)
        slug = choice.rule.info.slug
        results = run_rule_tests(
            choice.folder, load_rules(choice.folder, cache=user_cache()), only=slug
        )
        if not results:
            raise UsageError(f"{slug} has no test", hint=f"write {slug}.test.yml beside it")
        return [], results
    folder = Path(what) if what else rules or settings.rules_path
    ruleset = load_rules(folder, cache=user_cache())
    return [fault_of(error) for error in ruleset.errors], run_rule_tests(folder, ruleset)


def _print(results: list[RuleTestResult], wrong: list[Fault], output: Format) -> None:
    match output:
        case Format.JSON:
            json({"tests": results, "faults": wrong})
            return
        case Format.JUNIT:
            line(faults.junit(wrong, results))
        case Format.SARIF:
            pretty(faults.sarif(wrong))
        case Format.GITHUB:
            for text in faults.github_lines(wrong):
                line(text)
        case Format.TEXT:
            for text in faults.text_lines(wrong):
                line(text)
    passed = sum(result.passed for result in results)
    rules = len({result.rule for result in results})
    note(f"{rules} rules, {len(results)} tests, {passed} passed, {len(results) - passed} failed")
