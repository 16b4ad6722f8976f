"""The ranking of visits: ties, what they are worth, traits, memory, score, budget."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import log

import pytest

from sentinel.detect.scope.ranking import Ranked, Ranking
from sentinel.detect.scope.ranking_budget import Budget
from sentinel.detect.scope.ranking_memory import Memory
from sentinel.detect.scope.ranking_model import Population, Shares
from sentinel.detect.scope.ranking_relation import NO_TIE, Lifts, Tie, Ties
from sentinel.detect.scope.ranking_traits import (
    BY_DAY,
    COVER,
    DECLARED,
    EXCESS_SHARE,
    Amounts,
    day_traits,
    is_slip,
    manner,
    opened,
    own_traits,
)
from sentinel.detect.scope.ranking_visit import Look, Person, Visit, review_instant, visits_by_day
from sentinel.domain.scope import Fact

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OWN = Tie("actor", "now", "ticket")


def look(
    actor: str = "ana", subject: str = "C1", at: datetime = NOON, act: str = "customer.view"
) -> Look:
    return Look(
        event=f"{actor}-{subject}-{at.isoformat()}",
        actor=actor,
        role="support",
        team="support-1",
        subject=subject,
        act=act,
        instant=at,
    )


def visit(*looks: Look) -> Visit:
    ((found,),) = visits_by_day(looks or (look(),)).values()
    return found


def ticket(**changes: object) -> Fact:
    values: dict[str, object] = {
        "kind": "ticket",
        "id": "T1",
        "subject": "C1",
        "actor": "ana",
        "team": "support-1",
        "valid_from": NOON - HOUR,
        "valid_to": NOON + HOUR,
        "recorded_at": NOON - HOUR,
    }
    return Fact(**(values | changes))  # type: ignore[arg-type]


def ties_of(fact: Fact, *, known_at: datetime = NOON + DAY) -> frozenset[Tie]:
    return Ties([fact]).between("ana", "support-1", "C1", (NOON, NOON), known_at).ties


# Visits


def test_looks_of_one_day_at_one_person_are_one_visit() -> None:
    late, early = look(at=NOON + HOUR), look(at=NOON)
    days = visits_by_day([late, look(subject="C2"), early, look(at=NOON + DAY)])
    assert [len(visits) for visits in days.values()] == [2, 1]
    first = next(one for one in days[NOON.date()] if one.subject == "C1")
    assert (first.first, first.last) == (NOON, NOON + HOUR)


def test_a_visit_is_reviewed_at_six_the_next_morning() -> None:
    assert review_instant(date(2026, 12, 31)) == datetime(2027, 1, 1, 6, tzinfo=UTC)


# Ties


@pytest.mark.parametrize(
    ("changes", "tie"),
    [
        ({}, OWN),
        ({"actor": "bob"}, Tie("team", "now", "ticket")),
        ({"actor": "bob", "team": "support-2"}, Tie("other", "now", "ticket")),
        ({"actor": "", "team": ""}, Tie("other", "now", "ticket")),
        ({"valid_from": None, "valid_to": None}, OWN),
        ({"valid_from": NOON}, OWN),
        ({"valid_to": NOON}, Tie("actor", "past", "ticket")),
        (
            {"valid_from": NOON - 30 * DAY, "valid_to": NOON - 8 * DAY},
            Tie("actor", "old", "ticket"),
        ),
        ({"valid_from": NOON + MINUTE}, Tie("actor", "soon", "ticket")),
        ({"valid_from": NOON + 2 * DAY, "valid_to": None}, NO_TIE),
        ({"subject": "C2"}, NO_TIE),
    ],
)
def test_a_fact_ties_by_whom_it_names_and_when_it_holds(
    changes: dict[str, object], tie: Tie
) -> None:
    assert ties_of(ticket(**changes)) == {tie}


def test_a_fact_counts_once_it_is_recorded() -> None:
    fact = ticket(recorded_at=NOON + DAY)
    assert ties_of(fact, known_at=NOON + DAY) == {OWN}
    assert ties_of(fact, known_at=NOON + DAY - MINUTE) == {NO_TIE}


def test_a_visit_spans_its_looks() -> None:
    ties = Ties([ticket(valid_from=NOON + MINUTE)])
    span = (NOON, NOON + 2 * MINUTE)
    assert ties.between("ana", "", "C1", span, NOON + DAY).ties == {OWN}


def test_the_age_is_that_of_the_oldest_direct_fact() -> None:
    older = ticket(id="T2", valid_from=NOON - 3 * HOUR)
    foreign = ticket(id="T3", actor="bob", team="x", valid_from=NOON - 9 * HOUR)
    ties = Ties([ticket(), older, foreign])
    assert ties.between("ana", "", "C1", (NOON, NOON), NOON + DAY).age == 3 * HOUR
    standing = Ties([ticket(), ticket(id="T4", valid_from=None)])
    assert standing.between("ana", "", "C1", (NOON, NOON), NOON + DAY).age is None


# What ties are worth


def test_a_tie_that_is_as_common_by_chance_is_worth_nothing() -> None:
    lifts = Lifts()
    everybody = Tie("other", "now", "portfolio")
    for _ in range(100):
        lifts.learn("support", frozenset({OWN, everybody}), frozenset({everybody}))
    assert lifts.worth("support", everybody) == 0
    assert lifts.worth("support", OWN) == pytest.approx(log(101))
    assert lifts.worth("sales", OWN) == 0  # nothing is known of that role


def test_the_best_tie_is_a_direct_one_then_the_one_worth_most() -> None:
    lifts = Lifts()
    rare, common = Tie("other", "past", "call"), Tie("other", "now", "ticket")
    for _ in range(50):
        lifts.learn("support", frozenset({rare, common}), frozenset({common}))
    assert lifts.best("support", frozenset({rare, common})) == rare
    assert lifts.best("support", frozenset({rare, common, OWN})) == OWN


# Traits


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        (["customer.view"], "look"),
        (["customer.view", "customer.view"], "looks"),
        (["customer.view", "customer.edit"], "edit"),
        (["customer.edit", "customer.export"], "export"),
        (["export"], "export"),
    ],
)
def test_a_visit_is_called_after_what_it_did_at_most(acts: list[str], expected: str) -> None:
    looks = [look(at=NOON + n * MINUTE, act=act) for n, act in enumerate(acts)]
    assert manner(visit(*looks)) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [(None, "settled"), (MINUTE, "at once"), (30 * MINUTE, "soon"), (2 * HOUR, "settled")],
)
def test_a_fact_that_was_just_opened_says_so(age: timedelta | None, expected: str) -> None:
    assert opened(age, idle=False) == expected


def test_a_fact_opened_at_once_and_left_alone_says_that_too() -> None:
    assert opened(MINUTE, idle=True) == "at once, idle"
    assert opened(2 * HOUR, idle=True) == "settled"


@pytest.mark.parametrize("shares", [*DECLARED.values(), *BY_DAY.values(), COVER])
def test_declared_shares_add_up(shares: dict[str, float]) -> None:
    assert sum(shares.values()) == pytest.approx(1)


def test_a_wrong_click_is_one_look_left_at_once() -> None:
    memory = Memory()
    wrong, right = look(subject="C9"), look(at=NOON + MINUTE / 3)
    memory.note([visit(wrong), visit(right)])
    assert is_slip(visit(wrong), memory)
    assert not is_slip(visit(right), memory)  # nothing follows
    slow = Memory()
    slow.note([visit(wrong), visit(look(at=NOON + 2 * MINUTE))])
    assert not is_slip(visit(wrong), slow)


def test_what_a_day_is_like() -> None:
    quiet = Amounts(
        unexplained=1, borrowed=0, exports=0, odd_hours=0, before=3, days_before=10, usual=0.3
    )
    assert day_traits(quiet) == {
        "volume": "0-1",
        "exports": "0",
        "trend": "usual",
        "borrowed": "0-1",
        "hours": "usual",
    }
    loud = Amounts(
        unexplained=40, borrowed=9, exports=16, odd_hours=0.5, before=60, days_before=10, usual=0.3
    )
    assert day_traits(loud) == {
        "volume": "32+",
        "exports": "16+",
        "trend": "extreme",
        "borrowed": "8+",
        "hours": "odd",
    }


# Memory


def test_returns_are_counted_by_days_and_forgotten() -> None:
    memory = Memory()
    for days in (40, 14, 7):
        memory.keep(visit(look(at=NOON - days * DAY)), explained=False)
    memory.keep(visit(look(at=NOON - 2 * DAY)), explained=True)
    memory.keep(visit(look(actor="bob", at=NOON - DAY)), explained=False)
    now = visit()
    memory.keep(now, explained=False)
    assert memory.returns(now) == 2


def test_a_crowd_is_others_without_explanation_lately() -> None:
    memory = Memory()
    for actor, days in (("bob", 0), ("bob", 1), ("cleo", 2), ("dan", 3)):
        memory.keep(visit(look(actor=actor, at=NOON - days * DAY)), explained=False)
    memory.keep(visit(look(actor="eve")), explained=True)
    memory.keep(visit(), explained=False)
    assert memory.crowd(visit(), 2 * DAY) == 2
    names = own_traits(visit(), Person("1", public_figure=True), memory, slip=False)
    assert (names["crowd"], names["fame"], names["returns"]) == ("2", "yes", "0")


def test_familiar_is_an_earlier_reason() -> None:
    memory = Memory()
    memory.keep(visit(look(at=NOON - DAY)), explained=True)
    memory.keep(visit(look(subject="C2")), explained=True)
    assert memory.familiar("ana", "C1", NOON.date())
    assert not memory.familiar("ana", "C2", NOON.date())  # today's own reason says nothing new
    assert not memory.familiar("ana", "C1", NOON.date() + 31 * DAY)


def test_a_companion_is_somebody_else() -> None:
    memory = Memory()
    memory.note([visit(), visit(look(actor="bob", at=NOON + 3 * MINUTE))])
    assert memory.companion("C1", "ana", NOON) == 3 * MINUTE
    assert memory.companion("C1", "bob", NOON) == MINUTE * 0
    assert memory.companion("C2", "ana", NOON) is None


def test_recent_counts_the_days_before() -> None:
    memory = Memory()
    for days in (20, 2, 1, 0):
        memory.keep(visit(look(at=NOON - days * DAY)), explained=False)
    memory.keep(visit(look(at=NOON - DAY, subject="C2")), explained=True)
    assert memory.recent("ana", NOON.date(), 14 * DAY) == (2, 2)


# The model


def test_shares_are_never_zero_and_add_up() -> None:
    shares = Shares(("yes", "no"))
    assert shares.of("support", "other", "yes") == 0.5
    for _ in range(50):
        shares.learn("support", "other", "no")
    assert 0 < shares.of("support", "other", "yes") < 0.02
    total = shares.of("support", "other", "yes") + shares.of("support", "other", "no")
    assert total == pytest.approx(1)


def test_a_small_role_leans_on_all_roles() -> None:
    shares = Shares(("yes", "no"))
    for _ in range(100):
        shares.learn("support", "other", "no")
    shares.learn("sre", "other", "yes")
    assert shares.of("sre", "other", "yes") < 0.2


def test_a_tie_that_a_role_often_has_surprises_less() -> None:
    population = Population()
    for _ in range(100):
        population.learn_day("support", 1, {})
        population.learn_day("manager", 0, {})
        population.learn_visit("support", NO_TIE, {})
        for role in ("support", "manager"):
            population.learn_chance(role, NO_TIE, {})
            population.learn_visit(role, OWN, {})
    assert population.tie_surprise("manager", NO_TIE) > population.tie_surprise("support", NO_TIE)
    assert population.tie_surprise("support", NO_TIE) > population.tie_surprise("support", OWN)


def test_an_ordinary_day_clears_nobody() -> None:
    """Most intruders' days are ordinary: a quiet day may only say a little in favour."""
    population = Population()
    for _ in range(1000):
        population.learn_day("support", 0, {"volume": "0-1"})
    quiet = population.surprise("support", NO_TIE, "volume", "0-1")
    assert log(1 - EXCESS_SHARE) - 0.01 < quiet < 0
    assert population.surprise("support", NO_TIE, "volume", "32+") > 3


# Ranking and budget


def ranked(
    actor: str, subject: str, score: float, day: datetime = NOON, whole: float = 0
) -> Ranked:
    return Ranked(
        visit=visit(look(actor=actor, subject=subject, at=day)),
        tie=NO_TIE,
        parts={"tie": score},
        shared={"volume": whole},
    )


def names(chosen: list[Ranked]) -> list[tuple[str, str]]:
    return [one.visit.pair for one in chosen]


def test_the_budget_is_kept_and_takes_the_best() -> None:
    day = [ranked("ana", "C1", 1), ranked("bob", "C2", 3), ranked("cleo", "C3", 2)]
    assert names(Budget(2).choose(day)) == [("bob", "C2"), ("cleo", "C3")]
    assert len(Budget(9).choose(day)) == 3
    assert Budget(2).choose([]) == []


def test_one_loud_actor_does_not_fill_the_budget() -> None:
    loud = [ranked("ana", f"C{n}", 9) for n in range(5)]
    chosen = Budget(3).choose([*loud, ranked("bob", "C8", 5.5), ranked("cleo", "C9", -20)])
    assert names(chosen) == [("ana", "C0"), ("ana", "C1"), ("bob", "C8")]


def test_a_reviewed_pair_waits_behind_new_ones() -> None:
    budget = Budget(1)
    assert names(budget.choose([ranked("ana", "C1", 5), ranked("bob", "C2", 4)])) == [("ana", "C1")]
    again = [ranked("ana", "C1", 5, NOON + DAY), ranked("bob", "C2", 4, NOON + DAY)]
    assert names(budget.choose(again)) == [("bob", "C2")]
    later = [ranked("ana", "C1", 5, NOON + 20 * DAY), ranked("cleo", "C3", 4, NOON + 20 * DAY)]
    assert names(budget.choose(later)) == [("ana", "C1")]


def test_a_loud_day_is_told_once() -> None:
    budget = Budget(1)
    budget.choose([ranked("ana", "C1", 0, whole=8)])
    again = [ranked("ana", "C5", 0, NOON + DAY, whole=8), ranked("bob", "C2", 1, NOON + DAY)]
    assert names(budget.choose(again)) == [("bob", "C2")]


def test_a_role_at_work_and_somebody_who_wanders() -> None:
    """Thirty ordinary days, then one look at a person nobody works for."""
    people = {f"C{n}": Person(str(n % 2)) for n in range(200)}
    facts, looks = [], []
    for day in range(30):
        for n, actor in enumerate(("ana", "bob", "cleo")):
            subject = f"C{(day * 3 + n) % 200}"
            at = NOON + day * DAY + n * HOUR
            facts.append(
                ticket(
                    id=f"{day}-{n}",
                    subject=subject,
                    actor=actor,
                    team="",
                    valid_from=at - HOUR,
                    valid_to=at + DAY,
                    recorded_at=at - HOUR,
                )
            )
            looks.append(look(actor=actor, subject=subject, at=at))
    wandering = look(actor="bob", subject="C199", at=NOON + 29 * DAY + 5 * HOUR)
    days = visits_by_day([*looks, wandering])
    last = days.pop(max(days))
    ranking = Ranking(Ties(facts), people, {})
    ranking.learn_history(days)
    best, *others = ranking.rank(last)
    assert best.visit.pair == ("bob", "C199")
    assert not best.explained
    assert best.score == pytest.approx(sum(best.parts.values()) + sum(best.shared.values()))
    assert all(one.explained and one.score < best.score - 2 for one in others)


def test_a_fact_with_versions_counts_as_it_was_known() -> None:
    closed = ticket(valid_to=NOON - MINUTE, recorded_at=NOON + HOUR)
    ties = Ties([closed, ticket()])
    span = (NOON, NOON)
    assert ties.between("ana", "", "C1", span, NOON).ties == {OWN}
    assert ties.between("ana", "", "C1", span, NOON + DAY).ties == {Tie("actor", "past", "ticket")}
