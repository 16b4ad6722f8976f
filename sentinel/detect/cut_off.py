"""What the budget of an event left unjudged: counted always, said once per source and hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sentinel.detect.findings import over_budget_finding
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding, RuleInfo


class CutOff:
    """Counts and tells. ``rule``: the pseudo-rule that speaks; None for counting alone."""

    def __init__(self, rule: RuleInfo | None) -> None:
        self._rule = rule
        self._events = 0
        self._rules = 0
        self._told: dict[str, datetime] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many events were not judged whole, and how often a rule was left out."""
        return {"events_over_budget": self._events, "rules_cut_off": self._rules}

    def inherit(self, old: CutOff) -> None:
        """Go on counting where ``old`` stopped."""
        self._events, self._rules, self._told = old._events, old._rules, old._told

    def tell(
        self, event: Event, cut: Sequence[RuleInfo], now: datetime | None
    ) -> Iterator[Finding]:
        """Count, and yield the finding where its source has none yet in this hour.

        The hour is that of the arrival, where it is known: the sender chooses the event's own.
        """
        self._events += 1
        self._rules += len(cut)
        hour = (now or event.time).replace(minute=0, second=0, microsecond=0)
        if self._rule is None or self._told.get(event.source) == hour:
            return
        self._told[event.source] = hour
        yield over_budget_finding(self._rule, event, cut, hour)
