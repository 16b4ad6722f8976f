"""The engine: routing by log source, findings of single events, and rules that fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.expression import Expression, Match
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Level, finding_id

WHEN = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
AUDIT = LogSource(category="audit", product="application", service="crm")


def ruleset(tmp_path: Path, **rules: dict[str, Any]) -> RuleSet:
    for slug, own in rules.items():
        rule = {
            "title": slug,
            "id": f"id-{slug}",
            "logsource": {"category": "audit"},
            "detection": {"s": {"event.action": "x"}, "condition": "s"},
            **own,
        }
        rule.pop("id")
        (tmp_path / f"{slug}.yml").write_text(yaml.safe_dump(rule))
    return load_rules(tmp_path).require_clean()


def event(source: LogSource = AUDIT, **fields: Any) -> Event:
    return Event(id="e1", time=WHEN, source="s", ref="s#1", logsource=source, fields={**fields})


def engine(rules: RuleSet) -> RuleEngine:
    return RuleEngine(rules, lateness=timedelta(minutes=10))


def test_a_finding_says_who_whose_data_which_event_and_why(tmp_path: Path) -> None:
    rules = ruleset(tmp_path, one={"level": "high"})
    found = event(
        **{
            "event.action": "X",
            "user.name": "usr_a",
            "sentinel.subject": ["sub_a", "sub_b"],
            "sentinel.data_category": "contact",
        }
    )
    (finding,) = engine(rules).process([found])
    assert finding.id == finding_id(rules.rules[0].info.id, ("e1",))
    assert finding.rule.level is Level.HIGH
    assert finding.time == WHEN
    assert finding.actor == "usr_a"
    assert finding.subjects == ("sub_a", "sub_b")
    assert finding.categories == ("contact",)
    assert (finding.events, finding.refs, finding.event_count) == (("e1",), ("s#1",), 1)
    assert [reason.text() for reason in finding.reasons] == ["event.action is X"]


@pytest.mark.parametrize(
    ("own", "fields", "actor"),
    [
        ("", {"user.name": "u", "sentinel.session": "s", "source.ip": "i"}, "u"),
        ("", {"user.name": "", "sentinel.session": "s", "source.ip": "i"}, "s"),
        ("", {"source.ip": "i"}, "i"),
        ("", {}, ""),
        ("source.ip", {"user.name": "u", "source.ip": "i"}, "i"),
        ("source.ip", {"user.name": "u"}, "u"),
        ("peers", {"peers": ["p", "q"], "user.name": "u"}, "p"),
        ("peers", {"peers": [], "user.name": "u"}, "u"),
    ],
)
def test_the_actor(tmp_path: Path, own: str, fields: dict[str, Any], actor: str) -> None:
    rules = ruleset(tmp_path, one={"sentinel": {"actor": own}} if own else {})
    (finding,) = engine(rules).process([event(**{"event.action": "x", **fields})])
    assert finding.actor == actor


@pytest.mark.parametrize(
    ("wanted", "found", "routed"),
    [
        ({"category": "audit"}, AUDIT, True),
        ({"category": "AUDIT", "service": "crm"}, AUDIT, True),
        ({"category": "audit", "product": "other"}, AUDIT, False),
        ({"product": "application"}, AUDIT, True),
        ({"service": "crm"}, LogSource(category="audit"), False),
        ({"category": "webserver"}, AUDIT, False),
    ],
)
def test_routing(tmp_path: Path, wanted: dict[str, str], found: LogSource, routed: bool) -> None:
    running = engine(ruleset(tmp_path, one={"logsource": wanted}))
    findings = running.process([event(found, **{"event.action": "x"})])
    assert bool(findings) is routed


def test_an_informational_rule_raises_nothing(tmp_path: Path) -> None:
    rules = ruleset(tmp_path, one={"level": "informational"}, two={"level": "low"})
    found = engine(rules).process([event(**{"event.action": "x"})])
    assert [finding.rule.slug for finding in found] == ["two"]


def test_a_rule_may_ask_for_the_time(tmp_path: Path) -> None:
    night = {"detection": {"s": {"@timestamp|hour": 8, "event.action": "x"}, "condition": "s"}}
    keyword = {"detection": {"s": ["2026"], "condition": "s"}}
    found = engine(ruleset(tmp_path, night=night, keyword=keyword)).process(
        [event(**{"event.action": "x"})]
    )
    assert [finding.rule.slug for finding in found] == ["night"]


def test_a_rule_that_fails_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    loaded = ruleset(tmp_path, bad={}, good={})

    class Failing(Expression):
        def matcher(self) -> Match:
            def fail(_fields: object) -> bool:
                raise ZeroDivisionError("with a secret in it")

            return fail

        def names(self) -> Iterator[str]:
            yield "*"

    rules = replace(
        loaded,
        rules=tuple(
            replace(rule, expression=Failing()) if rule.info.slug == "bad" else rule
            for rule in loaded.rules
        ),
    )
    running = engine(rules)
    events = [event(**{"event.action": "x"})] * 2
    assert [f.rule.slug for f in running.process(events)] == ["good", "good"]
    assert running.rule_errors == {"bad": (2, "ZeroDivisionError")}


def test_no_events_no_findings(tmp_path: Path) -> None:
    running = engine(ruleset(tmp_path, one={}))
    assert running.process([]) == []
    assert running.flush() == []


def test_loading_and_matching_open_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket", refuse)
    tagged = {"tags": ["attack.t1190", "attack.initial-access"]}
    assert engine(ruleset(tmp_path, one=tagged)).process([event(**{"event.action": "x"})])
