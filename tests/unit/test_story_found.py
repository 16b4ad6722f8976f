"""The stories are found, and nothing else is, by the real parsers, scopes and rules.

The navigation model has tests of its own; its story is left out here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.collect.intake import UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import load_profiles
from sentinel.content import content_dir
from sentinel.demo.story import Source, Story, StoryTruth, tell, tell_normal
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.fact_files import load_facts
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding

END = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
PROFILES: dict[Source, tuple[str, str]] = {
    "crm": ("json", "crm-audit"),
    "www": ("nginx_combined", "nginx-site"),
    "backoffice": ("csv", "business-facts"),
}
RULES = content_dir("rules")


def read(paths: dict[Source, Path]) -> list[Event]:
    """Return the events of all files by time; a line that nobody understands fails the test."""
    profiles = load_profiles(RULES / "sources")
    events: list[Event] = []
    for source, (format_name, profile) in PROFILES.items():
        reader = OfflineReader(profiles, format_name=format_name, profile_name=profile)
        for item in reader.read([paths[source]]):
            assert not isinstance(item, UnparsedLine), item
            events.append(item)
    return sorted(events, key=lambda event: event.time)


def detect(story: Story, directory: Path) -> list[Finding]:
    paths = story.write_files(directory)
    events = read(paths)
    assert len(events) == sum(len(story.lines(source)) for source in PROFILES) - 1
    scope = ScopeEngine(load_scope(RULES / "scopes"), FactIndex(load_facts(paths["backoffice"])))
    engine = RuleEngine(load_rules(RULES), lateness=timedelta(minutes=10))
    findings: list[Finding] = []
    for begin in range(0, len(events), 512):
        part = events[begin : begin + 512]
        findings += engine.process([scope.judge(event, known_at=event.time) for event in part])
    findings += engine.flush()
    assert engine.rule_errors == {}
    return findings


def told(truth: StoryTruth, name: str) -> set[str]:
    return {f"{name}:{ordinal}" for ordinal in truth.ordinals}


@pytest.mark.parametrize("seed", [0, 42])
def test_rules_find_their_four_stories_and_no_look_alike(seed: int, tmp_path: Path) -> None:
    story = tell(seed, END)
    findings = detect(story, tmp_path)
    by_rules = [truth for truth in story.truth.values() if truth.rule]
    by_rules = [truth for truth in by_rules if truth.key != "odd_navigation"]
    found = {(finding.rule.slug, finding.actor) for finding in findings}
    assert found == {(truth.rule, truth.actor) for truth in by_rules}
    for truth in by_rules:
        mine = [finding for finding in findings if finding.rule.slug == truth.rule]
        refs = {Path(ref).name for finding in mine for ref in finding.refs}
        subjects = {subject for finding in mine for subject in finding.subjects}
        assert subjects == set(truth.subjects)
        name = "access.log" if truth.source == "www" else "audit.ndjson"
        assert refs == told(truth, name)


def test_a_normal_day_raises_nothing(tmp_path: Path) -> None:
    assert detect(tell_normal(1, END), tmp_path) == []
