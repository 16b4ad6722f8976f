"""A consumer that dies at random points: correlations lose nothing and double nothing.

The spool, the case store, the sealer and the rules are the real ones; only the process is not
killed but thrown away, at a point drawn at random: before the transaction, inside it, after it. A
few real processes are killed for good measure.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.collect.spool import Spool
from sentinel.content import content_dir
from sentinel.detect.consumer import Consumer
from sentinel.detect.detector import Detector, Judged
from sentinel.detect.diary import Diary, States, stored_states
from sentinel.detect.engine import RuleEngine
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.finding import Finding
from sentinel.respond.fold import Folder
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
OFFSET = "offset"
EVENTS = 6000
KILLS = int(os.environ.get("SENTINEL_KILLS", "3"))  # of real processes
PEACE = 600.0
LATENESS = timedelta(seconds=60)
SEALER = AesGcmSealer(bytes(32))
Row = tuple[str, str, str, str, int, int, tuple[str, ...]]


class Killed(BaseException):
    """The process died."""


class Watch:
    """A clock that stands still: every life judges by the same instant."""

    def __init__(self) -> None:
        self.instant = START + timedelta(hours=1)

    def now(self) -> datetime:
        return self.instant


class Death:
    """Raises at the n-th of the points where the process may die."""

    def __init__(self, after: int) -> None:
        self._left = after

    def point(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


BLOCKS: list[dict[str, Any]] = [
    {"type": "event_count", "rules": "a", "condition": {"gte": 12}},
    {"type": "value_count", "rules": ["a", "b"], "condition": {"gte": 5, "field": "u"}},
    {"type": "temporal_ordered", "rules": ["b", "a"]},
    {"type": "event_count", "rules": ["a", "b"], "condition": {"eq": 7}},
    {"type": "value_sum", "rules": ["a"], "condition": {"gt": 60.5, "field": "n"}},
    {"type": "value_median", "rules": ["a", "b"], "condition": {"gte": 6, "field": "n"}},
    {"type": "temporal", "condition": "c0 and not c4", "timespan": "2m"},
]
NUMBERS: list[Value] = [1, 2.5, 9, "7"]


def write_rules(folder: Path) -> RuleSet:
    base: list[dict[str, Any]] = [
        {
            "title": act,
            "name": act,
            "logsource": {"category": "test"},
            "detection": {"s": {"act": act}, "condition": "s"},
            "level": "informational",
        }
        for act in "ab"
    ]
    correlations = [
        {
            "title": f"c{n}",
            "name": f"c{n}",
            "correlation": {"timespan": "20s", "group-by": "ip", "generate": True, **block},
        }
        for n, block in enumerate(BLOCKS)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "all.yml").write_text(yaml.safe_dump_all([*base, *correlations]))
    return load_rules(folder).require_clean()


def events() -> list[Event]:
    """Return events a second apart or less, out of order within the lateness, with duplicates."""
    rng = random.Random(3)
    ordered = [
        Event(
            id=f"e{n}",
            time=START + timedelta(milliseconds=300 * n),
            source="s",
            ref=f"r{n}",
            logsource=LogSource(category="test"),
            fields={
                "act": rng.choice("aab"),
                "ip": f"192.0.2.{rng.randint(1, 9)}",
                "u": rng.choice("123456"),
                "n": rng.choice(NUMBERS),
            },
        )
        for n in range(EVENTS)
    ]
    arrivals = [event for event in ordered for _copy in range(rng.choice([1, 1, 1, 2]))]
    arrivals.sort(key=lambda event: event.time + timedelta(seconds=rng.uniform(0, 30)))
    return arrivals


class House:
    """One life of the process, over the folders of all lives."""

    def __init__(self, folder: Path, rules: RuleSet, death: Death) -> None:
        self.clock = Watch()
        self.death = death
        self.store = SqlCaseStore.open(folder / "cases.sqlite", SEALER, self.clock)
        self.spool = Spool.open(folder / "spool", SEALER, max_bytes=1 << 30)
        with self.store.begin() as tx:
            committed = int(tx.state.get(OFFSET) or b"-1")
            stored = stored_states(tx.state.get)
        scope = ScopeEngine(load_scope(content_dir("rules") / "scopes"), FactIndex([]))
        engine = RuleEngine(rules, lateness=LATENESS)
        self.folder = Folder(self.clock, window=timedelta(hours=1), route=lambda _alert: ())
        self.consumer = Consumer(
            self.spool,
            Detector(scope=scope, rules=engine),
            committed=committed,
            diary=Diary(SEALER),
            stored=stored,
            sink=self.take,
            on_findings=self.fold,
            clock=self.clock,
        )

    async def take(self, judged: Judged, last: int) -> None:
        self.death.point()
        with self.store.begin() as tx:
            self._write(tx, (*judged.findings, *judged.navigation), judged.state)
            tx.state.put(OFFSET, str(last).encode())
            self.death.point()
        self.death.point()

    async def fold(self, findings: list[Finding], state: States) -> None:
        self.death.point()
        with self.store.begin() as tx:
            self._write(tx, findings, state)
            self.death.point()
        self.death.point()

    def _write(self, tx: Any, findings: Any, state: States) -> None:
        fresh = [finding for finding in findings if not tx.alerts.has_finding(finding.id)]
        assert len(fresh) == len(findings), "a finding was handed over twice"
        self.folder.fold(tx, findings)
        for name, value in state.items():
            tx.state.put(name, value)

    async def run(self) -> None:
        """Judge everything in slices; now and then time passes in between."""
        self.seen = await self.consumer.warm_up(timedelta(hours=25))
        while self.consumer.lag:
            self.death.point()
            await self.consumer.step()
        await self.consumer.tick(force=True)

    async def close(self) -> None:
        await self.spool.close()
        self.store.close()


def alerts(folder: Path) -> list[Row]:
    store = SqlCaseStore.open(folder / "cases.sqlite", SEALER, Watch())
    try:
        with store.begin() as tx:
            found = tx.alerts.find(limit=100_000)
            return sorted(
                (a.rule.slug, a.actor, str(a.first), str(a.last), a.count, a.event_count, a.refs)
                for a in found
            )
    finally:
        store.close()


async def fill(folder: Path) -> None:
    spool = Spool.open(folder / "spool", SEALER, max_bytes=1 << 30)
    everything = events()
    for start in range(0, len(everything), 1000):
        await spool.append(everything[start : start + 1000])
    await spool.close()


async def live(folder: Path, rules: RuleSet, after: int) -> tuple[bool, int]:
    """Live until death or the end; return whether it is the end, and what was judged again."""
    house = House(folder, rules, Death(after))
    try:
        await house.run()
    except Killed:
        return False, getattr(house, "seen", 0)
    else:
        return True, house.seen
    finally:
        await house.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Return the alerts of a life without death."""
    folder = tmp_path_factory.mktemp("whole")
    rules = write_rules(folder / "rules")

    async def whole() -> None:
        await fill(folder)
        assert (await live(folder, rules, 0))[0]

    asyncio.run(whole())
    return alerts(folder)


@pytest.mark.slow
def test_two_hundred_deaths_lose_nothing_and_double_nothing(
    tmp_path: Path,
    expected: list[Row],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sentinel.detect.diary.FEWEST_EVENTS", 500)
    monkeypatch.setattr("sentinel.detect.consumer.SLICE", 64)
    rng = random.Random(11)
    deaths = judged_again = lives = 0

    async def lives_of(folder: Path, rules: RuleSet) -> None:
        nonlocal deaths, judged_again
        await fill(folder)
        done = False
        while not done:
            done, again = await live(folder, rules, rng.randint(1, 12))
            deaths += not done
            judged_again = max(judged_again, again)

    while deaths < 200:
        folder = tmp_path / str(lives)
        folder.mkdir()
        asyncio.run(lives_of(folder, write_rules(folder / "rules")))
        assert alerts(folder) == expected
        lives += 1
    found = sum(row[4] for row in expected)
    with capsys.disabled():
        print(
            f"\n{deaths} deaths in {lives} runs of {EVENTS} events: the same {len(expected)} alerts"
            f" of {found} findings; at most {judged_again} events judged again at a start"
        )
    assert len(expected) == len(BLOCKS)
    assert found > 200
    assert judged_again < EVENTS / 3


@pytest.mark.slow
def test_a_killed_process_is_continued_by_the_next(
    tmp_path: Path, expected: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(5)
    killed = runs = 0
    while killed < KILLS:
        folder = tmp_path / str(runs)
        folder.mkdir()
        write_rules(folder / "rules")
        asyncio.run(fill(folder))
        for _life in range(6):  # then in peace: on a busy machine no life would get far
            code = _process(folder, rng.uniform(0.0, 0.25))
            killed += code == -signal.SIGKILL
            if code == 0:
                break
        else:
            assert _process(folder, PEACE) == 0
        assert alerts(folder) == expected
        runs += 1
    with capsys.disabled():
        print(f"\n{killed} processes killed in {runs} runs: the same {len(expected)} alerts")


def _process(folder: Path, seconds: float) -> int:
    """Start a process, kill it so many seconds after it opened; return how it ended."""
    with subprocess.Popen(
        [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            return process.wait()


def test_other_rules_do_not_take_over_what_was_counted(tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules")
    asyncio.run(fill(tmp_path))
    assert not asyncio.run(live(tmp_path, rules, 40))[0]
    text = (tmp_path / "rules" / "all.yml").read_text()
    (tmp_path / "rules" / "all.yml").write_text(text.replace("act: b", "act: [b, c]"))
    other = load_rules(tmp_path / "rules").require_clean()
    _done, again = asyncio.run(live(tmp_path, other, 1))
    assert again > 2000  # the whole past, in silence


async def test_after_a_prune_no_later_event_passes_as_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.detect.consumer.SLICE", 64)
    rules = write_rules(tmp_path / "rules")
    await fill(tmp_path)
    assert not (await live(tmp_path, rules, 40))[0]
    house = House(tmp_path, rules, Death(0))
    judged, read = house.consumer.offset, house.spool.read
    left = 10

    def rest(after: int, *, limit: int = 4096) -> list[tuple[int, Event]]:
        return read(max(after, judged - left), limit=limit)

    monkeypatch.setattr(house.spool, "read", rest)
    assert await house.consumer.warm_up(timedelta(hours=25)) == left
    await house.close()


async def _survive(folder: Path) -> None:
    house = House(folder, load_rules(folder / "rules").require_clean(), Death(0))
    print("open", flush=True)
    await house.run()
    await house.close()


if __name__ == "__main__":
    asyncio.run(_survive(Path(sys.argv[1])))
