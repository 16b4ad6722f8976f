"""Exceptions: what a rule must leave in peace, for a written reason, under an owner, until a day.

    rules/exceptions/<slug>.yml

    rule: webserver_not_found          # id, slug or name of a rule on single events
    when: {source.ip: 192.0.2.7}       # as under a search identifier of a rule, modifiers included
    reason: Our own scanner, announced for the audit of January
    owner: security team
    expires: 2026-01-31                # the last day, UTC, on which it applies

An exception becomes a part of the rule's expression, so that whatever runs the rule obeys it. An
expired one is told and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection

from sentinel.detect.rules.compile import Lists, compile_detection
from sentinel.detect.rules.expression import All, AnyOf, Expression, Not
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.hints import hint_for
from sentinel.detect.rules.lists import load_lists
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.detect.rules.prepare import prepare_detection
from sentinel.errors import ContentError
from sentinel.yaml_file import YamlFile, read_yaml

FOLDER: Final = "exceptions"


class _Document(BaseModel):
    """The file as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(min_length=1)
    when: dict[str, Any] = Field(min_length=1)
    reason: str = Field(min_length=10)
    owner: str = Field(min_length=1)
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleException:
    """One exception. ``where``: file:line:column of its last day."""

    rule_id: str
    slug: str
    expression: Expression
    reason: str
    owner: str
    expires: date
    where: str

    def applies(self, now: datetime) -> bool:
        """Tell whether the exception is in force at ``now`` (aware, UTC)."""
        return now.date() <= self.expires

    def expired_error(self) -> ContentError:
        """Return what `sentinel check` says once the exception is over."""
        return ContentError(
            f"the exception to {self.slug} expired on {self.expires}",
            where=self.where,
            hint=f"ask {self.owner} whether it is still needed, or remove the file",
        )


def load_exceptions(
    directory: Path, ruleset: RuleSet
) -> tuple[list[RuleException], list[ContentError]]:
    """Return the exceptions below ``directory``/exceptions, and what is wrong with the others."""
    found: list[RuleException] = []
    errors: list[ContentError] = []
    lists = load_lists(directory / "lists")
    for path in sorted((directory / FOLDER).glob("*.yml")):
        try:
            found.append(_read(read_yaml(path), ruleset, lists))
        except ContentError as error:
            errors.append(error)
    return found, errors


def with_exceptions(
    ruleset: RuleSet, exceptions: Sequence[RuleException], now: datetime
) -> RuleSet:
    """Return the set in which each rule leaves alone what an exception in force names."""
    by_rule: dict[str, list[Expression]] = {}
    for exception in exceptions:
        if exception.applies(now):
            by_rule.setdefault(exception.rule_id, []).append(exception.expression)
    if not by_rule:
        return ruleset
    return replace(ruleset, rules=tuple(_excepted(ruleset.rules, by_rule)))


def _excepted(rules: Sequence[Rule], by_rule: Mapping[str, Sequence[Expression]]) -> Iterator[Rule]:
    for rule in rules:
        excluded = by_rule.get(rule.info.id)
        if excluded is None:
            yield rule
            continue
        whole = All((rule.expression, Not(AnyOf(tuple(excluded)))))
        yield replace(rule, expression=whole)


def _read(file: YamlFile, ruleset: RuleSet, lists: Lists) -> RuleException:
    document = file.validate(_Document)
    rule = ruleset.find(document.rule)
    if rule is None:
        raise ContentError(f"there is no rule {document.rule}", where=file.where(("rule",)))
    if not isinstance(rule, Rule):
        counted = (found.info.slug for key in rule.rules if (found := ruleset.find(key)))
        raise ContentError(
            f"{rule.info.slug} is a correlation, which has no fields of its own",
            where=file.where(("rule",)),
            hint=f"except the rule that it counts: {', '.join(counted)}",
        )
    return RuleException(
        rule_id=rule.info.id,
        slug=rule.info.slug,
        expression=_expression(document, file, lists),
        reason=document.reason,
        owner=document.owner,
        expires=document.expires,
        where=file.where(("expires",)),
    )


def _expression(document: _Document, file: YamlFile, lists: Lists) -> Expression:
    try:
        detection = SigmaDetection.from_definition(prepare_detection(document.when))
        return compile_detection(detection, lists)
    except RuleFault as fault:
        raise fault.located(file.where(("when",))) from fault
    except SigmaError as error:
        hints = (hint_for(error, key) for key in document.when)
        hint = next((hint for hint in hints if hint), "")
        raise ContentError(str(error), where=file.where(("when",)), hint=hint) from error
