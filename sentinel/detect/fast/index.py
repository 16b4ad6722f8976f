"""From events to the rules worth evaluating, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sentinel.detect.fast.frequency import column_of
from sentinel.detect.fast.plan import Plan
from sentinel.detect.rules.fields import Fields
from sentinel.detect.rules.model import Rule
from sentinel.domain.event import Event, LogSource


class RuleIndex:
    """Names the candidates of each event. Not safe for use from several threads."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._plans: dict[LogSource, Plan] = {}

    def candidates(self, events: Sequence[Event]) -> list[tuple[Rule, ...]]:
        """Return, for each event, every rule that may match it, in the rules' order."""
        routes: dict[LogSource, list[int]] = {}
        for row, event in enumerate(events):
            routes.setdefault(event.logsource, []).append(row)
        found: list[tuple[Rule, ...]] = [()] * len(events)
        for source, rows in routes.items():
            plan = self.plan(source)
            fields = [events[row].fields for row in rows]
            for place, numbers in _of_plan(plan, fields).items():
                found[rows[place]] = tuple(plan.rules[number] for number in sorted(numbers))
        return found

    def plan(self, source: LogSource) -> Plan:
        """Return the plan of a log source, made when its first event comes."""
        plan = self._plans.get(source)
        if plan is None:
            plan = Plan([rule for rule in self._rules if rule.applies_to(source)])
            self._plans[source] = plan
        return plan


def _of_plan(plan: Plan, fields: Sequence[Fields]) -> dict[int, set[int]]:
    found = plan.candidates(len(fields), cache(lambda name: column_of(name, fields)))
    for row in range(len(fields)) if plan.always else ():
        found.setdefault(row, set()).update(plan.always)
    if plan.wanting:
        plan.learn(fields)
    return found
