"""The model's process in earnest: real PyOD, real pipes, real deaths."""

import asyncio
import importlib.util
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from sentinel.content import content_dir
from sentinel.detect.behaviour import scorer as scorer_module
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.sessions import Limits, Session, Sessions
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event, LogSource, Value
from sentinel.errors import ContentError, MissingExtra, UnreadableFile

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")


def request(key: str, at: datetime, path: str, **extra: Value) -> Event:
    fields: dict[str, Value] = {
        "sentinel.session": key,
        "http.request.method": "GET",
        "url.path": path,
        "http.response.status_code": 200,
        "http.response.body.bytes": 4_000,
    }
    name = f"{key}-{at.timestamp()}-{path}"
    return Event(
        id=name, time=at, source="www", ref=f"www#{name}", logsource=WEB, fields=fields | extra
    )


def people(seed: int, size: int = 90) -> list[Event]:
    random, events = Random(seed), []
    for number in range(size):
        at = START + timedelta(minutes=random.uniform(0, 600))
        for _ in range(random.randint(5, 14)):
            for path in ("/files", f"/files/{random.randint(1, 90_000)}"):
                events.append(request(f"p{number}", at, path))
                at += timedelta(seconds=1 + random.expovariate(1 / 15))
    return sorted(events, key=lambda event: event.time)


def walker(begin: datetime = START + timedelta(hours=2)) -> list[Event]:
    who: dict[str, Value] = {"user.name": "sub_w", "sentinel.actor.kind": "customer"}
    return [
        request("walker", begin + timedelta(seconds=6 * n), f"/files/{9_000 - n}", **who)
        for n in range(120)
    ]


def sessions_of(events: list[Event]) -> list[Session]:
    sessions = Sessions()
    sessions.add(events)
    return sessions.flush()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    train(people(1), path)
    return path


@pytest.fixture
async def scorer(folder: Path) -> AsyncIterator[Scorer]:
    found = Scorer(folder, pause=0.01)
    await found.start()
    yield found
    await found.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited is another process
            await asyncio.sleep(0.01)


def watch(scorer: Scorer, **options: object) -> Behaviour:
    return Behaviour(scorer, load_model_rule(content_dir("rules")), **options)  # type: ignore[arg-type]


async def test_scores_come_in_the_order_of_the_sessions(scorer: Scorer) -> None:
    sessions = sessions_of(people(2, 20) + walker())
    scores = await scorer.score(sessions)
    above = [
        one.key
        for one, score in zip(sessions, scores, strict=True)
        if score is not None and score.value > score.threshold
    ]
    assert above == ["walker"]
    assert await scorer.score([]) == []


async def test_a_killed_process_is_started_again_and_nothing_is_lost(scorer: Scorer) -> None:
    sessions = sessions_of(walker())
    before = await scorer.score(sessions)
    for _ in range(3):
        pid = scorer.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert await scorer.score(sessions) == before
    assert scorer.restarts == 3
    assert scorer.unscorable == 0


async def test_a_process_that_hangs_is_replaced(folder: Path) -> None:
    scorer = Scorer(folder, pause=0.01, answer_within=20)
    await scorer.start()
    scorer._answer_within = 0.3  # the start needs longer than an answer
    pid = scorer.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    asking = asyncio.create_task(scorer.score(sessions_of(walker())))
    await until(lambda: scorer.last_failure != "")
    scorer._answer_within = 20
    [score] = await asking
    assert score is not None
    assert scorer.pid != pid
    await scorer.stop()


async def test_asking_can_be_cancelled(scorer: Scorer) -> None:
    sessions = sessions_of(people(3, 60))
    asking = asyncio.create_task(scorer.score(sessions))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(await scorer.score(sessions)) == len(sessions)


async def test_a_session_that_kills_the_process_is_given_up_alone(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that dies on one path stands for a fault in native code."""
    (tmp_path / "fragile.py").write_text(
        "import os, sys\n"
        "from sentinel.detect.behaviour import model, worker\n"
        "score = model.Model.score\n"
        "def fragile(self, sessions):\n"
        "    if any(step.path == '/poison' for steps in sessions for step in steps):\n"
        "        os._exit(9)\n"
        "    return score(self, sessions)\n"
        "model.Model.score = fragile\n"
        "sys.exit(worker.main(sys.argv[1:]))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(scorer_module, "_WORKER", "fragile")
    monkeypatch.setattr(scorer_module, "_ATTEMPTS", 1)
    await scorer.stop()
    poison = [request("bad", START + timedelta(seconds=n), "/poison") for n in range(9)]
    sessions = sessions_of(people(4, 3) + poison)
    scores = await scorer.score(sessions)
    assert [one.key for one, score in zip(sessions, scores, strict=True) if score is None] == [
        "bad"
    ]
    assert scorer.unscorable == 1


async def test_start_says_what_is_wrong_with_the_model(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="train one"):
        await Scorer(tmp_path).start()
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "features.npz").write_bytes(b"PK")
    with pytest.raises(ContentError, match="not the one that was trained"):
        await Scorer(tmp_path).start()


async def test_a_missing_extra_says_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyod" else found(name)
    )
    with pytest.raises(MissingExtra, match=r"pip install 'sentinel-rgpd\[behaviour\]'"):
        await Scorer(folder).start()


async def test_the_watch_finds_the_walker_while_events_arrive(scorer: Scorer) -> None:
    behaviour = watch(scorer)
    await behaviour.start()
    events = sorted(people(5) + walker(), key=lambda event: event.time)
    findings = []
    for begin in range(0, len(events), 100):
        await behaviour.process(events[begin : begin + 100])
        findings += behaviour.take()
    assert [finding.actor for finding in findings] == ["sub_w"]  # before the end of the input
    findings += await behaviour.flush()
    assert len(findings) == 1
    [finding] = findings
    assert finding.subjects == ("sub_w",)
    assert finding.event_count == 120
    assert len(finding.reasons) == 4
    health = behaviour.health
    assert health.open == health.waiting == 0
    assert health.scored == 91
    await behaviour.stop()


async def test_silence_closes_sessions_when_time_is_told(scorer: Scorer) -> None:
    behaviour = watch(scorer)
    await behaviour.start()
    await behaviour.process(walker())
    last = walker()[-1].time
    assert await behaviour.advance(last + timedelta(minutes=39)) == []
    [finding] = await behaviour.advance(last + timedelta(minutes=41))
    assert finding.rule.slug == "unusual_navigation"
    assert await behaviour.advance(last + timedelta(hours=9)) == []
    await behaviour.stop()


async def test_detection_goes_on_while_scoring_is_down(folder: Path) -> None:
    scorer = Scorer(folder, pause=0.01)
    behaviour = watch(scorer)
    await behaviour.start()
    pid = scorer.pid
    assert pid is not None
    hidden = folder / "manifest.json"
    kept = hidden.read_bytes()
    hidden.unlink()  # the process cannot come back before this is healed
    try:
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not scorer.up)
        await behaviour.process(walker())
        assert await behaviour.advance(START + timedelta(hours=9)) == []
        assert behaviour.health.waiting == 1
        assert not behaviour.health.scoring
        await until(lambda: behaviour.health.restarts >= 2)
        assert behaviour.health.last_failure != ""
    finally:
        hidden.write_bytes(kept)
    [finding] = await behaviour.flush()
    assert finding.actor == "sub_w"
    await behaviour.stop()


async def test_an_unforeseen_fault_costs_one_batch_and_is_counted(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour = watch(scorer)
    await behaviour.start()
    with monkeypatch.context() as patch:
        patch.setattr("sentinel.detect.behaviour.monitor.finding_of", lambda *_: 1 / 0)
        await behaviour.process(walker())
        assert await behaviour.flush() == []
    assert behaviour.health.lost == 1
    assert behaviour.health.waiting == 0
    await behaviour.process(walker(START + timedelta(hours=5)))
    [finding] = await behaviour.flush()
    assert finding.actor == "sub_w"
    await behaviour.stop()


async def test_a_long_outage_is_bounded_and_counted(folder: Path) -> None:
    scorer = Scorer(folder)
    behaviour = watch(scorer, most_waiting=5)  # never started: nothing is scored
    await behaviour.process(people(6))
    await behaviour.advance(START + timedelta(days=2))
    health = behaviour.health
    assert health.waiting == 5
    assert health.lost == 90 - 5


async def test_r03_one_person_twice_is_two_sessions_without_a_link(scorer: Scorer) -> None:
    behaviour = watch(scorer, limits=Limits(idle=timedelta(minutes=30)))
    await behaviour.start()
    morning, evening = walker(), walker(START + timedelta(hours=8))
    await behaviour.process(morning)
    [first] = await behaviour.advance(START + timedelta(hours=6))
    await behaviour.process(evening)
    [second] = await behaviour.advance(START + timedelta(hours=12))
    assert first.score == second.score  # the second was not judged by the first
    assert first.id != second.id
    assert not set(first.events) & set(second.events)
    await behaviour.stop()
