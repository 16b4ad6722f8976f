"""Sessions in event time: bounded, forgotten when handed over, independent of the arrival order."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from sentinel.detect.behaviour.sessions import Limits, Session, Sessions
from sentinel.domain.event import Event, LogSource

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
WEB = LogSource(category="webserver", product="nginx", service="access")


def visit(key: str, minute: float, *, name: str = "", **fields: object) -> Event:
    values = {"sentinel.session": key, "url.path": "/", "http.request.method": "GET"}
    return Event(
        id=name or f"{key}@{minute}",
        time=START + timedelta(minutes=minute),
        source="www",
        ref=f"www#{key}{minute}",
        logsource=WEB,
        fields=values | fields,  # type: ignore[arg-type]
    )


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def shapes(sessions: list[Session]) -> list[tuple[str, list[str]]]:
    return sorted((one.key, [item.id for item in one.visits]) for one in sessions)


def test_a_gap_ends_a_session() -> None:
    sessions = Sessions()
    sessions.add([visit("a", 0), visit("a", 29), visit("a", 60)])
    assert shapes(sessions.close(at(59))) == []
    assert shapes(sessions.close(at(60))) == [("a", ["a@0", "a@29"])]
    assert shapes(sessions.close(at(90))) == []
    assert shapes(sessions.close(at(91))) == [("a", ["a@60"])]


def test_r03_nothing_stays_of_a_session_that_is_over() -> None:
    sessions = Sessions()
    sessions.add(visit(f"s{number}", number, **{"user.name": f"C{number}"}) for number in range(99))
    assert len(sessions.close(at(1_000))) == 99
    assert len(sessions) == 0
    left = [value for value in vars(sessions).values() if isinstance(value, dict | list)]
    assert [len(value) for value in left] == [0] * len(left)


def test_r03_no_session_is_longer_than_a_day() -> None:
    sessions = Sessions()
    sessions.add(visit("a", 10 * number) for number in range(400))  # 66 hours without a gap
    closed = sessions.flush()
    assert len(closed) == 3
    longest = max(one.visits[-1].time - one.visits[0].time for one in closed)
    assert longest < timedelta(hours=24)


def test_a_day_long_session_is_handed_over_before_it_ends() -> None:
    sessions = Sessions()
    closed = []
    for number in range(400):
        sessions.add([visit("a", 10 * number)])
        closed += sessions.close(at(10 * number - 10))
    assert [len(one.visits) for one in closed] == [144, 144]


def test_a_session_is_cut_by_its_number_of_visits() -> None:
    sessions = Sessions(Limits(most_visits=100))
    sessions.add(visit("a", number / 60) for number in range(250))
    closed = sessions.close(at(4))
    assert [len(one.visits) for one in closed] == [100, 100]
    assert [len(one.visits) for one in sessions.flush()] == [50]


def test_what_was_closed_is_not_closed_again() -> None:
    sessions = Sessions(Limits(most_visits=10))
    sessions.add(visit("a", number) for number in range(25))
    ids = [item.id for one in sessions.close(at(20)) for item in one.visits]
    ids += [item.id for one in sessions.flush() for item in one.visits]
    assert len(ids) == len(set(ids)) == 25


def test_visits_stand_by_time_and_id() -> None:
    sessions = Sessions()
    sessions.add([visit("a", 1, name="y"), visit("a", 1, name="x"), visit("a", 0, name="z")])
    assert shapes(sessions.flush()) == [("a", ["z", "x", "y"])]


def test_a_repeated_event_counts_once() -> None:
    sessions = Sessions()
    sessions.add([visit("a", 0), visit("a", 0), visit("a", 1)])
    assert shapes(sessions.flush()) == [("a", ["a@0", "a@1"])]
    assert sessions.doubles == 1


def test_other_events_are_left_alone() -> None:
    sessions = Sessions()
    audit = Event(id="1", time=START, source="crm", ref="", fields={"sentinel.session": "s"})
    nameless = Event(id="2", time=START, source="www", ref="", logsource=WEB)
    sessions.add([audit, nameless])
    assert len(sessions) == 0


def test_too_many_sessions_close_the_stillest_one_early_and_count_it() -> None:
    sessions = Sessions(Limits(most_open=2))
    sessions.add([visit("a", 0), visit("b", 1), visit("a", 2), visit("c", 3)])
    assert shapes(sessions.close(at(3))) == [("b", ["b@1"])]
    assert sessions.evicted == 1
    assert len(sessions) == 2


def test_a_flood_within_the_lateness_is_cut_and_counted() -> None:
    sessions = Sessions(Limits(most_kept=50, most_visits=20))
    sessions.add(visit("a", number / 1000) for number in range(80))
    assert sessions.cut == 30
    assert sum(len(one.visits) for one in sessions.flush()) == 50


def test_a_late_event_is_counted() -> None:
    sessions = Sessions()
    sessions.close(at(10))
    sessions.add([visit("a", 5)])
    assert sessions.late == 1


def test_the_signed_in_customer_is_known_and_staff_is_no_customer() -> None:
    sessions = Sessions()
    customer = {"user.name": "sub_x", "sentinel.actor.kind": "customer"}
    staff = {"user.name": "usr_y", "sentinel.actor.kind": "staff"}
    sessions.add([visit("a", 0), visit("a", 1, **customer), visit("b", 0, **staff), visit("c", 0)])
    found = {one.key: (one.user, one.customer) for one in sessions.flush()}
    assert found == {"a": ("sub_x", "sub_x"), "b": ("usr_y", ""), "c": ("", "")}


@pytest.mark.parametrize("seed", range(25))
def test_any_order_within_the_lateness_gives_the_same_sessions(seed: int) -> None:
    random = Random(seed)
    limits = Limits(longest=timedelta(hours=3), most_visits=8)
    minutes = [random.choice((random.uniform(0, 900), random.randint(0, 60))) for _ in range(200)]
    events = [
        visit(random.choice("abc"), minute, name=f"{number:03d}")
        for number, minute in enumerate(minutes)
    ]
    lateness = timedelta(minutes=10)

    def stream(order: list[Event], step: int) -> list[tuple[str, list[str]]]:
        sessions, closed, newest = Sessions(limits), [], START
        for begin in range(0, len(order), step):
            batch = order[begin : begin + step]
            sessions.add(batch)
            newest = max(newest, *(event.time for event in batch))
            closed += sessions.close(newest - lateness)
        assert sessions.late == 0
        return shapes(closed + sessions.flush())

    straight = sorted(events, key=lambda event: event.time)
    shuffled = sorted(events, key=lambda e: e.time + random.random() * lateness)
    doubled = [event for event in shuffled for _ in range(random.choice((1, 1, 2)))]
    expected = stream(straight, len(straight))
    assert stream(straight, 1) == expected
    assert stream(doubled, 7) == expected
