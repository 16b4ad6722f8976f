"""Versions of a model, going back, and how far a population has drifted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

from sentinel.clock import ManualClock
from sentinel.detect.behaviour.drift import drift_of, stability_index
from sentinel.detect.behaviour.manifest import MANIFEST, MARKOV, DataDigest, read_manifest
from sentinel.detect.behaviour.train import train
from sentinel.detect.behaviour.versions import FOLDER, keep_version, roll_back, versions
from sentinel.domain.event import Event, LogSource
from sentinel.errors import ContentError

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")


def site(seed: int, *, root: str = "/files", size: int = 70) -> list[Event]:
    random, events = Random(seed), []
    for number in range(size):
        at = START + timedelta(days=seed, minutes=random.uniform(0, 600))
        for turn in range(random.randint(5, 14)):
            path = f"{root}/{random.randint(1, 9_000)}" if turn % 2 else root
            events.append(
                Event(
                    id=f"{seed}-{number}-{turn}",
                    time=at,
                    source="www",
                    ref="",
                    logsource=WEB,
                    fields={
                        "sentinel.session": f"ses_{seed}_{number}",
                        "http.request.method": "GET",
                        "url.path": path,
                        "http.response.status_code": 200,
                        "http.response.body.bytes": 4_000,
                    },
                )
            )
            at += timedelta(seconds=2 + random.expovariate(1 / 15))
    return events


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    for day in range(3):
        train(site(day), path, clock=ManualClock(START + timedelta(days=30 + day)))
        keep_version(path, most=5)
    return path


def test_each_training_is_a_version_and_going_back_can_be_undone(folder: Path) -> None:
    newest, middle, oldest = versions(folder)
    assert [one.current for one in (newest, middle, oldest)] == [True, False, False]
    before = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    assert roll_back(folder).name == middle.name
    assert read_manifest(folder).data_digest == middle.data_digest
    assert roll_back(folder).name == oldest.name
    with pytest.raises(ContentError, match="no older version"):
        roll_back(folder)
    assert roll_back(folder, newest.name).current
    assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == before


def test_an_unknown_version_and_a_spoilt_one_change_nothing(folder: Path) -> None:
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(ContentError, match="no version nowhere"):
        roll_back(folder, "nowhere")
    victim = versions(folder)[2].name
    good = (folder / FOLDER / victim / MARKOV).read_bytes()
    (folder / FOLDER / victim / MARKOV).write_bytes(good + b" ")
    with pytest.raises(ContentError, match="not the one that was trained"):
        roll_back(folder, victim)
    (folder / FOLDER / victim / MARKOV).write_bytes(good)
    assert (folder / MANIFEST).read_bytes() == before
    assert read_manifest(folder)


def test_only_so_many_are_kept_and_the_one_in_force_always(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    for path in folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    oldest = versions(copy)[2]
    roll_back(copy, oldest.name)
    keep_version(copy, most=1)
    assert [one.name for one in versions(copy) if one.current] == [oldest.name]
    assert len(versions(copy)) == 2


def test_no_model_has_no_version(tmp_path: Path) -> None:
    assert versions(tmp_path) == []
    with pytest.raises(ContentError, match="there is no model"):
        keep_version(tmp_path, most=3)


def test_the_data_digest_forgets_the_order_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    events = site(2)
    Random(1).shuffle(events)
    assert train(events, tmp_path).data_digest == read_manifest(folder).data_digest
    one, other = DataDigest(), DataDigest()
    one.of("a")
    one.of("b")
    other.of("a")
    assert one.hex != other.hex
    assert len(one.hex) == 64


def test_the_same_site_is_stable_and_another_one_is_not(folder: Path) -> None:
    same = drift_of(site(9), folder)
    assert not same.retrain
    assert same.unseen_pages == 0
    other = drift_of(site(9, root="/shop/items/new"), folder)
    assert other.retrain
    assert other.word == "another"
    assert other.unseen_pages == 1
    assert other.features[0].index > same.features[0].index
    with pytest.raises(ContentError, match="60 are needed"):
        drift_of(site(9, size=20), folder)


def test_the_index_is_nought_for_the_same_and_grows_with_the_shift() -> None:
    random = np.random.default_rng(1)
    then = random.normal(size=5_000)
    assert stability_index(then, then) == pytest.approx(0)
    assert stability_index(then, random.normal(size=5_000)) < 0.01
    shifts = [stability_index(then, then + shift) for shift in (0.2, 0.5, 1.0)]
    assert shifts == sorted(shifts)
    assert shifts[2] > 0.25
    assert stability_index(np.zeros(100), np.ones(100)) > 1


def test_what_is_kept_of_navigation_names_nobody(folder: Path) -> None:
    """Promise R-03: a model holds counts and figures, no session, no customer, no instant."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for person in (b"ses_", b"sub_", b"usr_", b"ip_"):
                assert person not in content
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    assert {"seed", "libraries", "features", "data_digest", "threshold"} <= set(manifest)
