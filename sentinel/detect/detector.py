"""The straight line of detection: facts, scope, rules, behaviour.

Scope comes first, because its verdict is a field that rules select on; behaviour comes last,
because it sees sessions, not events.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.engine import RuleEngine
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import fact_from_event
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding
from sentinel.domain.scope import Fact


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A batch after detection: the events with their verdicts, the findings, the facts learnt.

    ``findings`` come from these events; ``navigation`` from sessions that ended meanwhile.
    """

    events: tuple[Event, ...]
    findings: tuple[Finding, ...]
    navigation: tuple[Finding, ...]
    facts: tuple[Fact, ...]


class Detector:
    """Judges batches of events. Not safe for two tasks at once."""

    def __init__(
        self, *, scope: ScopeEngine, rules: RuleEngine, behaviour: Behaviour | None = None
    ) -> None:
        self.scope = scope
        self.rules = rules
        self.behaviour = behaviour

    async def process(self, events: Sequence[Event]) -> Judged:
        """Judge a batch in the order of arrival; facts in it count for the whole batch."""
        facts = tuple(fact for event in events if (fact := fact_from_event(event)) is not None)
        for fact in facts:
            self.scope.facts.add(fact)
        judged = tuple(self.scope.judge(event) for event in events)
        findings = tuple(self.rules.process(judged))
        navigation: tuple[Finding, ...] = ()
        if self.behaviour is not None:
            await self.behaviour.process(judged)
            navigation = tuple(self.behaviour.take())
        return Judged(events=judged, findings=findings, navigation=navigation, facts=facts)

    def swap(self, rules: RuleEngine) -> tuple[str, ...]:
        """Judge by ``rules`` from the next batch on; return the ids whose windows go on."""
        kept = rules.inherit(self.rules)
        self.rules = rules
        return kept

    async def advance(self, now: datetime) -> list[Finding]:
        """Let time pass without events: windows and sessions that are over are judged."""
        findings = list(self.rules.advance(now))
        if self.behaviour is not None:
            findings += await self.behaviour.advance(now)
        return findings

    async def flush(self) -> list[Finding]:
        """End of the input: judge what is still open."""
        findings = list(self.rules.flush())
        if self.behaviour is not None:
            findings += await self.behaviour.flush()
        return findings
