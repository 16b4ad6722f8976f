"""What every `EventStore` does, with identical assertions."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from sentinel.config import EventStoreSettings
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.hunt import (
    ALWAYS,
    RETENTION,
    All,
    Any_,
    Condition,
    Exists,
    Groups,
    Hunt,
    In,
    Not,
    Op,
    Test,
)
from sentinel.domain.hunt_match import digest_of, holds
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.ports import EventStore
from sentinel.store.seal import AesGcmSealer

SEALER = AesGcmSealer(bytes(range(32)))
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Make = Callable[[], EventStore]


STORES = ["memory", "embedded", "embedded, small files", "embedded, compacted", "elasticsearch"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    made = make(request.param, tmp_path, request, "elastic_settings")
    yield made
    made.close()


@pytest.fixture(scope="module", params=STORES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EventStore]:
    """A store with sixty of `fields`, some in its lasting form. Asked, never changed."""
    folder = tmp_path_factory.mktemp("filled")
    made = make(request.param, folder, request, "module_elastic_settings")
    events = [fields(number) for number in range(60)]
    made.append(events[:25], last_offset=24)
    settle(made)
    made.append(events[25:], last_offset=59)
    yield made
    made.close()


def make(kind: str, folder: Path, request: pytest.FixtureRequest, server: str) -> EventStore:
    makers: dict[str, Make] = {
        "memory": MemoryEventStore,
        "embedded": lambda: EmbeddedEventStore(folder, SEALER),
        "embedded, small files": lambda: EmbeddedEventStore(
            folder, SEALER, segment_bytes=1, compact_at=7
        ),
        "embedded, compacted": lambda: Compacted(folder, SEALER),
        "elasticsearch": lambda: on_elastic(request.getfixturevalue(server)),
    }
    return makers[kind]()


def on_elastic(settings: dict[str, object]) -> EventStore:
    from sentinel.store.elastic.connect import connect

    return connect(EventStoreSettings.model_validate(settings), SEALER)


class Compacted(EmbeddedEventStore):
    """A store whose tail is never longer than one batch."""

    def append(self, events: Sequence[Event], *, last_offset: int) -> int:
        self.compact()
        return super().append(events, last_offset=last_offset)


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


def hunted(store: EventStore, hunt: Hunt) -> list[int]:
    return ids(store.hunt(hunt))


def fields(number: int) -> Event:
    """Return an event with fields of every type; several share each value."""
    values: dict[str, Value] = {
        "user.name": f"usr_{'abcdefg'[number % 7]}",
        "source.ip": f"198.51.100.{number % 5}" if number % 3 else f"ip_{number % 4}",
        "http.response.status_code": [200, 404, 500][number % 3],
        "url.path": f"/crm/Kunde/{number}" if number % 2 else "/health*z",
        "sentinel.subject": [f"sub_{number % 4}", f"sub_{number % 6}"],
        "sentinel.mfa": number % 4 == 0,
        "rate": number / 4,
        "odd.name_": "x%_y" if number % 5 == 0 else None,
        "mixed": number if number % 2 else str(number),
    }
    at = NOON + (number * 37 % 100) * HOUR
    return msgspec.structs.replace(event(number, at), fields=values)


def is_(field: str, value: str, op: Op = Op.IS, *, ignore_case: bool = False) -> Test:
    return Test(field=field, op=op, value=value, ignore_case=ignore_case)


CONDITIONS: list[Condition] = [
    ALWAYS,
    is_("user.name", "usr_a"),
    is_("user.name", "USR_A"),
    is_("user.name", "USR_A", ignore_case=True),
    is_("user.name", "usr_", Op.PREFIX),
    is_("url.path", "kunde", Op.CONTAINS),
    is_("url.path", "KUNDE", Op.CONTAINS, ignore_case=True),
    is_("url.path", "7", Op.SUFFIX),
    is_("url.path", "/crm/*/?", Op.LIKE),
    is_("url.path", "/health\\*?", Op.LIKE),
    is_("url.path", "/HEALTH\\**", Op.LIKE, ignore_case=True),
    is_("odd.name_", "x%", Op.PREFIX),
    is_("odd.name_", "%_", Op.CONTAINS),
    is_("odd.name_", "x__y", Op.LIKE),
    Not(is_("odd.name_", "nowhere")),
    is_("source.ip", "198.51.100.0/30", Op.CIDR),
    Not(is_("source.ip", "198.51.100.0/30", Op.CIDR)),
    is_("source.ip", "2001:db8::/32", Op.CIDR),
    is_("http.response.status_code", "404"),
    Test(field="http.response.status_code", op=Op.GTE, value=404),
    Test(field="http.response.status_code", op=Op.LT, value=404),
    Not(Test(field="http.response.status_code", op=Op.LT, value=404)),
    is_("http.response.status_code", "40", Op.PREFIX),
    Test(field="rate", op=Op.LTE, value=2.5),
    Test(field="rate", op=Op.GT, value=2),
    is_("rate", "2"),
    is_("rate", "2.25"),
    is_("mixed", "4"),
    is_("mixed", "5"),
    Test(field="mixed", op=Op.GT, value=5),
    is_("sentinel.mfa", "true"),
    Test(field="sentinel.mfa", op=Op.GTE, value=0),
    is_("sentinel.subject", "sub_3"),
    Not(is_("sentinel.subject", "sub_3")),
    All((is_("sentinel.subject", "sub_3"), is_("sentinel.subject", "sub_5"))),
    In(field="sentinel.subject", values=("sub_1", "sub_5", "nobody")),
    In(field="user.name", values=()),
    In(field="event.id", values=(f"{3:032x}", f"{30:032x}")),
    is_("sentinel.source", "crm"),
    is_("sentinel.ref", "crm#1", Op.PREFIX),
    is_("sentinel.logsource.service", "crm"),
    Exists(field="odd.name_"),
    Not(Exists(field="odd.name_")),
    Exists(field="no.such.field"),
    Not(Exists(field="no.such.field")),
    Any_(()),
    Not(All(())),
    Any_((is_("user.name", "usr_b"), All((is_("mixed", "8"), Exists(field="rate"))))),
    Not(Any_((is_("user.name", "usr_b"), is_("url.path", "/crm", Op.PREFIX)))),
]


@pytest.mark.parametrize("where", CONDITIONS, ids=str)
def test_a_hunt_finds_what_the_reference_finds(filled: EventStore, where: Condition) -> None:
    events = [fields(number) for number in range(60)]
    expected = sorted((one for one in events if holds(where, one)), key=lambda e: (e.time, e.id))
    assert filled.hunt(Hunt(where=where, limit=1000)) == expected
    per_user = Counter(one.text("user.name") for one in expected)
    groups = filled.aggregate(Hunt(where=where), Groups(by=("user.name",), order="key"))
    assert [(group.key[0], group.count) for group in groups] == sorted(per_user.items())


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_join_without_gap_or_double(store: EventStore, newest_first: bool) -> None:
    events = [event(number, NOON + number // 7 * HOUR) for number in range(50)]
    store.append(events, last_offset=49)
    settle(store)
    hunt = Hunt(limit=8, newest_first=newest_first, since=NOON + HOUR, until=NOON + 6 * HOUR)
    seen: list[int] = []
    while page := store.hunt(hunt):
        seen += ids(page)
        hunt = hunt.beyond(page[-1])
    expected = list(range(7, 42))
    assert seen == (expected[::-1] if newest_first else expected)
    assert hunted(store, Hunt(limit=0)) == []


def test_groups(store: EventStore) -> None:
    events = [fields(number) for number in range(60)]
    store.append(events[:40], last_offset=39)
    settle(store)
    store.append(events[40:], last_offset=59)
    everything = Hunt()
    reference = MemoryEventStore()
    reference.append(events, last_offset=59)
    for groups in [
        Groups(by=("source.ip",)),
        Groups(by=("source.ip",), top=3),
        Groups(by=("source.ip",), top=3, order="fewest"),
        Groups(by=("sentinel.subject",), order="key"),
        Groups(by=("@day",), order="key"),
        Groups(by=("@day", "http.response.status_code"), order="key", top=1000),
        Groups(by=("@hour", "sentinel.subject", "sentinel.mfa"), order="key", top=1000),
        Groups(by=("@day",), distinct="user.name", order="key"),
        Groups(by=("url.path",), distinct="sentinel.subject"),
        Groups(by=("rate",), order="key"),
        Groups(by=("mixed",), order="key"),
        Groups(by=("odd.name_",)),
        Groups(by=("no.such.field",)),
        Groups(by=("user.name",), distinct="no.such.field"),
        Groups(by=()),
        Groups(by=(), distinct="source.ip"),
    ]:
        for hunt in [everything, Hunt(since=NOON + 20 * HOUR, until=NOON + 60 * HOUR)]:
            assert store.aggregate(hunt, groups) == reference.aggregate(hunt, groups), groups


def test_a_purge_takes_what_is_older_of_its_class(store: EventStore) -> None:
    events = [event(number, NOON + number * HOUR) for number in range(60)]
    events[4] = msgspec.structs.replace(events[4], fields={RETENTION: "navigation"})
    store.append(events[:50], last_offset=49)
    settle(store)
    store.append(events[50:], last_offset=59)
    before = NOON + 20 * HOUR
    held = In(field="event.id", values=(events[6].id,))
    dry = store.purge(before=before, keep=held, dry_run=True)
    assert store.count() == 60
    told = store.purge(before=before, keep=held)
    assert [(one.day, one.kind, one.count, one.digest, one.kept) for one in told] == [
        (one.day, one.kind, one.count, one.digest, one.kept) for one in dry
    ]
    assert [(str(one.day), one.count, one.kept) for one in told] == [
        ("2026-01-02", 10, 1),
        ("2026-01-03", 8, 0),
    ]
    assert told[0].digest == digest_of(events[n].id for n in range(12) if n not in (4, 6))
    assert (told[0].first, told[1].last) == (events[0].time, events[19].time)
    assert ids(list(store.search())) == [4, 6, *range(20, 60)]
    assert store.get(events[0].id) is None
    assert store.get(events[6].id) == events[6]
    assert (store.count(), store.stored_offset()) == (42, 59)
    assert store.purge(before=before, keep=held) == []
    assert [one.count for one in store.purge(before=before, kind="navigation")] == [1]
    assert [one.count for one in store.purge(before=NOON + 900 * HOUR)] == [1, 16, 24]
    assert list(store.search()) == []
    assert (store.count(), store.stored_offset()) == (0, 59)
    assert store.append([event(70)], last_offset=60) == 1


def settle(store: EventStore) -> None:
    """Let the store bring into its lasting form what it holds, where it has two."""
    compact = getattr(store, "compact", None)
    if compact is not None:
        compact()
