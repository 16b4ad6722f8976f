"""The quickest differential run that still sees most faults: matcher, index and line matcher.

Drawn rules and events near them meet the naive reading; it raises AssertionError at the first
difference. `mutants.py` runs it against each seeded fault, some thousand pairs in about a second.
What the index must find is worked out once for all of its faults: `prepare` imports nothing of
`sentinel.detect.fast`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import naive_sigma
import sigma_cases

from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document
from sentinel.domain.event import Event, LogSource

SEEDS = (1, 2)
RULES = 25
EVENTS = 6  # near each rule
ROUNDS = 8  # enough events for the index to choose its witnesses anew
SOURCE = LogSource(category="test")
Fields = Mapping[str, Any]
Found = list[tuple[Fields, set[str]]]  # events, and the ids of the rules that match each


def prepare() -> list[tuple[list[Rule], Found]]:
    """Draw rules and events, and hold the matcher against the naive reading."""
    return [_drawn(random.Random(seed)) for seed in SEEDS]


def hold(prepared: list[tuple[list[Rule], Found]]) -> None:
    """Hold index and line matcher against what was found."""
    for rules, found in prepared:
        _hold_index(rules, found)
        _hold_lines(rules, [one for one in found if _plain(one[0])])


def _drawn(rng: random.Random) -> tuple[list[Rule], Found]:
    pairs: list[tuple[Rule, naive_sigma.NaiveRule]] = []
    events: list[Fields] = []
    for number in range(RULES):
        detection = sigma_cases.detection(rng)
        wanted = sigma_cases.wanted_items(detection)
        pairs.append((_compiled(detection, number), naive_sigma.NaiveRule(detection)))
        events += [sigma_cases.near_event(rng, wanted) for _ in range(EVENTS)]
    found: Found = []
    for event in events:
        matching = {rule.info.id for rule, naive in pairs if naive.matches(event)}
        assert matching == {rule.info.id for rule, _naive in pairs if rule.match(event)}, event
        found.append((event, matching))
    return [rule for rule, _naive in pairs], found


def _hold_index(rules: list[Rule], found: Found) -> None:
    from sentinel.detect.fast.index import RuleIndex

    index = RuleIndex(rules)
    batch = [_occurrence(event) for event, _matching in found]
    for _round in range(ROUNDS):
        for (event, matching), named in zip(found, index.candidates(batch), strict=True):
            ids = [rule.info.id for rule in named]
            assert matching <= set(ids), event
            assert ids == sorted(set(ids)), event


def _hold_lines(rules: list[Rule], found: Found) -> None:
    from sentinel.detect.fast.lines import LineMatcher

    matcher = LineMatcher(rules)
    lines = [json.dumps({**event, "category": "test"}).encode() for event, _matching in found]
    wanted = [(row, key) for row, (_event, keys) in enumerate(found) for key in sorted(keys)]
    for _round in range(ROUNDS):
        assert [(one.row, one.rule.info.id) for one in matcher.match_lines(lines)] == wanted
    assert not matcher.troubles


def _plain(event: Fields) -> bool:
    """Tell whether an event is what a line of JSON can hold as it is."""
    try:
        return bool(json.dumps(event).encode() and msgspec.json.encode(event))
    except (TypeError, ValueError):
        return False


def _compiled(detection: dict[str, Any], number: int) -> Rule:
    raw = {"title": "drawn", "logsource": {"category": "test"}, "detection": detection}
    rule = parse_document(raw, Origin(path=Path("drawn.yml"), index=0, raw=raw), "drawn", {})
    assert isinstance(rule, Rule)
    return replace(rule, info=msgspec.structs.replace(rule.info, id=f"rule-{number:02}"))


def _occurrence(fields: Fields) -> Event:
    when = datetime(2026, 1, 5, tzinfo=UTC)
    return Event(id="", time=when, source="", ref="", logsource=SOURCE, fields=dict(fields))
