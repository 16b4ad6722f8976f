"""One look left at once for a person of the actor's work is named as a doubt; nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.domain.affected import Doubt, Extent, Selection, Why
from sentinel.domain.event import Event
from sentinel.domain.scope import Standing
from sentinel.respond.affected import counted
from sentinel.respond.affected_doubt import Habits

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
WINDOW = Selection(
    actors=("usr_a",), since=START, until=START + timedelta(hours=1), acts=("*.export",)
)
FORBIDDEN, UNEXPLAINED, OWN, SHARED, WEAK = (
    Standing.FORBIDDEN,
    Standing.UNEXPLAINED,
    Standing.OWN_WORK,
    Standing.SHARED,
    Standing.WEAK,
)


def look(
    seconds: float, *subjects: str, action: str = "customer.read", actor: str = "usr_a"
) -> Event:
    return Event(
        id=f"{seconds}-{actor}",
        time=START + timedelta(seconds=seconds),
        source="crm",
        ref=f"crm#{seconds}",
        fields={
            "user.name": actor,
            "event.action": action,
            "event.outcome": "success",
            "sentinel.subject": list(subjects),
        },
    )


def doubts(
    *steps: tuple[Event, Standing | None],
    selection: Selection = WINDOW,
    earlier: tuple[Event, ...] = (),
) -> dict[str, Doubt]:
    judged = {event.id: standing for event, standing in steps}
    found = counted(
        [event for event, _ in steps],
        selection,
        standing=lambda event: judged[event.id],
        habits=Habits(earlier),
    )
    return {one.subject: one for one in found.doubts}


def wrong_hits(*steps: tuple[Event, Standing | None], selection: Selection = WINDOW) -> list[str]:
    found = doubts(*steps, selection=selection).values()
    return sorted(one.subject for one in found if Why.WRONG_HIT in one.why)


@pytest.mark.parametrize("standing", [OWN, SHARED])
def test_a_look_left_at_once_for_the_own_work_is_in_doubt(standing: Standing) -> None:
    found = doubts((look(0, "sub_slip"), UNEXPLAINED), (look(20, "sub_meant"), standing))
    assert found["sub_slip"].why == (Why.WRONG_HIT,)
    assert found["sub_slip"].inside


def test_who_was_dealt_with_before_is_the_own_work_too() -> None:
    before = look(-86400, "sub_meant")
    steps = ((look(0, "sub_slip"), UNEXPLAINED), (look(20, "sub_meant"), UNEXPLAINED))
    assert "sub_slip" not in doubts(*steps)
    assert doubts(*steps, earlier=(before,))["sub_slip"].why == (Why.WRONG_HIT,)


def test_the_order_in_which_accesses_arrive_changes_nothing() -> None:
    steps = ((look(0, "sub_slip"), UNEXPLAINED), (look(20, "sub_meant"), OWN))
    assert doubts(*steps) == doubts(*reversed(steps))


@pytest.mark.parametrize(("seconds", "named"), [(60, ["sub_slip"]), (60.001, [])])
def test_a_minute_is_at_once_and_more_is_not(seconds: float, named: list[str]) -> None:
    steps = ((look(0, "sub_slip"), UNEXPLAINED), (look(seconds, "sub_meant"), OWN))
    assert wrong_hits(*steps) == named


@pytest.mark.parametrize("standing", [FORBIDDEN, OWN, WEAK, None])
def test_only_an_unexplained_look_is_a_slip(standing: Standing | None) -> None:
    assert not wrong_hits((look(0, "sub_slip"), standing), (look(20, "sub_meant"), OWN))


@pytest.mark.parametrize("standing", [FORBIDDEN, UNEXPLAINED, WEAK, None])
def test_it_must_be_left_for_what_is_the_own_work(standing: Standing | None) -> None:
    assert not wrong_hits((look(0, "sub_slip"), UNEXPLAINED), (look(20, "sub_other"), standing))


def test_a_run_of_unexplained_looks_is_no_slip() -> None:
    steps = [(look(10 * number, f"sub_{number}"), UNEXPLAINED) for number in range(5)]
    assert not wrong_hits(*steps, (look(50, "sub_meant"), OWN))
    calm = (look(200, "sub_slip"), UNEXPLAINED), (look(210, "sub_meant"), OWN)
    assert wrong_hits(*steps, *calm) == ["sub_slip"]


def test_who_came_back_is_named_for_that() -> None:
    found = doubts(
        (look(0, "sub_twice"), UNEXPLAINED),
        (look(20, "sub_meant"), OWN),
        (look(900, "sub_twice"), UNEXPLAINED),
    )
    assert found["sub_twice"].why == (Why.RETURNED,)


def test_the_same_person_again_or_a_list_of_persons_is_no_slip() -> None:
    assert not wrong_hits((look(0, "sub_1"), UNEXPLAINED), (look(20, "sub_1"), OWN))
    listed = look(0, "sub_1", "sub_2")
    assert not wrong_hits((listed, UNEXPLAINED), (look(20, "sub_meant"), OWN))


def test_the_next_access_of_somebody_else_says_nothing() -> None:
    both = Selection(actors=("usr_a", "usr_b"), since=WINDOW.since, until=WINDOW.until)
    other = look(20, "sub_meant", actor="usr_b")
    assert not wrong_hits((look(0, "sub_slip"), UNEXPLAINED), (other, OWN), selection=both)


def test_misuse_itself_neither_is_a_slip_nor_excuses_one() -> None:
    export = look(0, "sub_1", action="customer.export")
    assert not wrong_hits((export, UNEXPLAINED), (look(20, "sub_meant"), OWN))
    after = look(20, "sub_meant", action="customer.export")
    assert not wrong_hits((look(0, "sub_1"), UNEXPLAINED), (after, OWN))
    named = Selection(
        actors=WINDOW.actors, since=WINDOW.since, until=WINDOW.until, event_ids=("0-usr_a",)
    )
    steps = ((look(0, "sub_1"), UNEXPLAINED), (look(20, "sub_meant"), OWN))
    assert not wrong_hits(*steps, selection=named)


def test_a_settled_person_and_a_question_by_findings_are_in_no_doubt() -> None:
    steps = ((look(0, "sub_slip"), UNEXPLAINED), (look(20, "sub_meant"), OWN))
    settled = Selection(
        actors=WINDOW.actors, since=WINDOW.since, until=WINDOW.until, added=("sub_slip",)
    )
    assert not wrong_hits(*steps, selection=settled)
    asked = Selection(event_ids=("0-usr_a",), extent=Extent.FINDINGS)
    assert not wrong_hits(*steps, selection=asked)
