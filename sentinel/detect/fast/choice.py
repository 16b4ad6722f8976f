"""Which clauses of its branches stand for each rule in the index.

Every branch is found by its rarest clause; further clauses must stand in the event too before the
rule is evaluated, where looking for them costs less than the evaluations that they spare. A column
that only a few branches need is given up where others serve them nearly as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sentinel.detect.fast.witness import WHOLE_EVENT, Branch, Clause, Cost, Sign, share_of

# What work costs, in microseconds.
EVALUATION: Final = 8.0  # of a rule on an event that has to be decoded for it
COLUMN: Final = 0.12  # per event, of one more field
HIT: Final = 0.4  # of one needle in one event
KEYWORD: Final = 2.0  # times dearer in a raw line
UNSEEN: Final = 0.000_5  # a share below which a sample knows nothing


class Chosen(NamedTuple):
    """A branch in the index: ``first`` finds it, the ``others`` must stand in the event too."""

    number: int  # of the rule in its plan
    first: Clause
    others: tuple[Clause, ...]


def choose(branches: Sequence[tuple[int, Branch]], cost: Cost) -> list[Chosen]:
    """Return what stands for each (number of rule, branch)."""
    return _Choice(branches, cost).made()


class _Choice:
    def __init__(self, branches: Sequence[tuple[int, Branch]], cost: Cost) -> None:
        self._branches = branches
        self._share = {
            clause: share_of(clause, cost) for _number, branch in branches for clause in branch
        }
        self._cost = cost
        self._columns = {clause: {sign.field for sign in clause} for clause in self._share}
        self._first = [self._best(branch, None) for _number, branch in branches]

    def made(self) -> list[Chosen]:
        self._give_up_columns()
        columns: set[str] = set().union(*(self._columns[clause] for clause in self._first))
        signs: set[Sign] = set().union(*self._first)
        made: list[Chosen] = []
        for (number, branch), first in zip(self._branches, self._first, strict=True):
            others = tuple(self._others(branch, first, columns, signs))
            signs.update(*others)
            made.append(Chosen(number, first, others))
        return made

    def _others(
        self, branch: Branch, first: Clause, columns: set[str], signs: set[Sign]
    ) -> Iterator[Clause]:
        """Yield the clauses that spare more evaluations than they cost."""
        together = max(self._share[first], UNSEEN)
        for clause in sorted(branch, key=self._share.__getitem__):
            share = min(1.0, self._share[clause])
            if clause is first or not columns.issuperset(self._columns[clause]):
                continue
            new = sum(self._price(sign) for sign in clause if sign not in signs)
            if together * (1 - share) * EVALUATION > new:
                together *= max(share, 0.1)  # the clauses of a rule seldom are independent
                yield clause

    def _price(self, sign: Sign) -> float:
        return self._cost(sign) * HIT * (KEYWORD if sign.field == WHOLE_EVENT else 1.0)

    def _best(self, branch: Branch, columns: set[str] | None) -> Clause:
        usable = [c for c in branch if columns is None or columns.issuperset(self._columns[c])]
        return min(usable, key=self._weight, default=frozenset())

    def _weight(self, clause: Clause) -> float:
        dearer = KEYWORD if any(sign.field == WHOLE_EVENT for sign in clause) else 1.0
        return self._share[clause] * dearer

    def _give_up_columns(self) -> None:
        """Drop columns, the least used first, as long as that makes the whole cheaper."""
        while True:
            users = self._users()
            for column in sorted(users, key=lambda name: len(users[name])):
                moved = self._without(column, users)
                if moved is not None:
                    for place, clause in moved.items():
                        self._first[place] = clause
                    break
            else:
                return

    def _users(self) -> Mapping[str, list[int]]:
        users: dict[str, list[int]] = {}
        for place, clause in enumerate(self._first):
            for column in self._columns[clause]:
                users.setdefault(column, []).append(place)
        return users

    def _without(self, column: str, users: Mapping[str, list[int]]) -> dict[int, Clause] | None:
        """Return other clauses for those who use the column, or None where that is dearer."""
        kept, more = set(users) - {column}, 0.0
        price = COLUMN * (8 if column == WHOLE_EVENT else 1)
        moved: dict[int, Clause] = {}
        for place in users[column]:
            other = self._best(self._branches[place][1], kept)
            if not other:
                return None
            more += (self._share[other] - self._share[self._first[place]]) * EVALUATION
            if more > price:
                return None
            moved[place] = other
        return moved
