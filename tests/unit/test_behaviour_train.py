"""Training and scoring on small populations: what stands out is found, what is normal is not.

The population here is not the demo's: other pages, other paces, so that nothing is tuned to it.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

from sentinel.clock import ManualClock
from sentinel.detect.behaviour.manifest import read_manifest
from sentinel.detect.behaviour.model import Model, Score
from sentinel.detect.behaviour.sessions import Sessions
from sentinel.detect.behaviour.train import train
from sentinel.domain.event import Event, LogSource
from sentinel.errors import ContentError, UnreadableFile

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")
FOLLOWS = {
    "/": ["/mailbox", "/mailbox", "/files", "/profile"],
    "/mailbox": ["/mailbox/{n}", "/mailbox/{n}", "/files", "/"],
    "/mailbox/{n}": ["/mailbox", "/mailbox", "/mailbox/{n}", "/files"],
    "/files": ["/files/{n}", "/files/{n}", "/mailbox", "/"],
    "/files/{n}": ["/files", "/files", "/files/{n}"],
    "/profile": ["/", "/mailbox"],
}


def request(key: str, at: datetime, path: str, status: int = 200) -> Event:
    return Event(
        id=f"{key}-{at.timestamp()}-{path}",
        time=at.replace(microsecond=0),
        source="www",
        ref="",
        logsource=WEB,
        fields={
            "sentinel.session": key,
            "http.request.method": "GET",
            "url.path": path,
            "http.response.status_code": status,
            "http.response.body.bytes": 4_000 + len(path),
        },
    )


def person(key: str, random: Random) -> Iterator[Event]:
    at = START + timedelta(hours=random.uniform(0, 20))
    pace, page = random.lognormvariate(2.5, 0.4), "/"
    for _ in range(random.randint(9, 40)):
        status = 404 if random.random() < 0.01 else 200
        yield request(key, at, page.replace("{n}", str(random.randint(1, 90_000))), status)
        at += timedelta(seconds=1 + random.expovariate(1 / pace))
        page = random.choice(FOLLOWS[page])


def population(seed: int, size: int = 220) -> list[Event]:
    random = Random(seed)
    return [event for number in range(size) for event in person(f"p{number}", random)]


def walker(seed: int, *, step: int = -1, pages: int = 150) -> list[Event]:
    """A session that opens every file in turn, at an even pace, and no list."""
    random, at = Random(seed), START + timedelta(hours=5)
    events = []
    for number in range(pages):
        at += timedelta(seconds=random.uniform(5, 7))
        events.append(request("walker", at, f"/files/{50_000 + step * number}"))
    return events


def scores(model: Model, events: list[Event]) -> dict[str, Score]:
    sessions = Sessions()
    sessions.add(events)
    found = sessions.flush()
    results = model.score([one.steps for one in found])
    return {one.key: score for one, score in zip(found, results, strict=True)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    train(population(1), path, seed=1, clock=ManualClock(START))
    return path


@pytest.mark.parametrize("seed", range(5))
def test_the_walker_is_found_and_nobody_else_on_any_seed(tmp_path: Path, seed: int) -> None:
    train(population(seed), tmp_path, seed=seed)
    found = scores(Model.load(tmp_path), population(seed + 500) + walker(seed))
    walk = found.pop("walker")
    assert walk.value > walk.threshold + 5  # nats: e^5 times rarer
    assert max(score.value / score.threshold for score in found.values()) < 1.0


@pytest.mark.parametrize("step", [-1, 1, -37])
def test_any_order_of_the_documents_stands_out(folder: Path, step: int) -> None:
    walk = scores(Model.load(folder), walker(3, step=step))["walker"]
    assert walk.value > walk.threshold
    assert "ordered_run" in [strong.name for strong in walk.strongest]


def test_reasons_are_three_and_true(folder: Path) -> None:
    for strong in scores(Model.load(folder), walker(3))["walker"].strongest:
        assert strong.value < strong.bound if strong.low else strong.value > strong.bound


def test_a_scanner_stands_out_too(folder: Path) -> None:
    at = START + timedelta(hours=3)
    events = [
        request("scan", at + timedelta(seconds=number), f"/old/{number:x}.bak", 404)
        for number in range(200)
    ]
    score = scores(Model.load(folder), events)["scan"]
    assert score.value > score.threshold


def test_one_bad_session_in_the_training_window_does_not_hide_the_next(tmp_path: Path) -> None:
    """KNN looks at three neighbours: an attack that was learnt once is still alone."""
    train(population(7) + walker(1), tmp_path)
    again = scores(Model.load(tmp_path), walker(2))["walker"]
    assert again.value > again.threshold


def test_a_larger_budget_lowers_the_threshold(tmp_path: Path) -> None:
    events = population(2)
    thresholds = [
        train(events, tmp_path / str(budget), budget=budget).threshold
        for budget in (0.01, 0.1, 1.0, 10.0, 100.0)
    ]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 5


def test_the_budget_holds_on_days_that_were_not_learnt(tmp_path: Path) -> None:
    """At 5 % of the sessions: over ten new days no more than that, and not far below."""
    train(population(2), tmp_path, budget=11 * 20 / 24)
    model = Model.load(tmp_path)
    above = total = 0
    for seed in range(900, 910):
        found = scores(model, population(seed))
        total += len(found)
        above += sum(score.value > score.threshold for score in found.values())
    assert 0.01 < above / total < 0.05


def test_the_manifest_says_what_was_learnt(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert manifest.created_at == START
    assert manifest.sessions == 220
    assert START <= manifest.window_from < manifest.window_to < START + timedelta(days=1)
    assert manifest.detector.endswith("pyod.models.knn.KNN and empirical tails")
    assert set(manifest.libraries) == {"python", "numpy", "pyod", "scikit-learn"}
    assert all(item.p1 <= item.median <= item.p99 for item in manifest.features)


def test_the_same_events_and_seed_give_the_same_model(folder: Path, tmp_path: Path) -> None:
    events = population(1)
    Random(4).shuffle(events)
    again = train(events, tmp_path, seed=1, clock=ManualClock(START))
    assert again.threshold == read_manifest(folder).threshold
    assert again.files["markov.json"] == read_manifest(folder).files["markov.json"]


def test_r03_the_model_names_nobody(folder: Path) -> None:
    names = ("manifest.json", "markov.json", "requests.json")
    written = "".join((folder / name).read_text() for name in names)
    assert '"p1"' in written  # the percentile; the sessions of this population are p0 to p219
    assert not any(f'"p{number}"' in written for number in range(2, 220) if number != 99)
    with np.load(folder / "features.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {
            "matrix", "centre", "spread", "requests", "request_centre", "request_spread",
        }  # fmt: skip
        assert all(array.dtype == np.float64 for array in stored.values())


def test_too_few_sessions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="60 are needed"):
        train(population(1, 20), tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ContentError, match="above zero"):
        train(population(1), tmp_path, budget=0)


@pytest.mark.parametrize("name", ["features.npz", "markov.json", "requests.json"])
def test_an_altered_file_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    with pytest.raises(ContentError, match="not the one that was trained") as caught:
        Model.load(tmp_path)
    assert caught.value.where == str(tmp_path / name)


def test_a_model_of_other_features_is_refused(tmp_path: Path, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["features"].pop()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ContentError, match="another version"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ContentError, match="not a model's manifest"):
        read_manifest(tmp_path)
    with pytest.raises(UnreadableFile):
        read_manifest(tmp_path / "nowhere")


def test_no_score_is_infinite(folder: Path) -> None:
    odd = [request("odd", START + timedelta(hours=n), "/" + "9" * 30, 599) for n in range(20)]
    still = [request("still", START, f"/files/{n}") for n in range(20)]
    for events in (odd, still):
        for score in scores(Model.load(folder), events).values():
            assert math.isfinite(score.value)


def test_the_service_imports_neither_numpy_nor_pyod() -> None:
    code = (
        "import sys, sentinel.detect.behaviour.monitor, sentinel.detect.behaviour.train;"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pyod', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
