"""The examples of the correlation rules specification 2.1, run over events in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.domain.event import Event, LogSource

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SECURITY = LogSource(product="windows", service="security")
Timed = tuple[int, dict[str, Any]]  # seconds from the start, fields


def base(name: str, **selection: Any) -> dict[str, Any]:
    return {
        "title": name,
        "name": name,
        "logsource": {"product": "windows", "service": "security"},
        "detection": {"selection": selection, "condition": "selection"},
    }


def correlation(name: str, **block: Any) -> dict[str, Any]:
    return {"title": name, "name": name, "level": "high", "correlation": block}


def findings(tmp_path: Path, documents: Sequence[dict[str, Any]], events: list[Timed]) -> list[str]:
    """Return the titles of what the rules find."""
    for document in documents:
        (tmp_path / f"{document['name']}.yml").write_text(yaml.safe_dump(document))
    engine = RuleEngine(load_rules(tmp_path).require_clean(), lateness=timedelta())
    stream = [
        Event(
            id=f"e{number}",
            time=START + timedelta(seconds=seconds),
            source="s",
            ref=f"s#{number}",
            logsource=SECURITY,
            fields=fields,
        )
        for number, (seconds, fields) in enumerate(events)
    ]
    found = [*engine.process(stream), *engine.flush()]
    return sorted(finding.rule.title for finding in found)


FAILED, SUCCEEDED = base("failed_login", EventID=[529, 4625]), base("ok_login", EventID=[528, 4624])
MANY = correlation(
    "many_failed",
    type="event_count", rules=["failed_login"], timespan="10m", condition={"gte": 10},
    **{"group-by": ["User"]},
)  # fmt: skip
THEN_SUCCESS = correlation(
    "then_success",
    type="temporal_ordered", rules=["many_failed", "ok_login"], timespan="10m",
    **{"group-by": ["User"]},
)  # fmt: skip


def failures(count: int, user: str = "u", start: int = 0) -> list[Timed]:
    return [(start + n, {"EventID": 4625, "User": user}) for n in range(count)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([*failures(10), (60, {"EventID": 4624, "User": "u"})], ["then_success"]),
        ([*failures(9), (60, {"EventID": 4624, "User": "u"})], []),
        ([*failures(10), (60, {"EventID": 4624, "User": "other"})], []),
        ([(0, {"EventID": 4624, "User": "u"}), *failures(10, start=5)], []),
        ([*failures(5, "u"), *failures(5, "v"), (60, {"EventID": 4624, "User": "u"})], []),
        ([*failures(10), (1_000, {"EventID": 4624, "User": "u"})], []),
    ],
)
def test_failed_logins_followed_by_a_success(
    tmp_path: Path, events: list[Timed], expected: list[str]
) -> None:
    """Section "Failed Logins Followed by Successful Login": only the outermost rule reports."""
    assert findings(tmp_path, [FAILED, SUCCEEDED, MANY, THEN_SUCCESS], events) == expected


@pytest.mark.parametrize(
    ("condition", "count", "expected"),
    [
        ({"gte": 3}, 3, 1),
        ({"gte": 3}, 2, 0),
        ({"gt": 3}, 3, 0),
        ({"gt": 3}, 4, 1),
        ({"lt": 3}, 2, 1),
        ({"lt": 3}, 3, 0),
        ({"lte": 3}, 3, 1),
        ({"lte": 3}, 4, 0),
        ({"eq": 3}, 3, 1),
        ({"eq": 3}, 4, 0),
        ({"neq": 3}, 3, 0),
        ({"neq": 3}, 4, 1),
        ({"gt": 2, "lte": 4}, 4, 1),
        ({"gt": 2, "lte": 4}, 5, 0),
        ({"gt": 2, "lte": 4}, 2, 0),
    ],
)
def test_the_conditions_of_an_event_count(
    tmp_path: Path, condition: dict[str, int], count: int, expected: int
) -> None:
    rule = correlation(
        "count",
        type="event_count", rules=["failed_login"], timespan="1h", condition=condition,
        **{"group-by": ["User"]},
    )  # fmt: skip
    assert len(findings(tmp_path, [FAILED, rule], failures(count))) == expected


def test_a_value_count_counts_different_values_in_each_group(tmp_path: Path) -> None:
    rule = correlation(
        "spray",
        type="value_count", rules=["failed_login"], timespan="1d",
        condition={"field": "User", "gte": 3},
        **{"group-by": ["ComputerName", "WorkstationName"]},
    )  # fmt: skip

    def tried(users: str, workstations: str) -> list[Timed]:
        return [
            (n, {"EventID": 4625, "User": user, "ComputerName": "c", "WorkstationName": where})
            for n, (user, where) in enumerate(zip(users, workstations, strict=True))
        ]

    assert findings(tmp_path, [FAILED, rule], tried("abc", "xxx")) == ["spray"]
    assert findings(tmp_path, [FAILED, rule], tried("aabb", "xxxx")) == []
    assert findings(tmp_path, [FAILED, rule], tried("abc", "xxy")) == []


@pytest.mark.parametrize(
    ("kind", "order", "span", "expected"),
    [
        ("temporal", "abc", 100, True),
        ("temporal", "cba", 100, True),
        ("temporal", "ab", 100, False),
        ("temporal", "abc", 200, False),
        ("temporal_ordered", "abc", 100, True),
        ("temporal_ordered", "cba", 100, False),
        ("temporal_ordered", "acbc", 90, True),
    ],
)
def test_reconnaissance_in_five_minutes(
    tmp_path: Path, kind: str, order: str, span: int, expected: bool
) -> None:
    commands = [base(f"recon_cmd_{name}", Command=name) for name in "abc"]
    rule = correlation(
        "recon",
        type=kind, rules=[command["name"] for command in commands], timespan="5m",
        **{"group-by": ["ComputerName", "User"]},
    )  # fmt: skip
    events = [
        (n * span, {"Command": name, "ComputerName": "c", "User": "u"})
        for n, name in enumerate(order)
    ]
    assert bool(findings(tmp_path, [*commands, rule], events)) is expected


def test_aliases_join_different_fields(tmp_path: Path) -> None:
    error = base("internal_error", **{"http.response.status_code": 500})
    opened = base("new_network_connection", **{"event.type": "connection"})
    rule = correlation(
        "connects_back",
        type="temporal", rules=["internal_error", "new_network_connection"], timespan="10s",
        aliases={
            "internal_ip": {
                "internal_error": "destination.ip", "new_network_connection": "source.ip",
            },
            "remote_ip": {
                "internal_error": "source.ip", "new_network_connection": "destination.ip",
            },
        },
        **{"group-by": ["internal_ip", "remote_ip"]},
    )  # fmt: skip

    def events(back_to: str) -> list[Timed]:
        attack = {"source.ip": "203.0.113.9", "destination.ip": "192.0.2.1"}
        back = {"source.ip": "192.0.2.1", "destination.ip": back_to}
        return [
            (0, {"http.response.status_code": 500, **attack}),
            (5, {"event.type": "connection", **back}),
        ]

    assert findings(tmp_path, [error, opened, rule], events("203.0.113.9")) == ["connects_back"]
    assert findings(tmp_path, [error, opened, rule], events("203.0.113.7")) == []
