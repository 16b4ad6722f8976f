"""What is ordinary in a role, and how far a window stands from it, in nats.

For each feature the baseline holds the values that the role's windows had, thinned to quantiles
that name nobody. A window's score is the sum over the features of how rare each value is. Beyond
the ordinary the tail goes on as a power law whose slope the highest values do not set: what is odd
among the learnt may be an incident. Plain Python: it runs beside detection, some microseconds a
window.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import tzinfo
from math import log, log1p

import msgspec

from sentinel.detect.behaviour.staff_features import STAFF_FEATURES, Hours, staff_features
from sentinel.detect.behaviour.staff_relations import Account, First, Relations
from sentinel.detect.behaviour.staff_windows import Window

MOST_VALUES = 400  # kept of a feature
_SHOWN = 3


class Part(msgspec.Struct, frozen=True):
    """A feature that speaks against a window: its value, the role's 99th percentile, its nats."""

    name: str
    value: float
    p99: float
    nats: float


class Judged(msgspec.Struct, frozen=True):
    """A window with its score: of all features, or of the one that stands out alone.

    ``strongest``: three parts at most; ``first``: a kind of act.
    """

    score: float
    threshold: float
    role: str
    group: int
    strongest: tuple[Part, ...]
    first: First | None


class Feature(msgspec.Struct, frozen=True):
    """One feature in one role. ``values``: sorted and thinned.

    Above ``begin`` (of log(1 + value), reached by the share ``above`` of the windows) a nat is won
    every ``slope``.
    """

    values: list[float]
    begin: float
    above: float
    slope: float

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.values[min(len(self.values) - 1, int(0.99 * len(self.values)))]

    def nats(self, value: float) -> float:
        """Return how rare so high a value is; 0 for nothing at all."""
        if value <= 0:
            return 0.0
        beyond = log1p(value) - self.begin
        if beyond > 0:
            return -log(self.above) + beyond / self.slope
        return -log((len(self.values) - bisect_left(self.values, value)) / len(self.values))


class SpanBaseline(msgspec.Struct, frozen=True):
    """Windows of one length in one role: ``features`` by name, and how many ``windows``.

    A window is a finding where its sum exceeds ``threshold``, or one feature alone ``single``.
    """

    windows: int
    features: dict[str, Feature]
    threshold: float = 0.0
    single: float = 0.0

    def part(self, name: str, value: float) -> Part:
        """Return how rare ``value`` is."""
        feature = self.features[name]
        return Part(name, value, feature.p99, feature.nats(value))


class RoleBaseline(msgspec.Struct):
    """One role of five accounts at least. ``spans``: by length in seconds."""

    group: int
    hours: list[float]
    spans: dict[str, SpanBaseline]
    accounts: dict[str, Account]

    def judge(self, window: Window, role: str, relations: Relations, zone: tzinfo) -> Judged | None:
        """Return the window's score; None where the role has no windows of that length."""
        span = self.spans.get(span_key(window))
        if span is None:
            return None
        values = staff_features(window, relations, self.hours, zone)
        parts = [span.part(name, value) for name, value in zip(STAFF_FEATURES, values, strict=True)]
        strongest = sorted((p for p in parts if p.nats > 1.0), key=lambda p: (-p.nats, p.name))
        firsts = relations.firsts(window.actor, {act.kind for act in window.acts})
        alone = max(part.nats for part in parts)
        score, limit = max(
            (total(parts), span.threshold), (alone, span.single), key=lambda one: one[0] - one[1]
        )
        return Judged(
            score=round(score, 6),
            threshold=limit,
            role=role,
            group=self.group,
            strongest=tuple(strongest[:_SHOWN]),
            first=firsts[0] if firsts else None,
        )


def total(parts: Sequence[Part]) -> float:
    """Return the score of the parts. Amounts of one burst say one thing: they count once.

    Persons, acts and records grow together, so only the rarest of the three counts in full.
    """
    amounts = sorted((p.nats for p in parts if p.name in AMOUNTS), reverse=True)
    rest = sum(p.nats for p in parts if p.name not in AMOUNTS)
    return rest + amounts[0] + 0.25 * sum(amounts[1:])


AMOUNTS = frozenset({"staff_subjects", "staff_acts", "staff_records"})


def span_key(window: Window) -> str:
    """Return the name of a window's length."""
    return str(int(window.span.total_seconds()))


def thinned(values: Sequence[float]) -> list[float]:
    """Return at most `MOST_VALUES` values that stand for all, the highest among them."""
    found = sorted(values)
    if len(found) <= MOST_VALUES:
        return found
    step = (len(found) - 1) / (MOST_VALUES - 1)
    return [found[round(step * at)] for at in range(MOST_VALUES)]


def hours_of(counts: Sequence[int]) -> Hours:
    """Return the share of each hour."""
    whole = sum(counts) or 1
    return [count / whole for count in counts]
