"""Measure the ranking on a folder whose cases are known: what a budget of reviews a day would find.

The replay is honest: days come in order, each is ranked at 06:00 UTC on the next one with the facts
recorded by then, the labels are opened when everything is chosen. A case counts once, however
many of its visits are reviewed, so that a loud case cannot hide the quiet ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import comb

import msgspec

from sentinel.detect.scope.evaluate_world import World
from sentinel.detect.scope.ranking import SEED, Ranking
from sentinel.detect.scope.ranking_budget import Budget
from sentinel.detect.scope.ranking_relation import Ties
from sentinel.detect.scope.ranking_visit import Look, Visit, review_instant, visits_by_day
from sentinel.errors import ContentError

BUDGET = 20
CUT = date(2026, 7, 1)
DIGITS = 4


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a review under a budget finds. Shares are of 1.

    ``legit_explained``: unlabelled accesses that a fact about the actor or the team explains at
    their instant. ``legit_silent``: those in no reviewed visit. ``false_alerts_per_10k``: reviewed
    visits without any labelled access, per 10,000 accesses. ``case_recall``: cases of which a visit
    was reviewed: ``all``, ``single_look`` (cases of one visit in the scored days) and by scenario;
    None = there is no such case. ``random_recall``: what as many visits drawn at random would find.
    ``cases``: how many there are, by the same names.
    """

    scored_from: str
    budget: int
    days: int
    accesses: int
    reviewed: int
    legit_explained: float | None
    legit_silent: float | None
    false_alerts_per_10k: float
    case_recall: dict[str, float | None]
    random_recall: float | None
    cases: dict[str, int]


def evaluate(
    world: World, *, budget: int = BUDGET, scored_from: date | None = None, seed: int = SEED
) -> Report:
    """Rank the scored days of ``world``, choose ``budget`` visits of each, and compare.

    ``scored_from``: default 2026-07-01 where the accesses span it, else the middle of their days.
    Raises ContentError where no history or no scored day is left, or no case lies in those days.
    """
    days = visits_by_day(world.looks)
    start = scored_from or _cut(days)
    history = {day: visits for day, visits in days.items() if day < start}
    scored = {day: visits for day, visits in sorted(days.items()) if day >= start}
    if not history or not scored:
        raise ContentError(f"accesses on both sides of {start} are needed", where="accesses")
    ties = Ties(world.facts)
    ranking = Ranking(ties, world.people, world.places, seed=seed)
    chosen = _review(ranking, history, scored, budget)
    return _report(world, ties, scored, chosen, budget)


def _cut(days: Iterable[date]) -> date:
    known = sorted(days)
    if not known:
        raise ContentError("no access at all", where="accesses")
    if known[0] < CUT <= known[-1]:
        return CUT
    return known[0] + timedelta(days=((known[-1] - known[0]).days + 1) // 2)


def _review(
    ranking: Ranking,
    history: dict[date, list[Visit]],
    scored: dict[date, list[Visit]],
    budget: int,
) -> list[Visit]:
    ranking.learn_history(history)
    desk = Budget(budget)
    return [one.visit for visits in scored.values() for one in desk.choose(ranking.rank(visits))]


def _report(
    world: World, ties: Ties, scored: dict[date, list[Visit]], chosen: list[Visit], budget: int
) -> Report:
    case_of = {label.event: label.case for label in world.labels}
    scenario_of = {label.case: label.scenario for label in world.labels}
    visits = [visit for visits in scored.values() for visit in visits]
    of_case: dict[str, list[Visit]] = {}
    for visit in visits:
        for case in _cases(visit, case_of):
            of_case.setdefault(case, []).append(visit)
    if not of_case:
        raise ContentError("no case lies in the scored days", where="labels.csv")
    groups: dict[str, list[str]] = {"all": sorted(of_case), "single_look": []}
    groups |= {scenario: [] for scenario in sorted(set(scenario_of.values()))}
    for case, own in sorted(of_case.items()):
        groups[scenario_of[case]].append(case)
        if len(own) == 1:
            groups["single_look"].append(case)
    found = {case for visit in chosen for case in _cases(visit, case_of)}
    legit = [look for visit in visits for look in visit.looks if look.event not in case_of]
    seen = {look.event for visit in chosen for look in visit.looks}
    accesses = sum(len(visit.looks) for visit in visits)
    false_alerts = sum(not _cases(visit, case_of) for visit in chosen)
    return Report(
        scored_from=min(scored).isoformat(),
        budget=budget,
        days=len(scored),
        accesses=accesses,
        reviewed=len(chosen),
        legit_explained=_share(sum(_explained(ties, look) for look in legit), len(legit)),
        legit_silent=_share(sum(look.event not in seen for look in legit), len(legit)),
        false_alerts_per_10k=round(10_000 * false_alerts / accesses, 1),
        case_recall={
            name: _share(len(found.intersection(cases)), len(cases))
            for name, cases in groups.items()
        },
        random_recall=_random_recall(scored, of_case, budget),
        cases={name: len(cases) for name, cases in groups.items()},
    )


def _cases(visit: Visit, case_of: dict[str, str]) -> set[str]:
    return {case_of[look.event] for look in visit.looks if look.event in case_of}


def _explained(ties: Ties, look: Look) -> bool:
    span = (look.instant, look.instant)
    known_at = review_instant(look.instant.date())
    link = ties.between(look.actor, look.team, look.subject, span, known_at)
    return any(tie.direct for tie in link.ties)


def _random_recall(
    scored: dict[date, list[Visit]], of_case: dict[str, list[Visit]], budget: int
) -> float | None:
    """Return the expected recall of as many visits of each day drawn without replacement."""
    expected = sum(1.0 - _all_missed(scored, own, budget) for own in of_case.values())
    return _share(expected, len(of_case))


def _all_missed(scored: dict[date, list[Visit]], own: Sequence[Visit], budget: int) -> float:
    missed = 1.0
    for day in {visit.day for visit in own}:
        total = len(scored[day])
        drawn = min(budget, total)
        others = total - sum(visit.day == day for visit in own)
        missed *= comb(others, drawn) / comb(total, drawn)
    return missed


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, DIGITS) if whole else None
