"""A single look without a fact is asked about where the actor's work often leaves none."""

from datetime import UTC, datetime, timedelta

from sentinel.domain.affected import Doubt, Extent, Selection, Why
from sentinel.domain.event import Event
from sentinel.domain.scope import Standing
from sentinel.respond.affected import before, counted, selected
from sentinel.respond.affected_doubt import Habits
from sentinel.store.events_memory import MemoryEventStore

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW = Selection(actors=("usr_a",), since=START, until=START + DAY, acts=("*.export",))
UNEXPLAINED, OWN = Standing.UNEXPLAINED, Standing.OWN_WORK


def look(minutes: float, subject: str, action: str = "customer.read") -> Event:
    return Event(
        id=f"{minutes}-{subject}",
        time=START + timedelta(minutes=minutes),
        source="crm",
        ref=f"crm#{minutes}",
        fields={
            "user.name": "usr_a",
            "event.action": action,
            "event.outcome": "success",
            "sentinel.subject": [subject],
        },
    )


def standing(event: Event) -> Standing:
    return OWN if "_own" in event.id else UNEXPLAINED


def history(own: int, bare: int, *, twice: bool = False) -> list[Event]:
    """Return the day before, at the same hour: looks with a fact, and looks without."""
    looks = [look(-1440 + n / 10, f"sub_own{n}") for n in range(own)]
    looks += [look(-1440 + n / 10 + 0.05, f"sub_bare{n}") for n in range(bare)]
    if twice:
        looks += [look(-1430 + n / 10, f"sub_bare{n}") for n in range(bare)]
    return looks


WORK = [look(5 * n, f"sub_own_{n}") for n in range(10)]


def doubts(events: list[Event], earlier: list[Event], window: Selection = WINDOW) -> list[Doubt]:
    found = counted(events, window, standing=standing, habits=Habits(earlier, standing))
    return [one for one in found.doubts if Why.NO_FACT in one.why]


def names(events: list[Event], earlier: list[Event]) -> list[str]:
    return [one.subject for one in doubts(events, earlier)]


def test_where_work_often_leaves_no_fact_each_such_look_is_asked_about() -> None:
    odd = [look(2, "sub_1"), look(12, "sub_2")]
    (first, second) = doubts([*WORK, *odd], history(own=90, bare=10))
    assert (first.subject, first.why, first.inside) == ("sub_1", (Why.NO_FACT,), True)
    assert second.subject == "sub_2"


def test_where_facts_are_good_nobody_is() -> None:
    odd = [look(2, "sub_1")]
    assert not names([*WORK, *odd], history(own=100, bare=0))
    assert not names([*WORK, *odd], history(own=100, bare=1))  # 0.1 of 11 to expect: below 1 %
    assert names([*WORK, *odd], history(own=100, bare=2)) == ["sub_1"]  # 0.2 of 11: above


def test_who_took_thousands_is_not_drowned_in_questions() -> None:
    taken = [look(15 + n / 1000, f"sub_{n}") for n in range(2000)]
    assert not names([*WORK, *taken], history(own=90, bare=10))


def test_without_a_history_or_its_standings_nothing_is_expected() -> None:
    events = [*WORK, look(2, "sub_1")]
    assert not names(events, [])
    found = counted(events, WINDOW, standing=standing, habits=Habits(history(90, 10)))
    assert not [one for one in found.doubts if Why.NO_FACT in one.why]


def test_persons_looked_at_twice_before_are_no_single_looks() -> None:
    assert not names([*WORK, look(2, "sub_1")], history(90, 10, twice=True))


def test_another_hour_another_act_another_look_or_another_reason_is_not_asked_about() -> None:
    earlier = history(90, 10)
    assert not names([*WORK, look(600, "sub_night")], earlier)
    assert not names([*WORK, look(2, "sub_1", action="customer.export")], earlier)
    assert not names([*WORK, look(2, "sub_1"), look(9, "sub_1")], earlier)  # came back
    assert not names([*WORK, look(2, "sub_bare1")], earlier)  # dealt with before


def test_it_comes_after_every_stronger_reason() -> None:
    found = counted(
        [*WORK, look(2, "sub_1"), look(3, "sub_2"), look(9, "sub_2")],
        WINDOW,
        standing=standing,
        habits=Habits(history(90, 10), standing),
    )
    assert [one.why[0] for one in found.doubts[-2:]] == [Why.RETURNED, Why.NO_FACT]


def test_what_came_before_is_read_for_the_actors_alone_and_up_to_the_window() -> None:
    store = MemoryEventStore()
    store.append([look(-1441, "sub_old"), look(-5, "sub_before"), look(5, "sub_in")], last_offset=3)
    assert [event.text("event.action") for event in before(store, WINDOW, DAY)] == ["customer.read"]
    assert not list(before(store, Selection(actors=("usr_a",)), DAY))  # no beginning
    assert not list(before(store, Selection(persons=("sub_in",), since=START), DAY))


def test_an_actor_without_a_name_selects_nothing() -> None:
    store = MemoryEventStore()
    store.append([look(5, "sub_1")], last_offset=1)  # neither session nor address
    for extent in Extent:
        asked = Selection(actors=("",), since=START, until=START + DAY, extent=extent)
        assert not list(selected(store, asked))
    assert list(selected(store, Selection(actors=("", "usr_a"), since=START)))
