"""The worker that compacts: on its own, told of trouble, ended by close."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.domain.event import Event
from sentinel.errors import StorageError
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LONG = 60.0


def event(number: int) -> Event:
    at = NOON + timedelta(seconds=number)
    return Event(id=f"{number:032x}", time=at, source="crm", ref="", fields={"n": number})


class Watched(EmbeddedEventStore):
    """Tells when a compaction has ended; the first ``refusals`` of them fail."""

    refusals = 0
    done: threading.Semaphore

    def compact(self) -> int:
        try:
            if self.refusals:
                self.refusals -= 1
                raise StorageError("no space left", where="events")
            return super().compact()
        finally:
            self.done.release()


def opened(folder: Path, **options: object) -> Watched:
    store = Watched(folder, SEALER, compact_at=10, **options)  # type: ignore[arg-type]
    store.done = threading.Semaphore(0)
    return store


def test_a_long_tail_is_compacted_without_being_told(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.append([event(number) for number in range(9)], last_offset=8)
    assert list(tmp_path.glob("*/*.col")) == []
    store.append([event(9)], last_offset=9)
    assert store.done.acquire(timeout=LONG)
    assert len(list(tmp_path.glob("*/*.col"))) == 1
    assert [one.fields["n"] for one in store.search()] == list(range(10))
    store.close()
    assert list(tmp_path.glob("*/*.seg")) == [], "what was replaced is gone"


def test_a_failure_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.store.events_embedded.PAUSE", 0.0)
    told: list[str] = []
    store = opened(tmp_path, on_trouble=told.append)
    store.refusals = 1
    store.append([event(number) for number in range(10)], last_offset=9)
    assert store.done.acquire(timeout=LONG)
    assert store.count() == 10
    store.append([event(10)], last_offset=10)
    assert store.done.acquire(timeout=LONG)
    store.close()
    assert ["no space left" in one for one in told] == [True]
    assert len(list(tmp_path.glob("*/*.col"))) == 1


def test_an_event_that_lies_in_a_column_file_is_not_stored_again(tmp_path: Path) -> None:
    store = EmbeddedEventStore(tmp_path, SEALER, compact_at=0)
    store.append([event(number) for number in range(10)], last_offset=9)
    store.compact()
    later = Event(id=event(3).id, time=NOON + timedelta(days=9), source="crm", ref="again")
    assert store.append([later, event(20)], last_offset=11) == 1
    assert store.get(event(3).id) == event(3)
    store.close()
