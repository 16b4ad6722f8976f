"""``sentinel explain``: why a rule matches an event, or which part of it does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import config
from sentinel.app.offline import Offline
from sentinel.cli.event_argument import read_event
from sentinel.cli.output import json, line
from sentinel.cli.rule_choice import Choice, choose_rule
from sentinel.detect.explain import Explanation, explain, values_of
from sentinel.detect.rules.model import Correlation, Rule
from sentinel.detect.rules.timeline import source_of
from sentinel.domain.event import Event
from sentinel.errors import Exit


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``rules``: the rule, or those that a correlation counts.

    ``groups``: of a correlation, per field of `group-by` the values that the event has.
    """

    rule: str
    matches: bool
    rules: tuple[Explanation, ...]
    groups: dict[str, tuple[str, ...]] = {}


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("explain")(explain_command)


def explain_command(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="Slug, id or file of a rule.")],
    event: Annotated[
        str, typer.Argument(help="JSON file, - for standard input, or a JSON object.")
    ],
    rules: Annotated[
        Path | None, typer.Option(help="Folder in which the rule stands; default: those in force.")
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(help="Business facts: judge the scope of the access by them first."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say why RULE matches EVENT, or which of its conditions does not hold.

    Exit 0: it matches, 1: it does not, 2: no such rule, or no event, 3: the rule is wrong.
    """
    settings = config.load(context.obj)
    choice = choose_rule(settings, rule, rules)
    found = read_event(event, source_of(choice.rule, choice.ruleset))
    if facts is not None:
        found = Offline(settings, facts=facts, only=choice.ruleset).judge(found)
    answer = _answer(choice, choice.rule, found)
    if as_json:
        json(answer)
    else:
        _print(answer)
    if not answer.matches:
        raise typer.Exit(int(Exit.FINDINGS))


def _answer(choice: Choice, item: Rule | Correlation, event: Event) -> Answer:
    if isinstance(item, Rule):
        one = explain(item, event.fields, event.logsource, choice.lists)
        return Answer(rule=item.info.slug, matches=one.matches, rules=(one,))
    found = [choice.ruleset.find(key) for key in item.rules]
    parts = [_answer(choice, one, event) for one in found if one is not None]
    counted = [part.matches for part in parts]
    counting = next((key for key, hit in zip(item.rules, counted, strict=True) if hit), "")
    groups = {
        name: values_of(event.fields, item.field_for(name, counting)) for name in item.group_by
    }
    return Answer(
        rule=item.info.slug,
        matches=any(counted) and all(groups.values()),
        rules=tuple(one for part in parts for one in part.rules),
        groups=groups,
    )


def _print(answer: Answer) -> None:
    correlation = len(answer.rules) > 1 or bool(answer.groups)
    if correlation:
        verb = "counts this event" if answer.matches else "does not count this event"
        line(f"{answer.rule} {verb}")
        for name, values in answer.groups.items():
            line(f"  group {name}: {', '.join(values) or 'absent, so the event has no group'}")
    for one in answer.rules:
        _print_rule(one)


def _print_rule(one: Explanation) -> None:
    line(f"{one.rule} {'matches' if one.matches else 'does not match'}")
    for reason in one.because:
        line(f"  because {reason}")
    line(f"  condition: {one.condition}")
    for part in one.lines:
        mark = "yes" if part.holds else "no "
        found = "" if part.depth == 0 else f"   found {part.found or 'nothing'}"
        line(f"  {mark} {'  ' * part.depth}{part.text}{found}")
