"""The same events give the same findings: shuffled, replayed, and after any death."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.sessions import Limits
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Finding

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")
LATENESS = timedelta(minutes=10)
LIMITS = Limits(most_visits=60)
BUDGET = 5
RUNS = int(os.environ.get("SENTINEL_REPLAY_RUNS", "3"))
"""Permutations, and histories of deaths, each; more on demand."""


def request(key: str, at: datetime, path: str) -> Event:
    name = f"{key}-{at.timestamp()}-{path}"
    return Event(
        id=name,
        time=at,
        source="www",
        ref=f"www#{name}",
        logsource=WEB,
        fields={
            "sentinel.session": key,
            "http.request.method": "GET",
            "url.path": path,
            "http.response.status_code": 200,
            "http.response.body.bytes": 4_000,
        },
    )


def people(seed: int, size: int) -> list[Event]:
    random, events = Random(seed), []
    for number in range(size):
        at = START + timedelta(minutes=random.uniform(0, 600))
        for _ in range(random.randint(5, 14)):
            for path in ("/files", f"/files/{random.randint(1, 90_000)}"):
                events.append(request(f"p{seed}-{number}", at, path))
                at += timedelta(seconds=1 + random.expovariate(1 / 15))
    return events


def walkers() -> list[Event]:
    """More odd sessions than the day's budget has room for, two of them over at one instant."""
    return [
        request(f"w{who}", START + timedelta(minutes=50 * (who // 2), seconds=4 * n), f"/files/{n}")
        for who in range(9)
        for n in range(40 + 30 * (who % 2))
    ]


STREAM = sorted(people(2, 30) + walkers(), key=lambda event: (event.time, event.id))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    train(people(1, 90), path)
    return path


@pytest.fixture
async def scorer(folder: Path) -> AsyncIterator[Scorer]:
    found = Scorer(folder, pause=0.01)
    await found.start()
    yield found
    await found.stop()


def watch(scorer: Scorer) -> Behaviour:
    return Behaviour(
        scorer,
        load_model_rule(content_dir("rules")),
        limits=LIMITS,
        lateness=LATENESS,
        findings_a_day=BUDGET,
    )


def shuffled(events: Sequence[Event], seed: int) -> list[Event]:
    """Return the events as they may arrive: each up to the lateness after its time, some twice."""
    random = Random(seed)
    arrivals = [
        (event.time + LATENESS * random.random() * 0.999, random.random(), event)
        for event in events
        for _ in range(1 + (random.random() < 0.1))
    ]
    return [event for *_, event in sorted(arrivals, key=lambda one: one[:2])]


def parts(events: Sequence[Event], seed: int) -> list[Sequence[Event]]:
    random, at, found = Random(seed), 0, []
    while at < len(events):
        size = random.randint(1, 400)
        found.append(events[at : at + size])
        at += size
    return found


async def findings_of(scorer: Scorer, events: Sequence[Event], seed: int) -> list[Finding]:
    one, found = watch(scorer), []
    await one.start()
    for part in parts(events, seed):
        await one.process(part)
        found += one.take()
    found += await one.flush()
    assert one._task is not None
    one._task.cancel()
    return found


def encoded(findings: Sequence[Finding]) -> bytes:
    return msgspec.json.encode(findings)


async def test_any_order_within_the_lateness_gives_the_same_bytes(scorer: Scorer) -> None:
    """Issue 7, "shuffling": the budget too cuts the same sessions, in the same order."""
    truth = await findings_of(scorer, STREAM, 0)
    assert len(truth) == BUDGET
    for seed in range(RUNS):
        again = await findings_of(scorer, shuffled(STREAM, seed), seed)
        assert encoded(again) == encoded(truth)


async def test_a_replay_gives_the_same_bytes(scorer: Scorer) -> None:
    truth = await findings_of(scorer, STREAM, 0)
    assert encoded(await findings_of(scorer, STREAM, 0)) == encoded(truth)
    assert encoded(await findings_of(scorer, STREAM, 99)) == encoded(truth)


async def test_killed_anywhere_the_findings_are_the_same(scorer: Scorer) -> None:
    """The service dies after any batch, the model's process in any batch; both more than once."""
    truth = {one.id: encoded([one]) for one in await findings_of(scorer, STREAM, 0)}
    for seed in range(RUNS):
        random = Random(seed)
        batches = parts(shuffled(STREAM, seed), seed)
        deaths = set(random.sample(range(len(batches)), 2))
        found: list[Finding] = []
        one = watch(scorer)
        await one.start()
        for at, part in enumerate(batches):
            if at in deaths:
                await _killed(one)
                one = watch(scorer)
                await one.start()
                one.rewind(STREAM[0].time - timedelta(hours=1))
                for past in batches[:at]:
                    await one.process(past)
                    found += one.take()
                one.rewind(None)
            if random.random() < 0.06 and scorer.pid:
                os.kill(scorer.pid, signal.SIGKILL)
            await one.process(part)
            found += one.take()
        found += await one.flush()
        await _killed(one)
        assert {one.id: encoded([one]) for one in found} == truth


async def _killed(one: Behaviour) -> None:
    """End a watch as a death does: nothing is flushed, what waited is lost."""
    assert one._task is not None
    one._task.cancel()
    await asyncio.wait([one._task])


async def test_the_rest_of_a_session_told_before_a_restart_is_not_told_again(
    scorer: Scorer,
) -> None:
    """A replay that begins within a session would find another session than the one told of."""
    cut = START + timedelta(minutes=2)
    rest = [event for event in STREAM if event.time >= cut]
    one = watch(scorer)
    await one.start()
    one.rewind(cut)
    await one.process(rest)
    one.rewind(None)
    found = [*one.take(), *await one.flush()]
    health = one.health
    await _killed(one)
    assert health.cut_by_restart >= 2
    assert [finding for finding in found if finding.time < cut + LIMITS.idle] == []


async def test_the_end_of_the_input_hands_over_no_more_than_may_wait(scorer: Scorer) -> None:
    rule = load_model_rule(content_dir("rules"))
    one = Behaviour(scorer, rule, lateness=timedelta(days=9), most_waiting=7)
    await one.start()
    await one.process(people(5, 30))
    await one.flush()
    health = one.health
    await _killed(one)
    assert (health.scored, health.lost, health.open) == (30, 0, 0)
