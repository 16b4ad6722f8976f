"""A fact that arrives late, is corrected or taken back changes the verdict on accesses of before.

Here is what such a fact may touch, and what the verdict is now. Nothing is read or written: the
service looks up the accesses (`sentinel.app.revision`) and puts each revision into the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from sentinel.detect.scope.engine import JUDGED_KINDS, ScopeEngine
from sentinel.detect.scope.leavers import EMPLOYMENT
from sentinel.detect.scope.model import ScopeModel
from sentinel.domain import event as names
from sentinel.domain.event import Event
from sentinel.domain.scope import Fact

MOST_NAMES = 20_000  # beyond it everybody is looked up
REMEMBERED = timedelta(hours=26)
_MARGIN = timedelta(minutes=10)  # clocks of sources run ahead of ours by less
_MARKS = (names.SCOPE_VERDICT, names.SCOPE_TEMPLATE, names.SCOPE_WEAK, names.LEAVER)
_WRITTEN = (*_MARKS, names.SCOPE_REASON, names.SCOPE_REASON_FR)
_FLOOR, _CEILING = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Which accesses facts may touch: persons, actors or teams, in ``[since, until]`` (UTC).

    ``everybody``: they are too many to name. None = open.
    """

    subjects: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    everybody: bool = False
    since: datetime | None = None
    until: datetime | None = None

    def matcher(self) -> Callable[[Event], bool]:
        """Return what tells whether an event is an access of staff within the reach."""
        subjects, agents = frozenset(self.subjects), frozenset(self.agents)
        since, until = self.since or _FLOOR, self.until or _CEILING

        def touched(event: Event) -> bool:
            if not since <= event.time <= until:
                return False
            if event.text(names.ACTOR_KIND) not in JUDGED_KINDS:
                return False
            return (
                self.everybody
                or event.text(names.USER) in agents
                or event.text(names.TEAM) in agents
                or not subjects.isdisjoint(event.items(names.SUBJECT))
            )

        return touched


def united(reaches: Iterable[Reach]) -> Reach | None:
    """Return what reaches touch together, or more; None where there are none."""
    several = list(reaches)
    if not several:
        return None
    subjects = {name for one in several for name in one.subjects}
    agents = {name for one in several for name in one.agents}
    everybody = any(one.everybody for one in several) or len(subjects) + len(agents) > MOST_NAMES
    starts = [one.since for one in several]
    ends = [one.until for one in several]
    return Reach(
        subjects=() if everybody else tuple(sorted(subjects)),
        agents=() if everybody else tuple(sorted(agents)),
        everybody=everybody,
        since=None if None in starts else min(one for one in starts if one),
        until=None if None in ends else max(one for one in ends if one),
    )


class Watch:
    """Tells what a fact reaches among the accesses judged so far.

    Most tickets are known before the first look, and reach nothing: persons and actors of the last
    hours are remembered, so that such a fact costs no search. What an earlier process judged is
    not remembered, and always looked up.
    """

    def __init__(self, model: ScopeModel, *, started: datetime) -> None:
        self._start = started + _MARGIN
        self._seen: dict[str, datetime] = {}
        self._latest = self._start
        self._swept = self._start
        self._kinds: dict[str, _Kind] = {}
        for template in model.templates:
            if template.fact is not None:
                kind = self._kinds.setdefault(template.fact, _Kind())
                kind.by_subject |= template.subject == "same"
                kind.by_agent |= template.subject == "any"
                kind.before = max(kind.before, template.opened_after_within)
                kind.after = max(kind.after, template.ended_within)
        for population in model.populations.values():
            self._kinds.setdefault(population.fact, _Kind()).by_subject = True
        employment = self._kinds.setdefault(EMPLOYMENT, _Kind())
        employment.by_agent = employment.always = True

    def judged(self, event: Event) -> None:
        """Remember an event that was judged."""
        if names.SCOPE_VERDICT not in event.fields and names.LEAVER not in event.fields:
            return
        for name in (event.text(names.USER), event.text(names.TEAM), *event.items(names.SUBJECT)):
            if name and self._seen.get(name, _FLOOR) < event.time:
                self._seen[name] = event.time
        self._latest = max(self._latest, event.time)
        if self._latest - self._swept > REMEMBERED:
            self._sweep()

    def reach(self, before: Fact | None, after: Fact | None) -> Reach | None:
        """Return what replacing ``before`` by ``after`` may touch; None where nothing changed."""
        if before == after:
            return None
        return united(
            one for fact in (before, after) if fact and (one := self._of(fact)) is not None
        )

    def _of(self, fact: Fact) -> Reach | None:
        kind = self._kinds.get(fact.kind)
        if kind is None:
            return None
        since = _shifted(fact.valid_from, -kind.before) if not kind.always else None
        until = _shifted(fact.valid_to, kind.after) if not kind.always else None
        subjects = (fact.subject,) if kind.by_subject and fact.subject else ()
        agents = tuple(name for name in (fact.actor, fact.team) if name) if kind.by_agent else ()
        if not any(self._may_touch(name, since) for name in (*subjects, *agents)):
            return None
        return Reach(subjects=subjects, agents=agents, since=since, until=until)

    def _may_touch(self, name: str, since: datetime | None) -> bool:
        if since is None or since <= max(self._start, self._swept - REMEMBERED):
            return True
        return self._seen.get(name, _FLOOR) >= since

    def _sweep(self) -> None:
        self._swept = self._latest
        old = self._latest - REMEMBERED
        self._seen = {name: at for name, at in self._seen.items() if at >= old}


class _Kind:
    """How the templates ask about one kind of fact."""

    def __init__(self) -> None:
        self.by_subject = self.by_agent = self.always = False
        self.before = self.after = timedelta(0)


def judged_again(engine: ScopeEngine, event: Event) -> Event:
    """Return the event with the verdict that the facts known now give."""
    bare = {name: value for name, value in event.fields.items() if name not in _WRITTEN}
    return engine.judge(msgspec.structs.replace(event, fields=bare))


def stamp(event: Event) -> dict[str, str | bool]:
    """Return what a verdict consists of, to compare and to keep."""
    found: dict[str, str | bool] = {name: event.text(name) for name in _MARKS[:3]}
    return {**found, names.LEAVER: event.get(names.LEAVER) is True}


def _shifted(instant: datetime | None, by: timedelta) -> datetime | None:
    if instant is None:
        return None
    try:
        return instant + by
    except OverflowError:
        return None
