"""A loaded rule, a loaded correlation, and the set that the engine runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from sentinel.detect.rules.expression import Expression, Match
from sentinel.detect.rules.formula import Formula
from sentinel.domain.event import LogSource
from sentinel.domain.finding import RuleInfo
from sentinel.errors import ContentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a rule was read. ``index``: of the document in its file; ``raw``: as YAML gave it.

    ``digest``: what `written` gives, where it is known already.
    """

    path: Path
    index: int
    raw: Mapping[str, Any]
    digest: str = ""

    @property
    def written(self) -> str:
        """A hash of what the document says."""
        return self.digest or hashlib.sha256(repr(self.raw).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A Sigma rule on single events.

    ``name``: what correlations call it, or empty. ``actor``: the field that names the actor, or
    empty for the usual order.
    """

    info: RuleInfo
    name: str
    actor: str
    logsource: LogSource
    expression: Expression
    origin: Origin

    @cached_property
    def match(self) -> Match:
        """The test of an event's fields, compiled when it is first asked for."""
        return self.expression.matcher()

    @cached_property
    def reads(self) -> frozenset[str]:
        """The fields that it may read, ``*`` for all of them."""
        return frozenset(self.expression.names())

    def applies_to(self, source: LogSource) -> bool:
        """Tell whether events of ``source`` are the rule's: each field that it sets agrees."""
        return all(
            not wanted or wanted.lower() == found.lower()
            for wanted, found in (
                (self.logsource.category, source.category),
                (self.logsource.product, source.product),
                (self.logsource.service, source.service),
            )
        )


class CorrelationKind(StrEnum):
    """Types of correlation (specification 2.1; the median is pySigma's)."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"
    VALUE_SUM = "value_sum"
    VALUE_AVG = "value_avg"
    VALUE_PERCENTILE = "value_percentile"
    VALUE_MEDIAN = "value_median"


class Operator(StrEnum):
    """Comparisons of a correlation's condition."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EQ = "eq"
    NEQ = "neq"


Conditions = tuple[tuple[Operator, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A correlation over hits of other rules.

    ``rules``: ids of the referenced rules or correlations, in the author's order. ``conditions``:
    all of them must hold. ``fields``: what the `value_` types measure. ``percentile``: the one that
    `value_percentile` compares; None where it compares a share. ``formula``: a condition on which
    rules matched, in place of ``conditions``. ``aliases``: name used in `group-by` or `field`, then
    id of the rule, then the event's field. ``generate``: the referenced rules raise findings of
    their own too.
    """

    info: RuleInfo
    name: str
    actor: str
    kind: CorrelationKind
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    timespan: timedelta
    conditions: Conditions
    fields: tuple[str, ...]
    percentile: float | None = None
    formula: Formula | None = None
    aliases: Mapping[str, Mapping[str, str]]
    generate: bool
    origin: Origin

    def field_for(self, name: str, rule_id: str) -> str:
        """Return the event field behind ``name`` in events of the rule ``rule_id``."""
        return self.aliases.get(name, {}).get(rule_id, name)


class CacheUse(NamedTuple):
    """Rule files found in the cache, files parsed, and why the cache could not serve, if so."""

    hits: int
    misses: int
    fault: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a folder of rules gave: the usable part, and every error in the rest.

    ``correlations`` stand in dependency order: what one refers to comes before it. ``cache``: None
    where none was asked for.
    """

    rules: tuple[Rule, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    errors: tuple[ContentError, ...] = ()
    silent: frozenset[str] = field(default=frozenset())
    cache: CacheUse | None = None

    def require_clean(self) -> RuleSet:
        """Return itself. Raises the first ContentError, if there is one."""
        if self.errors:
            raise self.errors[0]
        return self

    @property
    def infos(self) -> tuple[RuleInfo, ...]:
        """What alerts know of each rule, rules before correlations."""
        return tuple(item.info for item in self.items)

    @property
    def items(self) -> tuple[Rule | Correlation, ...]:
        """Rules, then correlations."""
        return (*self.rules, *self.correlations)

    def written_alike(self, other: RuleSet) -> frozenset[str]:
        """Return the ids of what stands in both sets word for word, with all that it refers to."""
        before = {item.info.id: item.origin.written for item in other.items}
        same: set[str] = set()
        for item in self.items:  # what a correlation refers to comes before it
            refers = item.rules if isinstance(item, Correlation) else ()
            if before.get(item.info.id) == item.origin.written and same.issuperset(refers):
                same.add(item.info.id)
        return frozenset(same)

    def only(self, key: str) -> RuleSet:
        """Return the rule of this id, slug or name with all that it refers to, alone to speak."""
        chosen = self.find(key)
        wanted = {chosen.info.id} if chosen else set()
        for correlation in reversed(self.correlations):
            if correlation.info.id in wanted:
                wanted.update(correlation.rules)
        return RuleSet(
            rules=tuple(item for item in self.rules if item.info.id in wanted),
            correlations=tuple(item for item in self.correlations if item.info.id in wanted),
            silent=frozenset(wanted - {chosen.info.id} if chosen else ()),
        )

    def find(self, key: str) -> Rule | Correlation | None:
        """Return the rule of this id, slug or name."""
        for item in self.items:
            if key in (item.info.id, item.info.slug, item.name):
                return item
        return None
