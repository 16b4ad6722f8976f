"""Which persons of an affected set somebody should look at, one by one, before it is frozen.

A count over the logs is exact about what happened, not about why. A leaver who opens a customer of
the own portfolio, the owner of a stolen account who works while the thief does: such accesses look
like ordinary work, and no query tells them from it. They are named here with the reason, so that
somebody who can ask (the owner, the manager, the business file) settles them by `widen` and
`narrow`. Whom nothing speaks for is not in doubt, and whom an alert names is not either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise

import msgspec

from sentinel.domain.affected import Doubt, Extent, Selection, Why
from sentinel.domain.event import SUBJECT, USER, Event
from sentinel.domain.scope import Standing

USUAL = 0.05
"""Share of an actor's earlier accesses within an hour of an instant that makes the hour usual."""

SLIP = timedelta(minutes=1)
"""How soon somebody who opened the wrong person of a list opens the right one."""

SPOILT = 0.01
"""Share of a set that may be ordinary work without a fact before each such look is asked about."""

_STANDINGS = {
    Standing.OWN_WORK: Why.OWN_WORK,
    Standing.SHARED: Why.SHARED,
    Standing.WEAK: Why.WEAK,
}
_FIRST = tuple(Why)


class Habits:
    """What the actors did before the window: with whom they dealt, at which hours (UTC).

    ``standing``: how well an access is justified; None = nothing is known about that.
    """

    def __init__(
        self,
        earlier: Iterable[Event] = (),
        standing: Callable[[Event], Standing | None] | None = None,
    ) -> None:
        self._dealt: Counter[tuple[str, str]] = Counter()
        self._hours: dict[str, Counter[int]] = {}
        bare: set[tuple[str, str]] = set()
        for event in earlier:
            actor = event.text(USER)
            pairs = {(actor, subject) for subject in event.items(SUBJECT)}
            self._hours.setdefault(actor, Counter())[event.time.hour] += 1
            self._dealt.update(pairs)
            if standing is not None and standing(event) is Standing.UNEXPLAINED:
                bare |= pairs
        self._bare = Counter(actor for actor, subject in bare if self._dealt[actor, subject] == 1)

    def dealt(self, actor: str, subject: str) -> bool:
        """Tell whether the actor had opened this person's data before."""
        return (actor, subject) in self._dealt

    def usual(self, event: Event) -> bool:
        """Tell whether the actor works at this hour; unknown actors do not."""
        hours = self._hours.get(event.text(USER))
        if not hours:
            return False
        near = sum(hours[(event.time.hour + by) % 24] for by in (-1, 0, 1))
        return near >= USUAL * hours.total()

    def without_fact(self, actor: str, explained: int) -> float:
        """Return how many single looks without a fact to expect beside ``explained`` accesses."""
        bare, hours = self._bare[actor], self._hours.get(actor, Counter())
        return explained * bare / max(1, hours.total() - bare)


class _Pair(msgspec.Struct):
    """The accesses of one actor to one person."""

    events: list[Event]
    standings: list[Standing | None]
    certain: bool = False


class _Step(msgspec.Struct):
    """One access in the order of an actor's accesses."""

    time: datetime
    subjects: tuple[str, ...]
    standing: Standing | None
    certain: bool

    def unexplained(self) -> bool:
        return self.standing is Standing.UNEXPLAINED


class Doubts:
    """Gathers the accesses of a question, and says whom to look at."""

    def __init__(self, selection: Selection, habits: Habits) -> None:
        self._selection = selection
        self._habits = habits
        self._named = frozenset(selection.event_ids)
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._steps: dict[str, list[_Step]] = {}

    def add(self, event: Event, standing: Standing | None, subjects: Collection[str]) -> None:
        """Take in an access that succeeded."""
        actor = event.text(USER)
        certain = event.id in self._named or standing is Standing.FORBIDDEN or self._act(event)
        step = _Step(event.time, tuple(subjects), standing, certain)
        self._steps.setdefault(actor, []).append(step)
        for subject in subjects:
            pair = self._pairs.setdefault((actor, subject), _Pair([], []))
            pair.events.append(event)
            pair.standings.append(standing)
            pair.certain = pair.certain or certain

    def found(self, counted: Collection[str]) -> tuple[Doubt, ...]:
        """Return the doubts, who is left out first, the strongest reason first.

        ``counted``: the persons of the set. One person's question needs none: whoever is named is
        affected. Whom somebody put in or took out by hand is settled.
        """
        selection = self._selection
        if selection.persons or selection.extent is Extent.FINDINGS:
            return ()
        settled = {*selection.added, *selection.removed}
        certain = {subject for (_, subject), pair in self._pairs.items() if pair.certain}
        slips = frozenset(self._slips())
        bare = frozenset(actor for actor in self._steps if self._spoils(actor, len(counted)))
        doubts = [
            self._doubt(
                actor,
                subject,
                pair,
                inside=subject in counted,
                slip=(actor, subject) in slips,
                bare=actor in bare,
            )
            for (actor, subject), pair in self._pairs.items()
            if subject not in settled and subject not in certain
        ]
        return tuple(sorted((one for one in doubts if one.why), key=_order))

    def _doubt(
        self, actor: str, subject: str, pair: _Pair, *, inside: bool, slip: bool, bare: bool
    ) -> Doubt:
        why = {_STANDINGS[one] for one in pair.standings if one in _STANDINGS}
        if self._habits.dealt(actor, subject):
            why.add(Why.EARLIER)
        if len(pair.events) > 1:
            why.add(Why.RETURNED)
        elif slip:
            why.add(Why.WRONG_HIT)
        two_hands = self._selection.extent is Extent.BEYOND_OWN_WORK
        if two_hands and any(self._habits.usual(event) for event in pair.events):
            why.add(Why.USUAL_HOURS)
        if bare and not why and pair.standings == [Standing.UNEXPLAINED]:
            why |= {Why.NO_FACT for event in pair.events if self._habits.usual(event)}
        times = [event.time for event in pair.events]
        return Doubt(
            actor=actor,
            subject=subject,
            inside=inside,
            why=tuple(sorted(why, key=_FIRST.index)),
            first=min(times),
            last=max(times),
            accesses=len(times),
        )

    def _spoils(self, actor: str, persons: int) -> bool:
        """Tell whether work without a fact may make up more of the set than `SPOILT`.

        What to expect is what the actor did before: so many single looks without a fact beside so
        many accesses. Where the facts are good, nobody is asked about every unexplained look.
        """
        explained = sum(step.standing in _STANDINGS for step in self._steps[actor])
        return self._habits.without_fact(actor, explained) > SPOILT * persons

    def _slips(self) -> Iterator[tuple[str, str]]:
        """Yield actor and person where a look was left at once for a person of the actor's work.

        A run of unexplained looks is no slip, nor is a list that names several persons, nor a look
        left for what is misuse itself (a named event, one of ``acts``).
        """
        for actor, steps in self._steps.items():
            steps.sort(key=lambda step: (step.time, step.subjects))
            for at, (step, after) in enumerate(pairwise(steps)):
                before = steps[at - 1] if at else None
                run = before and before.unexplained() and step.time - before.time <= SLIP
                alone = step.unexplained() and len(step.subjects) == 1 and not run
                if alone and after.time - step.time <= SLIP and self._work(actor, after):
                    yield actor, step.subjects[0]

    def _work(self, actor: str, step: _Step) -> bool:
        """Tell whether an access is to a person of the actor's or the team's work."""
        if step.certain:
            return False
        if step.standing in (Standing.OWN_WORK, Standing.SHARED):
            return True
        return any(self._habits.dealt(actor, subject) for subject in step.subjects)

    def _act(self, event: Event) -> bool:
        action = event.text("event.action")
        return any(fnmatchcase(action, pattern) for pattern in self._selection.acts)


def _order(doubt: Doubt) -> tuple[bool, int, str, str]:
    return (doubt.inside, _FIRST.index(doubt.why[0]), doubt.subject, doubt.actor)
