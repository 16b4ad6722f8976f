"""The witness of a rule: the cheapest literals of which one stands in every event it matches.

A conjunction is as rare as its rarest part, a disjunction needs a witness of each part, and a
negation, a comparison of two fields or an absent field has none: such a rule is evaluated on every
event of its log source. An index that forgets this is fast and wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from sentinel.detect.fast.needles import Needles, keyword_needles, needles_of
from sentinel.detect.rules.expression import (
    All,
    AnyOf,
    Expression,
    FieldTest,
    KeywordTest,
    Not,
)
from sentinel.detect.rules.fields import TIMESTAMP, names_read
from sentinel.detect.rules.wanted import Wanted

WHOLE_EVENT: Final = "*"  # the column of keywords


class Sign(NamedTuple):
    """A needle in a field of the event, or anywhere in it (`WHOLE_EVENT`)."""

    field: str
    needle: str


Witness = frozenset[Sign]
Cost = Callable[[Sign], float]


def witness_of(expression: Expression, cost: Cost) -> Witness | None:
    """Return the cheapest witness by ``cost`` (the share of events that hold a sign), or None."""
    found = _choose(expression, cost, positive=True)
    return None if found is None else found[1]


def signs_of(expression: Expression) -> Iterator[Sign]:
    """Yield every sign that could be part of a witness, to be measured."""
    match expression:
        case All(children) | AnyOf(children):
            for child in children:
                yield from signs_of(child)
        case Not(child):
            yield from signs_of(child)
        case FieldTest() | KeywordTest():
            yield from _leaf(expression) or ()


_Choice = tuple[float, Witness]


def _choose(node: Expression, cost: Cost, *, positive: bool) -> _Choice | None:
    match node:
        case Not(child):
            return _choose(child, cost, positive=not positive)
        case All(children):
            choices = (_choose(child, cost, positive=positive) for child in children)
            return _rarest(choices) if positive else _union(choices)
        case AnyOf(children):
            choices = (_choose(child, cost, positive=positive) for child in children)
            return _union(choices) if positive else _rarest(choices)
    signs = _leaf(node) if positive else None
    return None if signs is None else (sum(map(cost, signs)), signs)


def _rarest(choices: Iterable[_Choice | None]) -> _Choice | None:
    return min((one for one in choices if one is not None), key=lambda one: one[0], default=None)


def _union(choices: Iterable[_Choice | None]) -> _Choice | None:
    total, signs = 0.0, frozenset[Sign]()
    for one in choices:
        if one is None:
            return None
        total, signs = total + one[0], signs | one[1]
    return total, signs


def _leaf(node: Expression) -> Witness | None:
    match node:
        case FieldTest(field, wanted, absent) if not absent and field != TIMESTAMP:
            needles = _needles(wanted, _of_value)
            keys = names_read(field)
        case KeywordTest(wanted):
            needles = _needles(wanted, _of_keyword)
            keys = (WHOLE_EVENT,)
        case _:
            return None
    if needles is None:
        return None
    return frozenset(Sign(key, needle) for key in keys for needle in needles)


def _needles(
    wanted: tuple[Wanted, ...], find: Callable[[Wanted], Needles | None]
) -> Needles | None:
    found: set[str] = set()
    for one in wanted:
        needles = find(one)
        if needles is None:
            return None
        found |= needles
    return frozenset(found)


_of_value = lru_cache(maxsize=65_536)(needles_of)
_of_keyword = lru_cache(maxsize=4_096)(keyword_needles)
