"""A changed folder is tested and swapped in whole, an error keeps the old set, windows go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sentinel.clock import ManualClock
from sentinel.content import content_dir
from sentinel.detect.detector import Detector
from sentinel.detect.engine import RuleEngine
from sentinel.detect.reload import RuleWatch, content_digest, rules_in_force
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event, LogSource
from sentinel.errors import ContentError

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
GUESSES = """\
title: Guesses
name: guesses
id: 22222222-2222-4222-8222-222222222222
correlation: {type: event_count, rules: missing_page, group-by: source.ip, timespan: 10m,
  condition: {gte: 3}}
---
title: Missing page
id: 11111111-1111-4111-8111-111111111111
name: missing_page
logsource: {category: webserver}
detection: {s: {http.response.status_code: 404}, condition: s}
"""
ERRORS = """\
title: Server error
id: 33333333-3333-4333-8333-333333333333
logsource: {category: webserver}
detection: {s: {http.response.status_code: 500}, condition: s}
"""
TEST = "match: [{http.response.status_code: 500}]\nno_match: [{http.response.status_code: 200}]\n"
EXCEPTION = """\
rule: errors
when: {source.ip: 192.0.2.9}
reason: A robot of ours that is known to fail
owner: web team
expires: 2026-01-05
"""


class House:
    """A detector whose rules are watched; `swap` is what the service's consumer offers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW)
        first = rules_in_force(folder, NOW)
        scope = ScopeEngine(load_scope(content_dir("rules") / "scopes"), FactIndex([]))
        self.detector = Detector(scope=scope, rules=engine(first.ruleset))
        self.swapped: list[tuple[str, ...]] = []
        self.watch = RuleWatch(folder, first, make_engine=engine, swap=self.swap, clock=self.clock)

    async def swap(self, rules: RuleEngine) -> tuple[str, ...]:
        self.swapped.append(self.detector.swap(rules))
        return self.swapped[-1]

    async def found(self, *events: Event) -> list[str]:
        judged = await self.detector.process(events)
        return [finding.rule.slug for finding in judged.findings]


def engine(ruleset: RuleSet) -> RuleEngine:
    return RuleEngine(ruleset, lateness=timedelta())


def page(second: int, status: int, *, ip: str = "192.0.2.7") -> Event:
    fields: dict[str, Any] = {"http.response.status_code": status, "source.ip": ip}
    return Event(
        id=f"{second:032x}",
        time=NOW + timedelta(seconds=second),
        source="www",
        ref=f"www#{second}",
        logsource=LogSource(category="webserver"),
        fields=fields,
    )


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "exceptions").mkdir()
    (tmp_path / "pages.yml").write_text(GUESSES)
    (tmp_path / "errors.yml").write_text(ERRORS)
    (tmp_path / "errors.test.yml").write_text(TEST)
    return House(tmp_path)


def edit(house: House, name: str, old: str, new: str) -> None:
    path = house.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class TestTakingOver:
    async def test_a_changed_rule_judges_the_next_batch(self, house: House) -> None:
        assert await house.found(page(1, 500), page(2, 502)) == ["errors"]
        edit(house, "errors.yml", "status_code: 500", "status_code: [500, 502]")
        assert await house.watch.look()
        assert await house.found(page(3, 500), page(4, 502)) == ["errors", "errors"]

    async def test_nothing_happens_where_nothing_changed(self, house: House) -> None:
        (house.folder / "notes.md").write_text("no rule")
        (house.folder / "errors.yml").touch()
        assert not await house.watch.look()
        assert house.swapped == []

    async def test_a_rule_that_is_gone_is_silent(self, house: House) -> None:
        (house.folder / "errors.yml").unlink()
        (house.folder / "errors.test.yml").unlink()
        assert await house.watch.look()
        assert await house.found(page(1, 500)) == []

    async def test_the_system_reports_changes(self, house: House) -> None:
        async with listening(house.watch):
            edit(house, "errors.yml", "status_code: 500", "status_code: [500, 502]")
            async with asyncio.timeout(30):
                while not house.swapped:
                    await asyncio.sleep(0.02)
                    (house.folder / "errors.yml").touch()  # the watcher may start after the edit
        assert await house.found(page(1, 502)) == ["errors"]


class TestWindows:
    async def test_an_unchanged_correlation_keeps_what_it_counted(self, house: House) -> None:
        assert await house.found(page(1, 404), page(2, 404)) == []
        edit(house, "errors.yml", "Server error", "Server errors")
        assert await house.watch.look()
        assert house.swapped == [("22222222-2222-4222-8222-222222222222",)]
        # The two hits before the swap count: the third completes the burst.
        assert await house.found(page(3, 404), page(4, 200)) == ["guesses"]

    async def test_a_changed_correlation_begins_anew(self, house: House) -> None:
        await house.found(page(1, 404), page(2, 404))
        edit(house, "pages.yml", "gte: 3", "gte: 2")
        assert await house.watch.look()
        assert house.swapped == [()]
        assert await house.found(page(3, 404), page(4, 200)) == []

    async def test_so_does_one_whose_rule_changed(self, house: House) -> None:
        edit(house, "pages.yml", "status_code: 404", "status_code: [403, 404]")
        assert await house.watch.look()
        assert house.swapped == [()]


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "old", "new", "says"),
        [
            ("errors.yml", "condition: s", "condition: selection", "errors.yml:4:"),
            ("errors.yml", "detection:", "\tdetection:", "not YAML"),
            ("errors.yml", "status_code: 500", "status_code: 501", "match 1"),
            ("pages.yml", "rules: missing_page", "rules: mising_page", "mising_page"),
        ],
    )
    async def test_the_old_set_stays_and_says_so(
        self, house: House, name: str, old: str, new: str, says: str
    ) -> None:
        edit(house, name, old, new)
        assert not await house.watch.look()
        assert house.swapped == []
        assert says in str(house.watch.status()["error"])
        assert await house.found(page(1, 500)) == ["errors"]
        edit(house, name, new, old)
        assert await house.watch.look()
        assert house.watch.status()["error"] == ""

    async def test_a_folder_that_is_gone_changes_nothing(self, house: House) -> None:
        house.folder.rename(house.folder.with_name("elsewhere"))
        assert not await house.watch.look()
        assert house.watch.status()["error"] != ""
        assert await house.found(page(1, 500)) == ["errors"]

    async def test_a_bug_while_reading_does_not_end_the_watch(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edit(house, "errors.yml", "Server error", "Server errors")
        with monkeypatch.context() as patch:
            patch.setattr("sentinel.detect.reload.load_rules", lambda _path, **_: 1 // 0)
            assert not await house.watch.look()
        assert "ZeroDivisionError" in str(house.watch.status()["error"])

    def test_a_failing_test_refuses_the_set(self, house: House) -> None:
        edit(house, "errors.test.yml", "status_code: 200", "status_code: 500")
        with pytest.raises(ContentError, match="no_match 1: the rule matches"):
            rules_in_force(house.folder, NOW, tested=True)


class TestExceptions:
    async def test_one_is_taken_over_and_ends_by_itself(self, house: House) -> None:
        (house.folder / "exceptions" / "robot.yml").write_text(EXCEPTION)
        assert await house.watch.look()
        assert await house.found(page(1, 500, ip="192.0.2.9")) == []
        assert house.watch.status()["expired_exceptions"] == []
        house.clock.advance(timedelta(days=1))
        assert house.watch.status()["expired_exceptions"] == ["errors (web team, 2026-01-05)"]
        assert await house.watch.look()
        assert await house.found(page(2, 500, ip="192.0.2.9")) == ["errors"]
        assert not await house.watch.look()


def test_the_digest_sees_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("x")
    seen = {content_digest(tmp_path)}
    (tmp_path / "a.yml").rename(tmp_path / "b.yml")
    seen.add(content_digest(tmp_path))
    (tmp_path / "b.yml").write_text("y")
    seen.add(content_digest(tmp_path))
    assert len(seen) == 3
    (tmp_path / "scopes").mkdir()
    (tmp_path / "scopes" / "staff.yml").write_text("read at start only")
    assert content_digest(tmp_path) in seen


@asynccontextmanager
async def listening(watch: RuleWatch) -> AsyncIterator[None]:
    watch.start()
    try:
        yield
    finally:
        await watch.stop()
