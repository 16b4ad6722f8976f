"""The compiled engine and the naive reading agree, rule by rule, on events near each rule.

`bench/soundness/run.py` does the same over ten million pairs; this is its quick, repeatable part.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import naive_sigma
import pytest
import sigma_cases

from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document

RULES = Path(__file__).resolve().parents[2] / "rules"


def compiled(detection: dict[str, Any]) -> Rule:
    raw = {"title": "drawn", "logsource": {"category": "test"}, "detection": detection}
    rule = parse_document(raw, Origin(path=Path("drawn.yml"), index=0, raw=raw), "drawn", {})
    assert isinstance(rule, Rule)
    return rule


def lines(path: Path) -> list[str]:
    stripped = map(str.strip, path.read_text(encoding="utf-8").splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


@pytest.mark.parametrize("seed", range(12))
def test_drawn_rules(seed: int) -> None:
    rng = random.Random(seed)
    seen = {True: 0, False: 0}
    for _ in range(50):
        detection = sigma_cases.detection(rng)
        wanted = sigma_cases.wanted_items(detection)
        rule, naive = compiled(detection), naive_sigma.NaiveRule(detection)
        for _ in range(12):
            event = sigma_cases.near_event(rng, wanted)
            expected = naive.matches(event)
            seen[expected] += 1
            assert rule.match(event) is expected, (detection, event)
    assert min(seen.values()) > 100  # neither side is rare, or the run would prove little


def test_our_own_rules() -> None:
    rng = random.Random(7)
    rules = load_rules(RULES).rules
    assert rules
    lists = {path.stem: lines(path) for path in (RULES / "lists").glob("*.txt")}
    matched = set()
    for rule in rules:
        detection = dict(rule.origin.raw["detection"])
        naive, wanted = naive_sigma.NaiveRule(detection, lists), sigma_cases.wanted_items(detection)
        for _ in range(60):
            event = sigma_cases.near_event(rng, wanted)
            expected = naive.matches(event)
            assert rule.match(event) is expected, (rule.info.slug, event)
            matched |= {rule.info.slug} if expected else set()
    assert len(matched) > 0.8 * len(rules)
