"""The straight line of detection: facts, scope, rules, behaviour.

Scope comes first, because its verdict is a field that rules select on; behaviour comes last,
because it sees sessions, not events.

A stage that raises on an event is a bug, and must not stop detection: the fault is counted, the
event is kept and passed on, and the events around it are judged as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sentinel.detect.behaviour.watches import Watches
from sentinel.detect.diary import States
from sentinel.detect.engine import RuleEngine
from sentinel.detect.faults import Faults, unjudged
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import fact_from_event
from sentinel.detect.scope.revise import Reach, Watch, united
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.domain.scope import Fact


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A batch after detection: the events with their verdicts, the findings, the facts learnt.

    ``findings`` come from these events; ``navigation`` from sessions that ended meanwhile.
    ``state``: what detection must find again beside the offset, by name; to store with it.
    ``reach``: which accesses judged before the facts may touch; None = none.
    """

    events: tuple[Event, ...]
    findings: tuple[Finding, ...]
    navigation: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    state: States = {}
    poisoned: tuple[tuple[Event, str], ...] = ()  # on which a stage failed, with stage and fault
    also: Callable[[Any], None] | None = None  # what else to write in the transaction of the offset
    reach: Reach | None = None


class Detector:
    """Judges batches of events. Not safe for two tasks at once."""

    def __init__(
        self, *, scope: ScopeEngine, rules: RuleEngine, behaviour: Watches | None = None
    ) -> None:
        self.scope = scope
        self.rules = rules
        self.behaviour = behaviour
        self.faults = Faults()
        self.late: Watch | None = None  # set where verdicts are revised
        self._reaches: list[Reach] = []

    async def process(self, events: Sequence[Event], *, now: datetime | None = None) -> Judged:
        """Judge a batch in the order of arrival; facts in it count for the whole batch.

        ``now``: when it arrived, so that no wrong date leads correlations astray.
        """
        facts = tuple(fact for event in events if (fact := self._learn(event)) is not None)
        judged = tuple(self._judge(event) for event in events)
        findings = tuple(self._match(judged, now))
        navigation = tuple(await self._watch(judged))
        reach, self._reaches = united(self._reaches), []
        return Judged(
            events=judged, findings=findings, navigation=navigation, facts=facts, reach=reach
        )

    def replay(self, events: Sequence[Event], *, now: datetime) -> None:
        """Judge a batch again for the sake of what correlations remember, and say nothing."""
        self._match([self._judge(event) for event in events], now)

    async def watch(self, events: Sequence[Event]) -> list[Finding]:
        """Show a batch again to the watch of navigation alone; return what it finds."""
        return await self._watch(events)

    def rewind(self, since: datetime | None) -> None:
        """Say that the past is shown again, from ``since`` on; None: the past is over."""
        if self.behaviour is not None:
            self.behaviour.rewind(since)

    def swap(self, rules: RuleEngine) -> tuple[str, ...]:
        """Judge by ``rules`` from the next batch on; return the ids whose windows go on."""
        kept = rules.inherit(self.rules)
        self.rules = rules
        return kept

    async def advance(self, now: datetime) -> list[Finding]:
        """Let time pass without events: windows and sessions that are over are judged."""
        findings: list[Finding] = []
        try:
            findings += self.rules.advance(now)
        except Exception as error:
            self.faults.add("rules", error)
        if self.behaviour is not None:
            try:
                findings += await self.behaviour.advance(now)
            except Exception as error:
                self.faults.add("behaviour", error)
        return findings

    async def flush(self) -> list[Finding]:
        """End of the input: judge what is still open."""
        findings = list(self.rules.flush())
        if self.behaviour is not None:
            findings += await self.behaviour.flush()
        return findings

    def _learn(self, event: Event) -> Fact | None:
        try:
            fact = fact_from_event(event)
            if fact is not None:
                before = self.scope.facts.newest(fact)
                self.scope.facts.add(fact)
                self._reach(before, self.scope.facts.newest(fact))
        except Exception as error:
            self.faults.add("facts", error)
            return None
        return fact

    def _reach(self, before: Fact | None, after: Fact | None) -> None:
        if self.late is not None and (reach := self.late.reach(before, after)) is not None:
            self._reaches.append(reach)

    def _judge(self, event: Event) -> Event:
        try:
            judged = self.scope.judge(event)
        except Exception as error:
            return unjudged(event, self.faults.add("scope", error, event))
        if self.late is not None:
            self.late.judged(judged)
        return judged

    def _match(self, judged: Sequence[Event], now: datetime | None) -> list[Finding]:
        """Return what the rules find; where they raise on the batch, event by event.

        What the first pass offered to correlations is known to them by its identity.
        """
        try:
            return self.rules.process(judged, now=now)
        except Exception as error:
            self.faults.add("rules", error)
        return [finding for event in judged for finding in self._match_one(event, now)]

    def _match_one(self, event: Event, now: datetime | None) -> list[Finding]:
        try:
            return self.rules.process([event], now=now)
        except Exception as error:
            self.faults.add("rules", error, event)
            return []

    async def _watch(self, judged: Sequence[Event]) -> list[Finding]:
        if self.behaviour is None:
            return []
        try:
            await self.behaviour.process(judged)
            return self.behaviour.take()
        except Exception as error:
            self.faults.add("behaviour", error)
            return []
