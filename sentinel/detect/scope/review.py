"""Rank the accesses of one day for the people who review them, from stored events and facts.

Pure: the same events, facts and earlier choices give the same review, so that a service which
dies in the middle makes it again and nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo

import msgspec

from sentinel.detect.scope.facts import fact_from_event
from sentinel.detect.scope.ranking import Ranked, Ranking
from sentinel.detect.scope.ranking_budget import Budget
from sentinel.detect.scope.ranking_reasons import reasons_of
from sentinel.detect.scope.ranking_relation import Ties
from sentinel.detect.scope.ranking_visit import Look, Person, Visit, visits_by_day
from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.review import Entry, Review
from sentinel.domain.scope import Fact, Verdict
from sentinel.ids import digest_id

SHOWN = 50  # events of an entry that are named
BREAK_GLASS = "break_glass"
PUBLIC_FIGURE = "public_figure"  # kinds of facts that tell of a person, not of work
PLACE = "place"
NOT_TIES = (PUBLIC_FIGURE, PLACE, "employment")


class Material(msgspec.Struct, kw_only=True):
    """What the review of a day reads: looks with what was judged of them, and facts."""

    looks: list[Look]
    facts: set[Fact]
    judged: dict[tuple[str, str], tuple[str, tuple[str, ...], str]]
    emergencies: set[tuple[str, str]] = msgspec.field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[Event], facts: Iterable[Fact], zone: tzinfo) -> Material:
        """Gather accesses of staff and facts, those that the events state too."""
        material = cls(looks=[], facts=set(facts), judged={})
        for event in events:
            fact = fact_from_event(event)
            if fact is not None:
                material.facts.add(fact)
            for look in looks_of(event, zone):
                material.looks.append(look)
                verdict = event.text(names.SCOPE_VERDICT)
                categories = tuple(sorted(event.items(names.CATEGORY)))
                material.judged[look.event, look.subject] = (verdict, categories, event.ref)
                if BREAK_GLASS in event.text(names.SCOPE_WEAK):
                    material.emergencies.add((look.event, look.subject))
        return material


def looks_of(event: Event, zone: tzinfo) -> Iterator[Look]:
    """Yield what an access of a member of staff is to each person whom it names."""
    if event.text(names.ACTOR_KIND) != "staff" or not event.text(names.SCOPE_VERDICT):
        return
    where = (event.text("source.ip"), event.text("user_agent.original"))
    for subject in dict.fromkeys(event.items(names.SUBJECT)):
        yield Look(
            event=event.id,
            actor=event.text(names.USER),
            role="+".join(sorted(event.items(names.ROLES))) or "-",
            team=event.text(names.TEAM),
            subject=subject,
            act=event.text("event.action"),
            instant=event.time.astimezone(zone),
            agent=digest_id("agent", *where) if any(where) else "",
        )


def review_day(
    material: Material,
    day: date,
    *,
    review_at: Callable[[date], datetime],
    budget: int,
    learning_days: int,
    chosen_before: Sequence[tuple[date, Sequence[tuple[str, str]]]] = (),
) -> Review:
    """Return the review of ``day``: every emergency, the budget's best visits, and what was cut.

    ``chosen_before``: what earlier reviews chose, by day: a story is not told twice.
    """
    days = visits_by_day(material.looks)
    history = {at: visits for at, visits in days.items() if at < day}
    ranking = Ranking(
        Ties(fact for fact in sorted(material.facts, key=_order) if fact.kind not in NOT_TIES),
        people_of(material),
        _places(material),
        review_at=review_at,
    )
    ranking.learn_history(history)
    today = days.get(day, [])
    ranked = [one for one in ranking.rank(today) if not _forbidden(one.visit, material)]
    desk = Budget(budget)
    for at, told in chosen_before:
        if at < day:
            desk.recall(at, told)
    urgent = [one for one in ranked if _emergency(one.visit, material)]  # always reviewed
    chosen = [*urgent, *desk.choose([one for one in ranked if one not in urgent])]
    pairs = {one.visit.pair for one in chosen}
    left = [one for one in ranked if one.visit.pair not in pairs]
    return Review(
        day=day,
        reviewed_at=review_at(day),
        budget=budget,
        visits=len(ranked),
        unexplained=sum(not one.explained for one in ranked),
        forbidden=len(today) - len(ranked),
        entries=tuple(_entry(one, material) for one in chosen),
        cut=sum(one.score > 0 for one in left),
        highest_cut=max((round(one.score, 2) for one in left), default=None),
        history=len(history),
        learning=len(history) < learning_days,
    )


def people_of(material: Material) -> dict[str, Person]:
    """Return what the ranking knows of each person: facts of the kinds that tell of one."""
    famous = {fact.subject for fact in material.facts if fact.kind == PUBLIC_FIGURE}
    places = {f.subject: f.category for f in material.facts if f.kind == PLACE and f.subject}
    known = {look.subject for look in material.looks}
    known |= {fact.subject for fact in material.facts if fact.subject}
    return {name: Person(places.get(name, ""), name in famous) for name in known}


def _places(material: Material) -> dict[str, str]:
    return {f.actor: f.category for f in material.facts if f.kind == PLACE and f.actor}


def _order(fact: Fact) -> bytes:
    return msgspec.json.encode(fact)


def _forbidden(visit: Visit, material: Material) -> bool:
    """Tell whether the visit was told of at once: outside the role."""
    judged = (material.judged[look.event, look.subject][0] for look in visit.looks)
    return Verdict.FORBIDDEN in judged


def _emergency(visit: Visit, material: Material) -> bool:
    return any((look.event, look.subject) in material.emergencies for look in visit.looks)


def _entry(one: Ranked, material: Material) -> Entry:
    visit = one.visit
    judged = [material.judged[look.event, look.subject] for look in visit.looks]
    return Entry(
        actor=visit.actor,
        role=visit.role,
        team=visit.team,
        subject=visit.subject,
        looks=len(visit.looks),
        first=visit.first,
        last=visit.last,
        events=tuple(look.event for look in visit.looks[:SHOWN]),
        refs=tuple(ref for _, _, ref in judged[:SHOWN]),
        categories=tuple(sorted({name for _, found, _ in judged for name in found})),
        verdicts=tuple(sorted({verdict for verdict, _, _ in judged})),
        explained=one.explained,
        score=round(one.score, 2),
        reasons=reasons_of(one),
    )
