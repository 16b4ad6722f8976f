"""Affected persons come from the logs, not from a guess (GDPR art. 33(3)(a), 34).

The actors of a case and its window select the events; the data subjects named in the accesses that
succeeded are the persons affected. A refused attempt exposed nothing: it is counted apart. An
access that names no person (a bulk export) is counted in ``unlisted_records``, never dropped.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime

from sentinel.clock import isoformat
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.event import CATEGORY, RECORDS, SESSION, SUBJECT, USER, Event
from sentinel.store.ports import EventStore

_ACTOR_FIELDS = (USER, SESSION, "source.ip")
_FIRST_REFUSAL = 400


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
    tally = _Tally()
    for event in _selected(events, frozenset(actors), since, until, event_ids):
        tally.add(event)
    return tally.result(_query(actors, since, until, event_ids))


class _Tally:
    """Adds up accesses, in any order."""

    def __init__(self) -> None:
        self._persons: dict[str, list[Event]] = {}
        self._categories: Counter[str] = Counter()
        self._records = self._accesses = self._refused = self._unlisted = 0
        self._times: list[datetime] = []

    def add(self, event: Event) -> None:
        subjects = sorted(set(event.items(SUBJECT)))
        records = _records(event, len(subjects))
        if not subjects and not records:
            return
        if _refused(event):
            self._refused += 1
            return
        self._accesses += 1
        self._records += records
        self._unlisted += 0 if subjects else records
        self._categories.update(event.items(CATEGORY))
        self._times.append(event.time)
        for subject in subjects:
            self._persons.setdefault(subject, []).append(event)

    def result(self, query: str) -> Affected:
        persons = tuple(_person(one, self._persons[one]) for one in sorted(self._persons))
        subjects = tuple(person.subject for person in persons)
        return Affected(
            subjects=subjects,
            categories=dict(sorted(self._categories.items())),
            record_count=self._records,
            first=min(self._times, default=None),
            last=max(self._times, default=None),
            query=query,
            sha256=hashlib.sha256("\n".join(subjects).encode()).hexdigest(),
            persons=persons,
            access_count=self._accesses,
            refused_count=self._refused,
            unlisted_records=self._unlisted,
        )


def _selected(
    events: EventStore,
    actors: frozenset[str],
    since: datetime,
    until: datetime,
    event_ids: Collection[str],
) -> Iterator[Event]:
    seen: set[str] = set()
    if actors:

        def by_actor(event: Event) -> bool:
            return any(event.text(name) in actors for name in _ACTOR_FIELDS)

        for event in events.search(since=since, until=until, where=by_actor):
            if event.id not in seen:
                seen.add(event.id)
                yield event
    for event_id in event_ids:
        found = events.get(event_id)
        if found is not None and found.id not in seen:
            seen.add(found.id)
            yield found


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


def _query(
    actors: Collection[str], since: datetime, until: datetime, event_ids: Collection[str]
) -> str:
    parts = []
    if actors:
        who = ", ".join(sorted(actors))
        fields = " or ".join(_ACTOR_FIELDS)
        span = f"@timestamp >= {isoformat(since)} and @timestamp < {isoformat(until)}"
        parts.append(f"{fields} in ({who}) and {span}")
    if event_ids:
        parts.append(f"event.id in ({', '.join(sorted(event_ids))})")
    return " or ".join(f"({part})" for part in parts)
