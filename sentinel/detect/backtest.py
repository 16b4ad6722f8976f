"""What a rule would have found in the past: how often, on whom, and what an analyst would read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from sentinel.clock import isoformat
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding

TOP = 10


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result. Days and instants are UTC; ``actors``: those with the most findings."""

    rule: str
    events: int
    first: str
    last: str
    findings: int
    per_day: dict[str, int]
    actors: dict[str, int]
    persons: int
    busiest_day: int


class Tally:
    """Counts while events and findings go by."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._events = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._days: Counter[str] = Counter()
        self._actors: Counter[str] = Counter()
        self._persons: set[str] = set()

    def read(self, events: Iterable[Event]) -> None:
        """Count events that were judged."""
        for event in events:
            self._events += 1
            self._first = event.time if self._first is None else min(self._first, event.time)
            self._last = event.time if self._last is None else max(self._last, event.time)

    def found(self, findings: Iterable[Finding]) -> None:
        """Count findings of the rule."""
        for finding in findings:
            self._persons.update(finding.subjects)
            if finding.continues:  # the later events of a burst that was counted
                continue
            self._days[finding.time.date().isoformat()] += 1
            self._actors[finding.actor or "-"] += 1

    def report(self) -> Report:
        """Return what was counted."""
        return Report(
            rule=self._rule,
            events=self._events,
            first=isoformat(self._first) if self._first else "",
            last=isoformat(self._last) if self._last else "",
            findings=self._days.total(),
            per_day=dict(sorted(self._days.items())),
            actors=dict(self._actors.most_common(TOP)),
            persons=len(self._persons),
            busiest_day=max(self._days.values(), default=0),
        )
