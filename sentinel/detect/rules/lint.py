"""House rules for the rules that we ship: what Sigma allows and an analyst at 3 a.m. cannot use.

Loading errors are told by `load_rules`; what stands here concerns rules that load.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.known_fields import KNOWN, OURS, unknown_hint
from sentinel.detect.rules.load import TEST_SUFFIX, load_rules, where
from sentinel.detect.rules.model import Correlation, Rule, RuleSet
from sentinel.detect.rules.rule_tests import read_tests
from sentinel.errors import ContentError, UnreadableFile

# Ids of the privacy policy's promises that detection can serve.
PROMISES: Final = frozenset(
    f"R-{number:02d}"
    for number in (
        *range(1, 9), *range(10, 19), 20, 21, 23, 24, *range(30, 42), *range(45, 53),
        *range(54, 62), 63, 64,
    )
)  # fmt: skip
TOP_LEVEL: Final = frozenset(
    {"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author"}
    | {"references", "date", "modified", "tags", "scope", "logsource", "detection", "fields"}
    | {"falsepositives", "level", "correlation", "sentinel"}
)
REQUIRED: Final = ("id", "status", "description", "author", "date", "level", "falsepositives")
LANGUAGES: Final = ("en", "fr")
SLUG: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


def lint_rules(directory: Path, ruleset: RuleSet | None = None) -> list[ContentError]:
    """Return what is wrong with the rules below ``directory``, each with file:line:column."""
    rules = ruleset if ruleset is not None else load_rules(directory)
    return [
        fault.located(where(item.origin, fault))
        for item in rules.items
        for fault in _faults(item, rules)
    ]


def _faults(item: Rule | Correlation, rules: RuleSet) -> Iterator[RuleFault]:
    raw, silent = item.origin.raw, item.info.id in rules.silent
    yield from _identity(raw)
    yield from _dates(raw)
    yield from _fields(item, rules)
    for key in raw:
        if key not in TOP_LEVEL:
            close = difflib.get_close_matches(str(key), TOP_LEVEL, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "own keys go under `sentinel`"
            yield RuleFault(f"unknown key {key!r}", path=(str(key),), hint=hint)
    if silent:
        return
    for key in REQUIRED:
        if not raw.get(key):
            yield RuleFault(f"{key} is missing")
    yield from _name(item)
    yield from _words(item)
    yield from _tests(item)


def _identity(raw: Any) -> Iterator[RuleFault]:
    try:
        UUID(str(raw.get("id")))
    except ValueError:
        yield RuleFault("the id is no UUID", path=("id",))


def _dates(raw: Any) -> Iterator[RuleFault]:
    created, modified = raw.get("date"), raw.get("modified")
    for key in ("date", "modified"):
        if raw.get(key) is not None and not isinstance(raw[key], date):
            yield RuleFault(f"{key} is no date", path=(key,), hint="write 2026-01-31")
    if isinstance(created, date) and isinstance(modified, date) and modified < created:
        yield RuleFault("modified lies before date", path=("modified",))


def _fields(item: Rule | Correlation, rules: RuleSet) -> Iterator[RuleFault]:
    """Look for fields that no event of ours has: such a rule is silent for ever."""
    if isinstance(item, Rule):
        if item.logsource.category.lower() in OURS:
            for name in sorted(item.reads - KNOWN):
                path = ("detection", *_where_read(item, name))
                yield RuleFault(f"unknown field {name}", path=path, hint=unknown_hint(name))
        return
    for key in item.rules:
        found = rules.find(key)
        if isinstance(found, Rule) and found.logsource.category.lower() in OURS:
            for name in sorted({item.field_for(n, key) for n in (*item.group_by, *item.fields)}):
                if name not in KNOWN:
                    reason = f"unknown field {name} of {found.info.slug}"
                    yield RuleFault(reason, path=("correlation",), hint=unknown_hint(name))


def _where_read(rule: Rule, name: str) -> tuple[str, ...]:
    """Return the search identifier under which a field is first named, and the field."""
    for identifier, definition in rule.origin.raw["detection"].items():
        for part in definition if isinstance(definition, list) else [definition]:
            if isinstance(part, dict) and any(str(k).split("|", 1)[0] == name for k in part):
                return (str(identifier), name)
    return ()


def _name(item: Rule | Correlation) -> Iterator[RuleFault]:
    """Look for the words of the file's name in the title, so that one is found by the other."""
    if not SLUG.fullmatch(item.info.slug):
        yield RuleFault(f"the file's name {item.info.slug!r} is no snake_case")
    words = re.findall(r"[a-z0-9]+", item.info.title.lower())
    for part in item.info.slug.split("_"):
        if not any(word.startswith(part) for word in words):
            reason = f"the title does not say {part!r}, which the file's name does"
            yield RuleFault(reason, path=("title",))


def _words(item: Rule | Correlation) -> Iterator[RuleFault]:
    info = item.info
    if "fr" not in info.titles:
        yield RuleFault("the French title is missing (title_fr)", path=("sentinel",))
    for language in LANGUAGES:
        if not info.triage.get(language):
            yield RuleFault(f"the triage guide is missing in {language}", path=("sentinel",))
    for key, text in (
        ("title_fr", info.titles.get("fr", "")),
        ("triage", info.triage.get("fr", "")),
    ):
        if "'" in text:
            yield RuleFault("French text takes the apostrophe ’", path=("sentinel", key))
        if re.search(r"[^\s\u00a0\u202f][:;?!»](\s|$)|[ ][:;?!»]|«[^\u00a0\u202f]", text):
            reason = "a no-break space goes before : ; ? ! » and after «"
            yield RuleFault(reason, path=("sentinel", key))
    for promise in info.promises:
        if promise not in PROMISES:
            yield RuleFault(f"there is no promise {promise}", path=("sentinel", "promises"))
    if not info.promises:
        yield RuleFault("the rule serves no promise", path=("sentinel",))


def _tests(item: Rule | Correlation) -> Iterator[RuleFault]:
    path = item.origin.path.with_name(f"{item.info.slug}{TEST_SUFFIX}")
    try:
        tests = read_tests(path)
    except (RuleFault, UnreadableFile):
        yield RuleFault(f"{path.name} is missing or cannot be read")
        return
    counts = [c.get("findings") for c in tests.get("timeline") or [] if isinstance(c, dict)]
    if not tests.get("match") and not any(counts):
        yield RuleFault(f"{path.name} shows no event that must match")
    if not tests.get("no_match") and 0 not in counts:
        yield RuleFault(f"{path.name} shows no look-alike that must not match")
