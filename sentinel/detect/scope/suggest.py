"""Propose explanation templates from accesses and facts, for a person to accept.

After Fabbri and LeFevre, "Explanation-Based Auditing" (PVLDB 5(1), 2011): a template is mined as a
join of fact kind, match of the agent and window of time. Each is measured twice: on the accesses
as they are, and shuffled: with any known person in place of the one who was visited (with another
agent, where the fact names no person). What matches by chance nearly as often explains nothing,
however much it covers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Literal, NamedTuple

import msgspec

from sentinel.detect.scope.ranking_visit import Look
from sentinel.domain.scope import Fact

Agent = Literal["actor", "team", "any"]
Window = Literal["now", "ended", "opened_after"]

SEED = 1
AFTER = timedelta(hours=2)
ENDED = timedelta(days=1)
LEAST_SUPPORT = 20  # accesses that a template must explain
LEAST_SHARE = 0.01  # and share of the role's accesses
MOST_BY_CHANCE = 0.10  # share of shuffled pairs that match: more, and it explains everything
LEAST_LIFT = 5.0
LEAST_CONFIDENCE = 0.8
AGENTS: tuple[Agent, ...] = ("actor", "team", "any")
WINDOWS: tuple[Window, ...] = ("now", "ended", "opened_after")


class Join(NamedTuple):
    """How a fact relates an access: its kind, whom it names, when it holds, whom it is about."""

    kind: str
    agent: Agent
    window: Window
    about_person: bool


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A template that was mined.

    ``support``: accesses that it matches, ``gain``: those that no other template explains, of
    ``accesses`` of the role. ``by_chance``: share of shuffled pairs that match. ``confidence``:
    share of the support that chance does not account for.
    """

    role: str
    kind: str
    agent: str
    window: str
    about_person: bool
    accesses: int
    support: int
    gain: int
    by_chance: float
    lift: float
    confidence: float


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A join that covers much and explains nothing, with the reason."""

    role: str
    kind: str
    agent: str
    window: str
    support: int
    by_chance: float
    reason: str


class Mined(msgspec.Struct, frozen=True):
    """What a look at accesses and facts brought."""

    suggestions: tuple[Suggestion, ...]
    rejected: tuple[Rejected, ...]


def mine(
    looks: Sequence[Look],
    facts: Iterable[Fact],
    *,
    explained: Callable[[Look], bool] = lambda _look: False,
    seed: int = SEED,
) -> Mined:
    """Return templates worth a look, by role, the one that explains most first.

    ``explained``: whether the templates in force explain an access already: gain counts the others.
    """
    index = _FactsByParty(facts)
    by_role: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        by_role[look.role].append(look)
    found: list[Suggestion] = []
    rejected: list[Rejected] = []
    random = Random(seed)  # noqa: S311 - sampling, no secret
    everybody = list(looks)
    persons = sorted({look.subject for look in looks} | index.persons)
    for role, own in sorted(by_role.items()):
        matched, by_chance = _measure(own, everybody, persons, index, random)
        open_still = {at for at, look in enumerate(own) if not explained(look)}
        for join in _order(matched):
            verdict = _judge(role, join, own, matched[join], by_chance[join], open_still)
            if isinstance(verdict, Suggestion):
                open_still -= matched[join]
                found.append(verdict)
            elif verdict is not None:
                rejected.append(verdict)
    return Mined(tuple(found), tuple(rejected))


def _order(matched: Mapping[Join, set[int]]) -> list[Join]:
    """Return the joins, the narrower first: now before later, the agent before the team."""

    def rank(join: Join) -> tuple[int, int, int, str]:
        return (
            WINDOWS.index(join.window),
            AGENTS.index(join.agent),
            -len(matched[join]),
            join.kind,
        )

    return sorted(matched, key=rank)


def _judge(
    role: str,
    join: Join,
    own: Sequence[Look],
    matched: set[int],
    by_chance: int,
    open_still: set[int],
) -> Suggestion | Rejected | None:
    gain, support, total = len(matched & open_still), len(matched), len(own)
    if gain < LEAST_SUPPORT or gain < LEAST_SHARE * total:
        return None
    chance = (by_chance + 0.5) / (total + 1)
    lift = support / total / chance
    confidence = max(0.0, 1 - chance * total / support)
    reason = ""
    if chance > MOST_BY_CHANCE:
        reason = "it matches by chance: it would explain nearly everything"
    elif lift < LEAST_LIFT or confidence < LEAST_CONFIDENCE:
        reason = "it matches little more often than by chance"
    if reason:
        return Rejected(
            role=role,
            kind=join.kind,
            agent=join.agent,
            window=join.window,
            support=support,
            by_chance=round(chance, 4),
            reason=reason,
        )
    return Suggestion(
        role=role,
        kind=join.kind,
        agent=join.agent,
        window=join.window,
        about_person=join.about_person,
        accesses=total,
        support=support,
        gain=gain,
        by_chance=round(chance, 4),
        lift=round(lift, 1),
        confidence=round(confidence, 3),
    )


def _measure(
    own: Sequence[Look],
    everybody: Sequence[Look],
    persons: Sequence[str],
    index: _FactsByParty,
    random: Random,
) -> tuple[dict[Join, set[int]], Counter[Join]]:
    """Return which accesses each join matches, and how many it matches when shuffled."""
    matched: dict[Join, set[int]] = defaultdict(set)
    by_chance: Counter[Join] = Counter()
    for at, look in enumerate(own):
        for join in index.joins(look, look.subject):
            matched[join].add(at)
        anybody = random.choice(persons)
        by_chance.update(j for j in index.joins(look, anybody) if j.about_person)
        stranger = random.choice(everybody)
        swapped = msgspec.structs.replace(look, actor=stranger.actor, team=stranger.team)
        by_chance.update(j for j in index.joins(swapped, "") if not j.about_person)
    return matched, by_chance


class _FactsByParty:
    def __init__(self, facts: Iterable[Fact]) -> None:
        self._about: dict[str, list[Fact]] = defaultdict(list)
        self._naming: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            if fact.retracted:
                continue
            if fact.subject:
                self._about[fact.subject].append(fact)
                continue
            for name in {fact.actor, fact.team} - {""}:
                self._naming[name].append(fact)

    @property
    def persons(self) -> set[str]:
        """Everybody whom a fact is about."""
        return set(self._about)

    def joins(self, look: Look, subject: str) -> set[Join]:
        """Return how the facts relate the agent of ``look`` to ``subject`` at its instant."""
        about = self._about.get(subject, ()) if subject else ()
        naming = [f for name in (look.actor, look.team) if name for f in self._naming.get(name, ())]
        found = {join for fact in about for join in _joins(fact, look, about_person=True)}
        return found | {join for fact in naming for join in _joins(fact, look, about_person=False)}


def _joins(fact: Fact, look: Look, *, about_person: bool) -> Iterator[Join]:
    window = _window(fact, look.instant)
    if window is None or (not about_person and window != "now"):
        return
    if fact.actor and fact.actor == look.actor:
        yield Join(fact.kind, "actor", window, about_person)
    if fact.team and fact.team == look.team:
        yield Join(fact.kind, "team", window, about_person)
    if about_person:
        yield Join(fact.kind, "any", window, about_person)


def _window(fact: Fact, instant: datetime) -> Window | None:
    if fact.holds_at(instant):
        return "now"
    if fact.valid_to is not None and timedelta(0) <= instant - fact.valid_to < ENDED:
        return "ended"
    if fact.valid_from is not None and timedelta(0) < fact.valid_from - instant <= AFTER:
        return "opened_after"
    return None
