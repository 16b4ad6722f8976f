"""The witness of a rule: literals that stand in every event it matches.

A rule is read as branches of which one holds in any event that it matches; in each branch every
clause holds, and of a clause one literal. A negation, a comparison of two fields or an absent field
has no literal: a branch of nothing else leaves the rule without a witness, and such a rule is
evaluated on every event of its log source. An index that forgets this is fast and wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Final, NamedTuple

from sentinel.detect.fast.needles import keyword_needles, needles_of
from sentinel.detect.rules.expression import (
    All,
    AnyOf,
    Expression,
    FieldTest,
    KeywordTest,
    Not,
)
from sentinel.detect.rules.fields import TIMESTAMP, names_read

WHOLE_EVENT: Final = "*"  # the column of keywords
MOST_BRANCHES: Final = 48  # beyond, alternatives are joined into one clause
MOST_SPLIT: Final = 12  # values of one test that are told apart


class Sign(NamedTuple):
    """A needle in a field of the event, or anywhere in it (`WHOLE_EVENT`)."""

    field: str
    needle: str


Clause = frozenset[Sign]
Branch = tuple[Clause, ...]
Cost = Callable[[Sign], float]


def branches_of(expression: Expression, cost: Cost) -> tuple[Branch, ...] | None:
    """Return the branches of a rule, or None where one of them has no clause.

    ``cost``: the share of events that hold a sign; it decides where alternatives must be joined.
    """
    return _branches(expression, cost, positive=True)


def signs_of(expression: Expression) -> Iterator[Sign]:
    """Yield every sign that could be part of a witness, to be measured."""
    match expression:
        case All(children) | AnyOf(children):
            for child in children:
                yield from signs_of(child)
        case Not(child):
            yield from signs_of(child)
        case FieldTest() | KeywordTest():
            for alternative in _alternatives(expression):
                for clause in alternative:
                    yield from clause


def share_of(clause: Clause, cost: Cost) -> float:
    """Return the share of events in which the clause holds, at most."""
    return sum(map(cost, clause))


def _branches(node: Expression, cost: Cost, *, positive: bool) -> tuple[Branch, ...] | None:
    match node:
        case Not(child):
            return _branches(child, cost, positive=not positive)
        case All(children):
            found = [_branches(child, cost, positive=positive) for child in children]
            return _all_of(found, cost) if positive else _any_of(found, cost)
        case AnyOf(children):
            found = [_branches(child, cost, positive=positive) for child in children]
            return _any_of(found, cost) if positive else _all_of(found, cost)
    return _leaf(node, cost) if positive else None


def _any_of(found: Sequence[tuple[Branch, ...] | None], cost: Cost) -> tuple[Branch, ...] | None:
    joined: list[Branch] = []
    for branches in found:
        if branches is None:
            return None
        joined += branches
    return tuple(joined) if len(joined) <= MOST_BRANCHES else ((_joined(joined, cost),),)


def _all_of(found: Sequence[tuple[Branch, ...] | None], cost: Cost) -> tuple[Branch, ...] | None:
    parts = sorted((branches for branches in found if branches is not None), key=len)
    while parts and prod(map(len, parts)) > MOST_BRANCHES:
        parts[-1] = ((_joined(parts[-1], cost),),)
        parts.sort(key=len)
    if not parts:
        return None
    return tuple(tuple(dict.fromkeys(sum(choice, ()))) for choice in product(*parts))


def _joined(branches: Sequence[Branch], cost: Cost) -> Clause:
    """Return the signs of which one stands wherever a branch holds: of each, its rarest clause."""
    rarest = (min(branch, key=lambda clause: share_of(clause, cost)) for branch in branches)
    return Clause().union(*rarest)


def _leaf(node: Expression, cost: Cost) -> tuple[Branch, ...] | None:
    alternatives = _alternatives(node)
    if not alternatives or not all(alternatives):
        return None
    if len(alternatives) <= MOST_SPLIT and any(len(clauses) > 1 for clauses in alternatives):
        return alternatives
    return ((_joined(alternatives, cost),),)


def _alternatives(node: Expression) -> tuple[Branch, ...]:
    """Return the clauses of each wanted value; none where the test says yes without a value."""
    match node:
        case FieldTest(field, wanted) if field != TIMESTAMP:  # null among them has no needle
            keys, find = names_read(field), _of_value
        case KeywordTest(wanted):
            keys, find = (WHOLE_EVENT,), _of_keyword
        case _:
            return ()
    return tuple(
        tuple(frozenset(Sign(key, n) for key in keys for n in needles) for needles in find(one))
        for one in wanted
    )


_of_value = lru_cache(maxsize=65_536)(needles_of)
_of_keyword = lru_cache(maxsize=4_096)(keyword_needles)
