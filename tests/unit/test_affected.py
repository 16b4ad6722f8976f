"""Affected persons: counted from stored events, refused attempts apart, frozen by a hash."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from sentinel.domain.affected import Affected
from sentinel.domain.event import Event, Value
from sentinel.respond.affected import affected
from sentinel.store.events_memory import MemoryEventStore

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
END = START + timedelta(hours=1)


def access(minutes: float, *subjects: str, actor: str = "usr_a", **fields: Value) -> Event:
    named = {name.replace("__", "."): value for name, value in fields.items()}
    base: dict[str, Value] = {
        "user.name": actor,
        "event.outcome": "success",
        "sentinel.data_category": "contact",
    }
    if subjects:
        base["sentinel.subject"] = list(subjects)
    number = f"{minutes}-{actor}-{'+'.join(subjects)}"
    return Event(
        id=hashlib.sha256(number.encode()).hexdigest()[:32],
        time=START + timedelta(minutes=minutes),
        source="crm",
        ref=f"crm#{minutes}",
        fields=base | named,
    )


def counted(*events: Event, actors=("usr_a",), event_ids=(), since=START, until=END) -> Affected:
    store = MemoryEventStore()
    store.append(events, last_offset=len(events))
    return affected(store, actors=actors, since=since, until=until, event_ids=event_ids)


def test_distinct_persons_with_first_and_last_access() -> None:
    found = counted(
        access(5, "sub_2"),
        access(1, "sub_1", sentinel__data_category="identity"),
        access(30, "sub_1", "sub_2"),
    )
    assert found.subjects == ("sub_1", "sub_2")
    assert found.categories == {"contact": 2, "identity": 1}
    assert (found.access_count, found.record_count) == (3, 4)
    assert (found.first, found.last) == (
        START + timedelta(minutes=1),
        START + timedelta(minutes=30),
    )
    first, second = found.persons
    assert (first.subject, first.accesses, first.categories) == (
        "sub_1",
        2,
        ("contact", "identity"),
    )
    assert (second.first, second.last) == (
        START + timedelta(minutes=5),
        START + timedelta(minutes=30),
    )


def test_the_window_is_half_open_and_other_actors_stay_out() -> None:
    found = counted(
        access(0, "in"),
        access(60, "out"),
        access(-0.001, "out"),
        access(5, "out", actor="usr_b"),
    )
    assert found.subjects == ("in",)


@pytest.mark.parametrize(
    "refused",
    [{"event__outcome": "failure"}, {"http__response__status_code": 403}],
)
def test_a_refused_attempt_exposed_nothing_and_is_counted_apart(refused: dict[str, Value]) -> None:
    found = counted(access(1, "sub_1"), access(2, "sub_2", **refused))
    assert found.subjects == ("sub_1",)
    assert (found.access_count, found.refused_count, found.record_count) == (1, 1, 1)


def test_an_export_that_names_nobody_is_counted_as_records_without_a_person() -> None:
    found = counted(access(1, sentinel__record_count=1200), access(2, "sub_1"))
    assert found.subjects == ("sub_1",)
    assert (found.record_count, found.unlisted_records) == (1201, 1200)


def test_records_are_not_persons() -> None:
    found = counted(access(1, "sub_1", sentinel__record_count=40))
    assert (len(found.subjects), found.record_count, found.unlisted_records) == (1, 40, 0)


def test_an_event_without_personal_data_touches_nobody() -> None:
    found = counted(access(1), access(2, sentinel__record_count=0))
    assert (found.subjects, found.access_count, found.first) == ((), 0, None)


def test_listed_events_count_wherever_they_lie_and_once() -> None:
    inside, outside = access(5, "sub_1"), access(500, "sub_9", actor="usr_b")
    found = counted(inside, outside, event_ids=(inside.id, outside.id, "gone"))
    assert found.subjects == ("sub_1", "sub_9")
    assert found.access_count == 2
    assert counted(inside, outside, actors=(), event_ids=(outside.id,)).subjects == ("sub_9",)
    assert counted(inside, outside, actors=()).subjects == ()


@pytest.mark.parametrize("field", ["sentinel.session", "source.ip"])
def test_an_actor_may_be_a_session_or_an_address(field: str) -> None:
    event = access(1, "sub_1", actor="usr_b", **{field.replace(".", "__"): "ses_x"})
    assert counted(event, actors=("ses_x",)).subjects == ("sub_1",)


def test_the_same_set_has_the_same_hash_and_another_set_another() -> None:
    one = counted(access(1, "sub_1"), access(2, "sub_2"))
    same = counted(access(9, "sub_2", "sub_1"))
    other = counted(access(1, "sub_1"))
    assert one.sha256 == same.sha256 != other.sha256
    assert one.sha256 == hashlib.sha256(b"sub_1\nsub_2").hexdigest()


def test_the_query_can_be_read_and_run_again() -> None:
    found = counted(access(1, "sub_1"), actors=("usr_b", "usr_a"), event_ids=("e1",))
    assert found.query == (
        "(user.name or sentinel.session or source.ip in (usr_a, usr_b)"
        " and @timestamp >= 2026-03-02T10:00:00.000Z and @timestamp < 2026-03-02T11:00:00.000Z)"
        " or (event.id in (e1))"
    )
