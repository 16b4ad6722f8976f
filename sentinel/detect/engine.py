"""The rule engine: events in, findings out, in event time.

Each event meets the rules of its log source, then the correlations, which wait for the watermark
(see `correlate.timekeeper`). A rule that fails at run time is counted
and stops nothing.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from sentinel.clock import isoformat
from sentinel.detect.budget import LIMIT, Budget
from sentinel.detect.correlate import checkpoint
from sentinel.detect.correlate.correlator import Correlator, Losses
from sentinel.detect.correlate.hit import Hit
from sentinel.detect.correlate.timekeeper import Timekeeper
from sentinel.detect.cut_off import CutOff
from sentinel.detect.fast.index import RuleIndex
from sentinel.detect.findings import burst_finding, burst_hit, event_finding
from sentinel.detect.rules.fields import TIMESTAMP, Fields
from sentinel.detect.rules.model import Rule, RuleSet
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding, RuleInfo


class RuleErrors(NamedTuple):
    """Failures of one rule. ``first``: the kind of the first; it holds no data of an event."""

    failures: int
    first: str


class RuleEngine:
    """Runs a rule set. Not safe for use from several threads.

    ``rule_errors``: rule id to failures. ``losses``: correlation id to what it left out.
    """

    def __init__(
        self,
        ruleset: RuleSet,
        *,
        lateness: timedelta,
        over_budget: RuleInfo | None = None,
        budget: int = LIMIT,
    ) -> None:
        """Prepare. ``over_budget``: says what an event too costly left unjudged (see `budget`)."""
        self.rule_errors: dict[str, RuleErrors] = {}
        self._cut_off = CutOff(over_budget)
        self._budget = Budget(budget)
        self._ruleset = ruleset
        self._lateness = lateness
        self._time = Timekeeper(lateness)
        self._index = RuleIndex(ruleset.rules)
        self._reads_time = any(TIMESTAMP in rule.reads for rule in ruleset.rules)
        self._titles = {item.info.id: item.info.title for item in ruleset.items}
        self._correlators = [Correlator(correlation) for correlation in ruleset.correlations]
        self._listeners = _listeners(self._correlators)

    @property
    def watermark(self) -> datetime:
        """The instant (UTC) before which correlations expect nothing more."""
        return self._time.watermark

    @property
    def losses(self) -> dict[str, Losses]:
        """Per correlation id: hits too late, too early, without a group; what was evicted."""
        return {c.correlation.info.id: c.losses for c in self._correlators}

    def alone(self) -> RuleEngine:
        """Return an engine of the same rules without correlations: it remembers nothing."""
        rules = dataclasses.replace(self._ruleset, correlations=())
        return RuleEngine(rules, lateness=timedelta(0))

    def inherit(self, old: RuleEngine) -> tuple[str, ...]:
        """Take over, before the first event, where ``old`` stands in time, and its windows.

        The windows are those of the correlations that are written as before, and whose rules are;
        their ids are returned. ``old`` must not be used any more.
        """
        self._time = old._time
        self._cut_off.inherit(old._cut_off)
        same = self._ruleset.written_alike(old._ruleset)
        kept = {c.correlation.info.id: c for c in old._correlators}
        self._correlators = [
            kept[key] if (key := c.correlation.info.id) in same and key in kept else c
            for c in self._correlators
        ]
        self._listeners = _listeners(self._correlators)
        return tuple(c.correlation.info.id for c in self._correlators if c in kept.values())

    def process(self, events: Sequence[Event], *, now: datetime | None = None) -> list[Finding]:
        """Return what the events make certain, in their order, then the correlations' bursts.

        ``now``: when they arrived; correlations do not believe a later date. None believes all.
        """
        horizon = self._time.horizon(now)
        for correlator in self._correlators:
            correlator.horizon = horizon
        findings = [
            finding
            for event, rules in zip(events, self._index.candidates(events), strict=True)
            if rules
            for finding in self._match(event, rules, now)
        ]
        return [*findings, *self._correlate(moved=self._time.observe(events, now))]

    def advance(self, now: datetime) -> list[Finding]:
        """Let time pass without events: nothing older than ``now`` minus the lateness will come."""
        return self._correlate(moved=self._time.advance(now))

    def flush(self) -> list[Finding]:
        """Return what is still open at the end of the input. Events after that are late."""
        return self._correlate(moved=self._time.end())

    @property
    def left_out(self) -> dict[str, int]:
        """What correlations together did not take into account, by the kind (see `Losses`)."""
        total = Counter[str]()
        for correlator in self._correlators:
            total.update(msgspec.structs.asdict(correlator.losses))
        return {**total, "future_events": self._time.future, **self._cut_off.counts}

    @property
    def weight(self) -> int:
        """How many hits and groups correlations keep, about: what `remember` costs."""
        return sum(correlator.weight for correlator in self._correlators)

    def remember(self) -> Iterator[bytes]:
        """Yield all that correlations remember (msgpack), in parts that are small each."""
        return checkpoint.remember(self._time, self._correlators, self._ruleset)

    def recall(self, parts: Iterable[bytes]) -> bool:
        """Take over, before the first event, what an engine of the same correlations remembered.

        Tells whether it fitted; if not, nothing was taken over.
        """
        time = Timekeeper(self._lateness)
        fresh = [Correlator(correlation) for correlation in self._ruleset.correlations]
        if not checkpoint.recall(parts, time, fresh, self._ruleset):
            return False
        self._time, self._correlators, self._listeners = time, fresh, _listeners(fresh)
        return True

    def _match(
        self, event: Event, rules: Sequence[Rule], now: datetime | None
    ) -> Iterator[Finding]:
        fields: Fields = event.fields
        if self._reads_time:
            fields = {TIMESTAMP: isoformat(event.time), **event.fields}
        rules, unjudged = self._budget.choose(rules, fields)
        cut = [rule.info for rule in unjudged]
        for rule in rules:
            try:
                if not rule.match(fields):
                    continue
                if rule.info.id not in self._ruleset.silent:
                    yield event_finding(rule, event)
            except RecursionError:  # nested deeper than text can be made of it
                cut.append(rule.info)
                continue
            except Exception as error:
                self._count_error(rule.info.id, error)
                continue
            cut += [
                correlator.correlation.info
                for correlator in self._listeners.get(rule.info.id, ())
                if correlator.offer(_event_hit(rule, event))
            ]
        if cut:
            yield from self._cut_off.tell(event, cut, now)

    def _count_error(self, rule_id: str, error: Exception) -> None:
        known = self.rule_errors.get(rule_id, RuleErrors(0, type(error).__name__))
        self.rule_errors[rule_id] = RuleErrors(known.failures + 1, known.first)

    def _correlate(self, *, moved: bool) -> list[Finding]:
        if not moved:
            return []
        return [f for correlator in self._correlators for f in self._evaluate(correlator)]

    def _evaluate(self, correlator: Correlator) -> Iterator[Finding]:
        correlation = correlator.correlation
        for group, burst in correlator.evaluate(self._time.watermark):
            finding = burst_finding(correlation, group, burst, self._titles)
            for parent in self._listeners.get(correlation.info.id, ()):
                if not burst.continues:  # a burst counts once
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
