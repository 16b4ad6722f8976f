"""How much work one event may cause, so that no event, and no rule, holds up those behind it.

Work is estimated before anything runs, from the rule and the event alone, so that a replay cuts
off the same rules: one unit is one test on a KiB of text, about a microsecond. What an event would
cost above `LIMIT` is not evaluated. The most severe rules come first, and what was left out is
named: an attacker who hides in a heap shows the heap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import re2

from sentinel.detect.rules.expression import (
    All,
    AnyOf,
    Expression,
    FieldPair,
    FieldTest,
    KeywordTest,
    Not,
    Presence,
)
from sentinel.detect.rules.fields import ITEM, MISSING, Fields, length, names_read
from sentinel.detect.rules.model import Rule
from sentinel.detect.rules.wanted import Pattern, Text, Wanted

LIMIT: Final = 500_000  # units per event, about half a second at the worst
KIB: Final = 1024
PER_PAIR: Final = 16  # comparisons of two items for one unit
ENTRIES: Final = 4096  # rules whose leaves are remembered


class Leaf(NamedTuple):
    """A test of an expression. ``fields``: what it reads, none for the whole event.

    ``weight``: units per KiB. ``others``: of a comparison of two fields, the second one's names.
    """

    fields: tuple[str, ...]
    weight: int
    others: tuple[str, ...] = ()


class Choice(NamedTuple):
    """``kept`` may be evaluated, ``cut`` may not; both in the order given."""

    kept: Sequence[Rule]
    cut: Sequence[Rule]


class Budget:
    """Decides which candidates of an event are evaluated. ``limit``: units."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._leaves: dict[int, tuple[Rule, tuple[Leaf, ...], int]] = {}

    def choose(self, rules: Sequence[Rule], fields: Fields) -> Choice:
        """Return what to evaluate of ``rules`` on the event ``fields``."""
        size = sum(map(length, fields.values()))
        known = [self._known(rule) for rule in rules]
        if sum(weight for _leaves, weight in known) * (size + KIB) <= self._limit * KIB:
            return Choice(rules, ())
        sizes = _Sizes(fields, size)
        costs = [sum(map(sizes.cost, leaves)) for leaves, _weight in known]
        if sum(costs) <= self._limit:
            return Choice(rules, ())
        left, kept = self._limit, set[int]()
        for place in sorted(range(len(rules)), key=lambda at: (-_rank(rules[at]), costs[at], at)):
            if costs[place] <= left:
                left -= costs[place]
                kept.add(place)
        return Choice(
            [rule for place, rule in enumerate(rules) if place in kept],
            [rule for place, rule in enumerate(rules) if place not in kept],
        )

    def _known(self, rule: Rule) -> tuple[tuple[Leaf, ...], float]:
        """Return the rule's leaves, and what bounds their cost per KiB of the event."""
        found = self._leaves.get(id(rule))
        if found is None:
            leaves = tuple(leaves_of(rule.expression))
            if len(self._leaves) >= ENTRIES:
                self._leaves.clear()
            found = rule, leaves, sum(leaf.weight for leaf in leaves)
            self._leaves[id(rule)] = found
        _rule, leaves, weight = found  # the rule is held, so that its id stays its own
        return leaves, math.inf if any(leaf.others for leaf in leaves) else weight


class _Sizes:
    """The sizes of an event's fields, each measured once."""

    def __init__(self, fields: Fields, whole: int) -> None:
        self._fields = fields
        self._whole = whole
        self._known: dict[str, int] = {}

    def cost(self, leaf: Leaf) -> int:
        """Return the units of a test on the event."""
        if not leaf.fields:
            return leaf.weight * _kib(self._whole)
        cost = leaf.weight * _kib(self._of(leaf.fields))
        if not leaf.others:
            return cost
        pairs = self._items(leaf.fields) * self._items(leaf.others)
        return cost + _kib(self._of(leaf.others)) + pairs // PER_PAIR

    def _of(self, names: tuple[str, ...]) -> int:
        total = 0
        for name in names:
            if name not in self._known:
                self._known[name] = length(self._fields.get(name, MISSING))
            total += self._known[name]
        return total

    def _items(self, names: tuple[str, ...]) -> int:
        return max(1, self._of(names) // ITEM)


def leaves_of(expression: Expression) -> Iterable[Leaf]:
    """Yield the tests of an expression with what they cost."""
    match expression:
        case All(children) | AnyOf(children):
            for child in children:
                yield from leaves_of(child)
        case Not(child):
            yield from leaves_of(child)
        case FieldTest(field, wanted):
            yield Leaf(names_read(field), 1 + sum(map(_weight, wanted)))
        case KeywordTest(wanted):
            yield Leaf((), 1 + sum(map(_weight, wanted)))
        case FieldPair(field, other):
            yield Leaf(names_read(field), 1, names_read(other))
        case Presence():
            pass


def _weight(wanted: Wanted) -> int:
    """Return the units per KiB of one alternative: of a pattern, the steps of its automaton."""
    match wanted:
        case Pattern(source):
            options = re2.Options()
            options.log_errors = False
            return int(re2.compile(source, options).programsize)
        case Text(parts):
            return 1 + sum(len(part) for part in parts if isinstance(part, str)) // ITEM
    return 1


def _kib(characters: int) -> int:
    return 1 + characters // KIB


def _rank(rule: Rule) -> int:
    return rule.info.level.rank
