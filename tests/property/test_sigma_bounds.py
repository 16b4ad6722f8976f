"""What an attacker or a slip of the pen can put into a rule or an event costs a bounded time.

Work that explodes would never end, so it runs in a child process under a limit of CPU time: far
above what it needs, far below what it would take.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.fault import RuleFault
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import Origin, Rule
from sentinel.detect.rules.parse import parse_document
from sentinel.domain.event import Event, LogSource

MEGABYTE = 1_000_000
CPU_SECONDS = 60


def compiled(detection: dict[str, Any]) -> Rule:
    raw = {
        "title": "t",
        "logsource": {"category": "test"},
        "detection": {"condition": "one", **detection},
    }
    rule = parse_document(raw, Origin(path=Path("rule.yml"), index=0, raw=raw), "rule", {})
    assert isinstance(rule, Rule)
    return rule


def bounded(work: Callable[..., bool], *args: Any) -> bool:
    """Run ``work`` in a child; fail where it takes more CPU time than the limit."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        sender.send(work(*args))

    process = context.Process(target=child)
    process.start()
    sender.close()
    process.join()
    assert process.exitcode != -signal.SIGXCPU, "more CPU time than any sound engine needs"
    assert process.exitcode == 0
    return bool(receiver.recv())


def matches(key: str, wanted: Any, found: Any) -> bool:
    return compiled({"one": {key: wanted}}).match({"a": found})


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", ".*.*.*=.*"],
)
def test_a_regex_bomb_is_linear(pattern: str) -> None:
    assert bounded(matches, "a|re", pattern, "a" * 50_000 + "!") is False


def test_wildcards_on_a_megabyte_are_linear() -> None:
    bomb = "a*" * 30 + "b"
    assert bounded(matches, "a|contains", bomb, "a" * MEGABYTE) is False
    assert bounded(matches, "a|contains", "?" * 40 + "b", "a" * MEGABYTE) is False
    assert bounded(matches, "a|contains", bomb, "a" * MEGABYTE + "b") is True


def test_a_megabyte_beyond_ascii_is_folded_in_linear_time() -> None:
    assert bounded(matches, "a|endswith", "ΣΑß", "É" * MEGABYTE + "σας".upper()[:2] + "ẞ") is True
    assert bounded(matches, "a", "?" * 3, "İ" * MEGABYTE) is False


def test_many_values_meet_a_megabyte() -> None:
    words = [f"needle{n}" for n in range(500)]
    assert bounded(matches, "a|contains", words, "nee" * (MEGABYTE // 3)) is False


@pytest.mark.parametrize("pattern", ["(?:a{1000}){1000}", "a{2000}", r"(a)\1", "a(?=b)", "(?<!a)b"])
def test_what_has_no_linear_form_is_refused_at_load(pattern: str) -> None:
    with pytest.raises(RuleFault) as caught:
        compiled({"one": {"a|re": pattern}})
    assert caught.value.path == ("detection", "one", "a|re")
    assert "RE2" in caught.value.hint or "RE2" in caught.value.reason


def nested(depth: int, leaf: str) -> list[Any]:
    value: list[Any] = [leaf]
    for _ in range(depth):
        value = [value, "beside"]
    return value


@pytest.mark.parametrize("depth", [10, 5_000, 100_000])
def test_a_deep_list_hides_nothing(depth: int) -> None:
    deep = nested(depth, "evil")
    assert compiled({"one": {"a": "evil"}}).match({"a": deep})
    assert compiled({"one": ["evil"]}).match({"a": deep})
    assert compiled({"one": {"a|fieldref": "b"}}).match({"a": deep, "b": "EVIL"})
    assert not compiled({"one": {"a": "absent"}}).match({"a": deep})


def test_a_wide_and_deep_list_is_read_once() -> None:
    wide: list[Any] = [["x"] * 300 for _ in range(300)]
    assert bounded(matches, "a|contains", ["y", "z"], wide) is False


def test_the_engine_finds_in_a_monstrous_event(tmp_path: Path) -> None:
    (tmp_path / "evil.yml").write_text(
        "title: Evil\nid: 967c63bf-b2c1-43d7-ae51-a580bbd36ff1\nlogsource: {category: test}\n"
        "detection: {one: {a|contains: evil}, condition: one}\nlevel: high\n",
        encoding="utf-8",
    )
    engine = RuleEngine(load_rules(tmp_path).require_clean(), lateness=timedelta())
    fields = {"a": nested(20_000, "an EVIL thing"), "b": "x" * MEGABYTE}
    event = Event(
        id="e1",
        time=datetime(2026, 1, 5, tzinfo=UTC),
        source="s",
        ref="s#1",
        logsource=LogSource(category="test"),
        fields=fields,
    )
    (finding,) = engine.process([event])
    assert finding.rule.slug == "evil"
    assert not engine.rule_errors
    assert all(len(reason.text()) < 1_000 for reason in finding.reasons)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("a|contians: x", "did you mean 'contains'?"),
        ("a|re: '(a'", "RE2"),
        ("a|gte: many", "compare with a number"),
    ],
)
def test_a_typo_is_told_with_its_place(tmp_path: Path, line: str, hint: str) -> None:
    path = tmp_path / "typo.yml"
    path.write_text(
        "title: Typo\nlogsource: {category: test}\ndetection:\n"
        f"    one: {{ {line} }}\n    condition: one\n",
        encoding="utf-8",
    )
    (error,) = load_rules(tmp_path).errors
    assert hint in error.hint
    assert error.where == f"{path}:4:12"
