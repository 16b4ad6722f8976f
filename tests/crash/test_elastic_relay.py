"""Events on their way: the process killed, the server killed, one of both restored alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from elastic_server import ElasticServer
from process import free_port

from sentinel.config import EventStoreSettings
from sentinel.domain.hunt import Groups, Hunt
from sentinel.errors import StorageError
from sentinel.store.elastic.connect import connect
from sentinel.store.elastic.faults import EventsUnreachable
from sentinel.store.elastic.relay import RelayedEventStore
from sentinel.store.seal import AesGcmSealer

sys.path.insert(0, str(Path(__file__).parent))

from relay_life import WIDTH, batch

LIFE = Path(__file__).with_name("relay_life.py")
KILLS = int(os.environ.get("ELASTIC_KILLS", "2"))
SEALER = AesGcmSealer(bytes(32))
Settings = dict[str, object]


def relayed(folder: Path, settings: Settings, **other: object) -> RelayedEventStore:
    target = connect(EventStoreSettings.model_validate(settings | other), SEALER)
    return RelayedEventStore(folder, SEALER, target, patience=10)


@pytest.fixture
def dead(elastic_settings: Settings) -> Settings:
    """The settings with an address at which nobody listens."""
    return elastic_settings | {"url": f"https://127.0.0.1:{free_port()}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "on-their-way"


def offset(number: int) -> int:
    return number * WIDTH + WIDTH - 1


def ids(upto: int) -> list[str]:
    """Return the ids of the batches below ``upto``, by time."""
    return sorted({event.id for number in range(upto) for event in batch(number)})


@pytest.mark.slow
def test_a_process_killed_again_and_again_loses_and_doubles_nothing(
    folder: Path, elastic_settings: Settings
) -> None:
    chance, count = random.Random(3), 60
    settings = json.dumps(elastic_settings, default=str)
    command = [sys.executable, str(LIFE), settings, str(folder), str(count), "0.03"]
    told = -1
    for life in range(KILLS + 1):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            if life < KILLS:
                lines = [process.stdout.readline()]
                time.sleep(chance.uniform(0, 0.8))
                process.kill()
            else:
                lines = []
            lines += process.stdout.readlines()
        numbers = [int(line) for line in lines if line.strip()]
        assert not numbers or numbers[0] <= told + 2, "it goes on where it was, or one further"
        told = max([told, *numbers])
    assert process.returncode == 0
    store = relayed(folder, elastic_settings)
    try:
        assert store.stored_offset() == offset(count - 1)
        assert [event.id for event in store.search()] == ids(count)
        assert store.count() == len(ids(count))
    finally:
        store.close()


def test_while_the_server_is_away_events_are_kept_and_found_by_id(
    folder: Path, elastic_settings: Settings, dead: Settings
) -> None:
    first = relayed(folder, elastic_settings)
    first.append(batch(0), last_offset=offset(0))
    assert [event.id for event in first.search()] == ids(1)
    first.close()
    away = relayed(folder, dead)
    assert away.append(batch(0), last_offset=offset(0)) == 0
    for number in range(1, 4):
        assert away.append(batch(number), last_offset=offset(number)) == WIDTH
    assert away.stored_offset() == offset(3)
    with pytest.raises(EventsUnreachable):
        list(away.search())
    with pytest.raises(EventsUnreachable):
        away.aggregate(Hunt(), Groups(by=("user.name",)))
    assert "does not answer" in away.trouble
    assert away.get(batch(2)[0].id) == batch(2)[0]
    with pytest.raises(EventsUnreachable):
        away.get("f" * 32)
    assert away.count() >= 3 * WIDTH
    away.close()
    back = relayed(folder, elastic_settings)
    assert [event.id for event in back.search()] == ids(4)
    assert back.trouble == ""
    assert back.count() == len(ids(4))
    back.close()


def test_one_that_was_restored_alone_is_told_and_nothing_is_brought_on(
    tmp_path: Path, folder: Path, elastic: ElasticServer, elastic_settings: Settings
) -> None:
    store = relayed(folder, elastic_settings)
    for number in range(3):
        store.append(batch(number), last_offset=offset(number))
    assert len(list(store.search())) == len(ids(3))
    store.close()
    elastic.forget(str(elastic_settings["prefix"]))
    lost = relayed(folder, elastic_settings)
    lost.append(batch(3), last_offset=offset(3))
    if lost._batches._places[0].after >= 0:  # else all of it still lies here and is brought again
        with pytest.raises(StorageError, match="removed or restored alone"):
            list(lost.search())
    else:
        assert [event.id for event in lost.search()] == ids(4)
    lost.close()


def test_indices_ahead_of_the_data_directory(
    tmp_path: Path, folder: Path, elastic_settings: Settings
) -> None:
    store = relayed(folder, elastic_settings)
    store.append(batch(0), last_offset=offset(0))
    list(store.search())
    store.close()
    ahead = connect(EventStoreSettings.model_validate(elastic_settings), SEALER)
    ahead.append(batch(5), last_offset=offset(5))
    ahead.close()
    old = relayed(folder, elastic_settings)
    old.append(batch(1), last_offset=offset(1))
    with pytest.raises(StorageError, match="and this data directory at 13"):
        list(old.search())
    old.close()


def test_a_folder_belongs_to_one_process(folder: Path, dead: Settings) -> None:
    first = relayed(folder, dead)
    with pytest.raises(StorageError, match="another process writes here"):
        relayed(folder, dead)
    first.close()


def test_what_arrived_is_dropped_here(
    folder: Path, elastic_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.store.elastic.batches.SEGMENT_BYTES", 500)
    store = relayed(folder, elastic_settings)
    for number in range(20):
        store.append(batch(number), last_offset=offset(number))
    assert len(list(store.search())) == len(ids(20))
    end = time.monotonic() + 20
    while len(store._batches._places) > 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert len(store._batches._places) <= 2
    assert not any(b"usr_" in path.read_bytes() for path in folder.iterdir())
    store.close()
