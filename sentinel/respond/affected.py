"""Affected persons come from the logs, not from a guess (GDPR art. 33(3)(a), 34).

The actors of a case and its window select the events; the data subjects named in the accesses that
succeeded are the persons affected. A refused attempt exposed nothing: it is counted apart. An
access that names no person (a bulk export) is counted in ``unlisted_records``, never dropped.
What the chosen extent leaves out is named as such, with the persons that only it reached.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from sentinel.domain.affected import Affected, AffectedPerson, Extent, Selection
from sentinel.domain.blind import BlindWindow
from sentinel.domain.event import CATEGORY, RECORDS, SESSION, SUBJECT, USER, Event
from sentinel.domain.scope import Standing
from sentinel.respond.affected_doubt import Doubts, Habits
from sentinel.respond.affected_words import in_words
from sentinel.store.ports import EventStore

ACTOR_FIELDS = (USER, SESSION, "source.ip")
_FIRST_REFUSAL = 400

StandingOf = Callable[[Event], Standing | None]


def affected(
    events: EventStore,
    *,
    actors: Collection[str],
    since: datetime,
    until: datetime,
    event_ids: Collection[str] = (),
) -> Affected:
    """Count the persons whose data ``actors`` reached in ``[since, until)`` (UTC).

    ``actors``: pseudonyms of users, sessions or addresses. ``event_ids``: further events, wherever
    they lie. The result is frozen: the same events give the same hash.
    """
    selection = Selection(
        actors=tuple(sorted(actors)), since=since, until=until, event_ids=tuple(sorted(event_ids))
    )
    return counted(selected(events, selection), selection)


def selected(events: EventStore, selection: Selection) -> Iterator[Event]:
    """Yield, once each, the accesses that may count: the extent is not asked yet."""
    seen: set[str] = set()
    actors, persons = frozenset(selection.actors), frozenset(selection.persons)

    def chosen(event: Event) -> bool:
        if actors and actors.isdisjoint(filter(None, map(event.text, ACTOR_FIELDS))):
            return False
        return not persons or not persons.isdisjoint(event.items(SUBJECT))

    if actors or persons:
        for event in events.search(since=selection.since, until=selection.until, where=chosen):
            if event.id not in seen:
                seen.add(event.id)
                yield event
    for event_id in selection.event_ids:
        found = events.get(event_id)
        if found is not None and found.id not in seen:
            seen.add(found.id)
            yield found


def counted(
    events: Iterable[Event],
    selection: Selection,
    *,
    standing: StandingOf | None = None,
    limits: Iterable[BlindWindow] = (),
    habits: Habits | None = None,
) -> Affected:
    """Return the affected set of accesses that `selected` gave.

    ``standing``: how well an access is justified, by what is known now; None = every access counts.
    ``limits``: blind windows; those that touch the selection's span are kept.
    ``habits``: what the actors did before, by which doubts are told.
    """
    tally = _Tally(selection, habits or Habits())
    for event in events:
        tally.add(event, standing(event) if standing is not None else None)
    touching = [one for one in limits if one.touches(selection.since, selection.until)]
    return tally.result(tuple(sorted(touching, key=lambda one: (one.begin, one.source, one.id))))


def before(events: EventStore, selection: Selection, span: timedelta) -> Iterator[Event]:
    """Yield what the actors did in the ``span`` before the window: their `Habits`."""
    if selection.since is not None and selection.actors:
        since, until = selection.since - span, selection.since
        yield from selected(events, Selection(actors=selection.actors, since=since, until=until))


def look_back(selection: Selection, span: timedelta) -> Selection | None:
    """Return what the same actors did without reason in the ``span`` before; None: no beginning."""
    if selection.since is None:
        return None
    return msgspec.structs.replace(
        selection,
        since=selection.since - span,
        until=selection.since,
        extent=Extent.UNJUSTIFIED,
        event_ids=(),
        added=(),
        removed=(),
    )


class _Tally:
    """Adds up accesses, in any order."""

    def __init__(self, selection: Selection, habits: Habits) -> None:
        self._selection = selection
        self._doubts = Doubts(selection, habits)
        self._named = frozenset(selection.event_ids)
        self._only = frozenset(selection.persons)
        self._removed = frozenset(selection.removed)
        self._added = frozenset(selection.added)
        self._persons: dict[str, list[Event]] = {}
        self._aside: dict[str, list[Event]] = {}
        self._categories: Counter[str] = Counter()
        self._standings: Counter[str] = Counter()
        self._records = self._accesses = self._refused = self._unlisted = self._left_out = 0
        self._times: list[datetime] = []

    def add(self, event: Event, standing: Standing | None) -> None:
        subjects = sorted(set(event.items(SUBJECT)))
        records = _records(event, len(subjects))
        if not subjects and not records:
            return
        if _refused(event):
            self._refused += 1
            return
        if self._only and event.id not in self._named:
            kept = [subject for subject in subjects if subject in self._only]
            records = min(records, len(kept)) if len(kept) < len(subjects) else records
            subjects = kept
        self._doubts.add(event, standing, subjects)
        if not self._takes(event, standing, subjects):
            self._left_out += 1
            for subject in subjects:
                self._aside.setdefault(subject, []).append(event)
            return
        if subjects and self._removed.issuperset(subjects):
            return
        self._accesses += 1
        self._records += records
        self._unlisted += 0 if subjects else records
        self._categories.update(event.items(CATEGORY))
        self._standings[standing.value if standing else "not_judged"] += 1
        self._times.append(event.time)
        for subject in subjects:
            if subject not in self._removed:
                self._persons.setdefault(subject, []).append(event)

    def _takes(self, event: Event, standing: Standing | None, subjects: list[str]) -> bool:
        if event.id in self._named or not self._added.isdisjoint(subjects):
            return True
        if self._selection.extent.takes(standing):
            return True
        action = event.text("event.action")
        return any(fnmatchcase(action, pattern) for pattern in self._selection.acts)

    def result(self, limits: tuple[BlindWindow, ...]) -> Affected:
        subjects = tuple(sorted({*self._persons, *(self._added - self._removed)}))
        left_out = {*self._aside} - {*subjects} - self._removed
        return Affected(
            subjects=subjects,
            categories=dict(sorted(self._categories.items())),
            record_count=self._records,
            first=min(self._times, default=None),
            last=max(self._times, default=None),
            query=in_words(self._selection, ACTOR_FIELDS),
            sha256=hashlib.sha256("\n".join(subjects).encode()).hexdigest(),
            persons=tuple(
                _person(one, self._persons[one]) for one in subjects if one in self._persons
            ),
            access_count=self._accesses,
            refused_count=self._refused,
            unlisted_records=self._unlisted,
            selection=self._selection,
            left_out=tuple(sorted(left_out)),
            left_out_accesses=self._left_out,
            standings=dict(sorted(self._standings.items())),
            limits=limits,
            doubts=self._doubts.found(subjects),
        )


def _person(subject: str, accesses: list[Event]) -> AffectedPerson:
    times = [event.time for event in accesses]
    return AffectedPerson(
        subject=subject,
        first=min(times),
        last=max(times),
        accesses=len(accesses),
        categories=tuple(sorted({name for event in accesses for name in event.items(CATEGORY)})),
    )


def _records(event: Event, subjects: int) -> int:
    stated = event.get(RECORDS)
    return stated if isinstance(stated, int) and stated > 0 else subjects


def _refused(event: Event) -> bool:
    status = event.get("http.response.status_code")
    failed = isinstance(status, int) and status >= _FIRST_REFUSAL
    return failed or event.text("event.outcome") == "failure"
