"""What every `EventStore` does, with identical assertions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sentinel.domain.event import Event, LogSource
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.events_segments import SegmentEventStore
from sentinel.store.ports import EventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Make = Callable[[], EventStore]


@pytest.fixture(params=["memory", "segments", "segments, small files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    makers: dict[str, Make] = {
        "memory": MemoryEventStore,
        "segments": lambda: SegmentEventStore(tmp_path, SEALER),
        "segments, small files": lambda: SegmentEventStore(tmp_path, SEALER, segment_bytes=1),
    }
    made = makers[request.param]()
    yield made
    made.close()


def event(number: int, at: datetime | None = None) -> Event:
    return Event(
        id=f"{number:032x}",
        time=at or NOON + number * HOUR,
        source="crm",
        ref=f"crm#{number}",
        logsource=LogSource(category="audit", product="application", service="crm"),
        fields={
            "user.name": f"usr_{number % 3}",
            "sentinel.subject": ["sub_a", "sub_b"],
            "sentinel.record_count": number,
            "sentinel.mfa": number % 2 == 0,
            "rate": 0.5,
            "nothing": None,
        },
        sealed=bytes([number % 256]) * 40,
    )


def ids(events: Iterator[Event] | Sequence[Event]) -> list[int]:
    return [int(event.id, 16) for event in events]


def test_an_empty_store(store: EventStore) -> None:
    assert store.stored_offset() == -1
    assert store.count() == 0
    assert store.get("0" * 32) is None
    assert list(store.search()) == []


def test_an_event_comes_back_whole(store: EventStore) -> None:
    events = [event(number) for number in range(5)]
    assert store.append(events, last_offset=4) == 5
    assert store.stored_offset() == 4
    assert store.count() == 5
    assert [store.get(one.id) for one in events] == events
    assert list(store.search()) == events
    assert store.get("f" * 32) is None


def test_a_batch_at_or_below_the_stored_offset_is_ignored(store: EventStore) -> None:
    assert store.append([event(0), event(1)], last_offset=1) == 2
    assert store.append([event(0), event(1)], last_offset=1) == 0
    assert store.append([event(7)], last_offset=0) == 0
    assert store.get(event(7).id) is None
    assert store.append([event(2)], last_offset=2) == 1
    assert ids(list(store.search())) == [0, 1, 2]


def test_an_event_sent_twice_is_stored_once(store: EventStore) -> None:
    assert store.append([event(0), event(0), event(1)], last_offset=2) == 2
    assert store.append([event(1, NOON + 90 * HOUR), event(2)], last_offset=4) == 1
    assert store.count() == 3
    assert ids(list(store.search())) == [0, 1, 2]
    assert store.get(event(1).id) == event(1), "the first one stays"


def test_offsets_may_jump_and_a_batch_may_be_empty(store: EventStore) -> None:
    assert store.append([event(0)], last_offset=10) == 1
    assert store.append([], last_offset=20) == 0
    assert store.stored_offset() == 20
    assert store.append([event(1)], last_offset=21) == 1


def test_search_is_by_time_whatever_the_order_of_arrival(store: EventStore) -> None:
    order = [40, 3, 100, 0, 77, 5, 30, 8]
    for offset in range(0, len(order), 2):
        store.append([event(n) for n in order[offset : offset + 2]], last_offset=offset + 1)
    assert ids(list(store.search())) == sorted(order)


def test_events_of_the_same_instant_keep_their_order_of_arrival(store: EventStore) -> None:
    for offset, number in enumerate([9, 2, 5]):
        store.append([event(number, NOON)], last_offset=offset)
    assert ids(list(store.search())) == [9, 2, 5]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (NOON + 3 * HOUR, None, [3, 4, 5, 6, 7, 8, 9]),
        (None, NOON + 3 * HOUR, [0, 1, 2]),
        (NOON + 2 * HOUR, NOON + 5 * HOUR, [2, 3, 4]),
        (NOON + 2 * HOUR, NOON + 2 * HOUR, []),
        (NOON + timedelta(microseconds=1), NOON + HOUR, []),
        (NOON - 100 * HOUR, NOON, []),
        (NOON + 100 * HOUR, None, []),
    ],
)
def test_since_is_included_and_until_is_not(
    store: EventStore, since: datetime | None, until: datetime | None, expected: list[int]
) -> None:
    store.append([event(number) for number in range(10)], last_offset=9)
    assert ids(list(store.search(since=since, until=until))) == expected


def test_days_are_utc_days_in_whatever_zone_the_question_is_put(store: EventStore) -> None:
    midnight = datetime(2026, 1, 3, tzinfo=UTC)
    store.append(
        [event(0, midnight - timedelta(microseconds=1)), event(1, midnight)], last_offset=1
    )
    paris = timezone(HOUR)
    assert ids(list(store.search(since=datetime(2026, 1, 3, 1, tzinfo=paris)))) == [1]
    assert ids(list(store.search(until=datetime(2026, 1, 3, 1, tzinfo=paris)))) == [0]


def test_a_filter_and_a_limit(store: EventStore) -> None:
    store.append([event(number) for number in range(60)], last_offset=59)

    def of_one_user(one: Event) -> bool:
        return one.text("user.name") == "usr_1"

    assert ids(list(store.search(where=of_one_user))) == list(range(1, 60, 3))
    assert ids(list(store.search(where=of_one_user, limit=4))) == [1, 4, 7, 10]
    assert ids(list(store.search(limit=30))) == list(range(30))
    assert ids(list(store.search(limit=0))) == []
    assert ids(list(store.search(limit=600))) == list(range(60))


def test_a_search_sees_what_was_there_when_it_began(store: EventStore) -> None:
    store.append([event(0), event(1)], last_offset=1)
    search = store.search()
    first = next(search)
    store.append([event(2)], last_offset=2)
    assert ids([first, *search]) == [0, 1]


def test_readers_in_other_threads_see_whole_batches(store: EventStore) -> None:
    faults: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            known = store.count()
            seen = ids(list(store.search()))
            if len(seen) < known or len(seen) % 10 or seen != sorted(seen):
                faults.append(f"{known} known, saw {seen}")
            if known and store.get(event(known - 1).id) is None:
                faults.append(f"event {known - 1} is missing")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for first in range(0, 200, 10):
        store.append([event(first + n) for n in range(10)], last_offset=first + 9)
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert store.count() == 200


def test_a_batch_over_many_days(store: EventStore) -> None:
    events = [event(day, NOON + day * 24 * HOUR) for day in range(60)]
    assert store.append(events, last_offset=59) == 60
    assert list(store.search()) == events


def test_close_may_be_called_twice(store: EventStore) -> None:
    store.close()
    store.close()
