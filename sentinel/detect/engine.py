"""The rule engine: events in, findings out, in event time.

Each event meets the rules of its log source, then the correlations, which wait for the watermark:
the latest event time seen minus the allowed lateness. A rule that fails at run time is counted
and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sentinel.clock import isoformat
from sentinel.detect.correlate.correlator import ALWAYS, Correlator, Losses
from sentinel.detect.correlate.hit import Hit
from sentinel.detect.findings import burst_finding, burst_hit, event_finding
from sentinel.detect.rules.fields import TIMESTAMP, Fields
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.finding import Finding

END = datetime.max.replace(tzinfo=UTC)


class RuleErrors(NamedTuple):
    """Failures of one rule. ``first``: the kind of the first; it holds no data of an event."""

    failures: int
    first: str


class RuleEngine:
    """Runs a rule set. Not safe for use from several threads.

    ``rule_errors``: rule id to failures. ``losses``: correlation id to what it left out.
    """

    def __init__(self, ruleset: RuleSet, *, lateness: timedelta) -> None:
        self.rule_errors: dict[str, RuleErrors] = {}
        self._ruleset = ruleset
        self._lateness = lateness
        self._watermark = ALWAYS
        self._latest = ALWAYS
        self._routes: dict[LogSource, tuple[Rule, ...]] = {}
        self._reads_time = any(TIMESTAMP in rule.reads for rule in ruleset.rules)
        self._titles = {item.info.id: item.info.title for item in ruleset.items}
        self._correlators = [Correlator(correlation) for correlation in ruleset.correlations]
        self._listeners = _listeners(self._correlators)

    @property
    def watermark(self) -> datetime:
        """The instant (UTC) before which correlations expect nothing more."""
        return self._watermark

    @property
    def losses(self) -> dict[str, Losses]:
        """Per correlation id: hits too late or without a group, groups and hits evicted."""
        return {c.correlation.info.id: c.losses for c in self._correlators}

    def inherit(self, old: RuleEngine) -> tuple[str, ...]:
        """Take over, before the first event, where ``old`` stands in time, and its windows.

        The windows are those of the correlations that are written as before, and whose rules are;
        their ids are returned. ``old`` must not be used any more.
        """
        self._watermark, self._latest = old._watermark, old._latest
        same = self._ruleset.written_alike(old._ruleset)
        kept = {c.correlation.info.id: c for c in old._correlators}
        self._correlators = [
            kept[key] if (key := c.correlation.info.id) in same and key in kept else c
            for c in self._correlators
        ]
        self._listeners = _listeners(self._correlators)
        return tuple(c.correlation.info.id for c in self._correlators if c in kept.values())

    def process(self, events: Sequence[Event]) -> list[Finding]:
        """Return what the events make certain, in their order, then the correlations' bursts."""
        findings = [finding for event in events for finding in self._match(event)]
        if events:
            self._latest = max(self._latest, *(event.time for event in events))
            findings.extend(self._move_to(self._latest - self._lateness))
        return findings

    def advance(self, now: datetime) -> list[Finding]:
        """Let time pass without events: nothing older than ``now`` minus the lateness will come."""
        return self._move_to(now - self._lateness)

    def flush(self) -> list[Finding]:
        """Return what is still open at the end of the input. Events after that are late."""
        return self._move_to(END)

    def _match(self, event: Event) -> Iterator[Finding]:
        fields: Fields = event.fields
        if self._reads_time:
            fields = {TIMESTAMP: isoformat(event.time), **event.fields}
        for rule in self._route(event.logsource):
            try:
                if not rule.match(fields):
                    continue
                if rule.info.id not in self._ruleset.silent:
                    yield event_finding(rule, event)
            except Exception as error:
                self._count_error(rule.info.id, error)
                continue
            for correlator in self._listeners.get(rule.info.id, ()):
                correlator.offer(_event_hit(rule, event))

    def _route(self, source: LogSource) -> tuple[Rule, ...]:
        route = self._routes.get(source)
        if route is None:
            route = tuple(rule for rule in self._ruleset.rules if rule.applies_to(source))
            self._routes[source] = route
        return route

    def _count_error(self, rule_id: str, error: Exception) -> None:
        known = self.rule_errors.get(rule_id, RuleErrors(0, type(error).__name__))
        self.rule_errors[rule_id] = RuleErrors(known.failures + 1, known.first)

    def _move_to(self, watermark: datetime) -> list[Finding]:
        if watermark <= self._watermark:
            return []
        self._watermark = watermark
        return [f for correlator in self._correlators for f in self._evaluate(correlator)]

    def _evaluate(self, correlator: Correlator) -> Iterator[Finding]:
        correlation = correlator.correlation
        for group, burst in correlator.evaluate(self._watermark):
            finding = burst_finding(correlation, group, burst, self._titles)
            for parent in self._listeners.get(correlation.info.id, ()):
                parent.offer(burst_hit(correlation, group, burst, finding))
            if correlation.info.id not in self._ruleset.silent:
                yield finding


def _listeners(correlators: Sequence[Correlator]) -> dict[str, list[Correlator]]:
    """Return, per id of a rule, the correlators that its hits concern."""
    listeners: dict[str, list[Correlator]] = {}
    for correlator in correlators:
        for rule in dict.fromkeys(correlator.correlation.rules):
            listeners.setdefault(rule, []).append(correlator)
    return listeners


def _event_hit(rule: Rule, event: Event) -> Hit:
    return Hit(
        rule=rule.info.id,
        key=event.id,
        time=event.time,
        fields=event.fields,
        events=(event.id,),
        refs=(event.ref,),
    )
