"""The rules of one log source, laid out so that a batch of its events names its candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cache
from typing import Any, Final

from sentinel.detect.fast.choice import Chosen, choose
from sentinel.detect.fast.column import Column
from sentinel.detect.fast.frequency import column_of, guessed, measured
from sentinel.detect.fast.watch import Watch, watchable
from sentinel.detect.fast.witness import (
    WHOLE_EVENT,
    Branch,
    Clause,
    Cost,
    branches_of,
    signs_of,
)
from sentinel.detect.rules.fields import Fields
from sentinel.detect.rules.model import Rule

FIRST_SAMPLE: Final = 96  # events by which witnesses are chosen for the first time
SAMPLE: Final = 1_024  # and later
DRIFT: Final = 2.0  # times more candidates per event than after the last choice
TOLERATED: Final = 0.03  # candidates per event that are not worth a new choice
COMMON: Final = 0.4  # share of events from which on evaluating a rule on few fields is cheaper
VAIN: Final = 0.002  # share of events from which on a candidate in vain is looked at twice
Candidates = dict[int, set[int]]  # row to numbers of rules
ColumnReader = Callable[[str], Sequence[Any]]
Found = Iterable[tuple[int, Iterable[int]]]  # row, numbers of clauses


class Plan:
    """Candidates of a route.

    ``always``: numbers of rules that have no witness. ``branches``: of those in the columns.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.columns: dict[str, Column] = {}
        self.watches: tuple[Watch, ...] = ()
        self.always: tuple[int, ...] = ()
        self.branches: tuple[Branch, ...] = ()
        self.choices = 0
        self._branches: dict[int, list[tuple[frozenset[int], int]]] = {}
        self._doubted: dict[int, Watch] = {}
        self._sample: list[Fields] = []
        self._rows = self._named = 0
        self._usual = 0.0
        self._choose(guessed)

    def candidates(
        self, rows: int, column: ColumnReader, keywords: Callable[[], Found] | None = None
    ) -> Candidates:
        """Return what has to be evaluated, without ``always``.

        ``column``: a field's values. ``keywords``: finds the clauses of `WHOLE_EVENT`, where not
        its column does.
        """
        fired: dict[int, set[int]] = {}
        looked: list[tuple[Column, Sequence[Any]]] = []
        for field, index in self.columns.items():
            if field == WHOLE_EVENT and keywords is not None:
                for row, clauses in keywords():
                    fired.setdefault(row, set()).update(clauses)
                continue
            values = column(field)
            looked.append((index, values))
            for row, clauses in index.fire(values):
                fired.setdefault(row, set()).update(clauses)
        found: Candidates = {}
        for row, holding in fired.items():
            numbers = self._named_by(row, holding, looked)
            if not self._doubted.keys().isdisjoint(numbers):
                self._clear_up(row, numbers, column)
            if numbers:
                found[row] = numbers
        for watch in self.watches:
            for row, watched in watch.fire(column):
                found.setdefault(row, set()).update(watched)
        self._rows += rows
        self._named += sum(map(len, found.values()))
        return found

    def _named_by(
        self, row: int, fired: set[int], looked: Sequence[tuple[Column, Sequence[Any]]]
    ) -> set[int]:
        """Return the rules that have a branch of which all clauses hold in a row."""
        numbers: set[int] = set()
        holding: set[int] | None = None
        for clause in fired:
            for others, number in self._branches.get(clause, ()):
                if not others:
                    numbers.add(number)
                    continue
                if holding is None:
                    holding = fired.union(*(index.holding(vs[row]) for index, vs in looked))
                if others <= holding:
                    numbers.add(number)
        return numbers

    def _clear_up(self, row: int, numbers: set[int], column: ColumnReader) -> None:
        """Take away the doubted rules that do not match."""
        for number in self._doubted.keys() & numbers:
            watch = self._doubted[number]
            if not watch.may_match(tuple(column(key)[row] for key in watch.keys)):
                numbers.discard(number)

    def pass_over(self, rows: int) -> None:
        """Take note of events that cannot match, found so without this plan."""
        self._rows += rows

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that candidates are found by."""
        watches = (*self.watches, *self._doubted.values())
        return tuple(dict.fromkeys((*self.columns, *(key for one in watches for key in one.keys))))

    @property
    def wanting(self) -> int:
        """How many more events the plan wants to see before it chooses again."""
        return self._enough - len(self._sample) if self._due else 0

    @property
    def _enough(self) -> int:
        return FIRST_SAMPLE if self.choices == 1 else SAMPLE

    @property
    def _due(self) -> bool:
        later = max(0, self.choices - 2)  # the first sample was small; after that, ever more slowly
        if not self.rules or self._rows < (self._enough << 2 * later) // 4:
            return False
        usual = self._usual if later else 0.0
        return self._named / self._rows > max(TOLERATED, DRIFT * usual)

    def learn(self, events: Sequence[Fields]) -> None:
        """Look at events; once there are enough of them, choose the witnesses anew."""
        self._sample += events[: self.wanting]
        if len(self._sample) >= self._enough:
            self.choose_from(self._sample)
            self._sample = []

    def choose_from(self, sample: Sequence[Fields]) -> None:
        """Choose the witnesses that are rarest in ``sample``, and whom to watch or to doubt."""
        signs = (sign for rule in self.rules for sign in signs_of(rule.expression))
        cost = measured(signs, sample)
        self._choose(cost)
        named = Counter(number for found in self._try(sample).values() for number in found)
        common = {number for number, count in named.items() if count > COMMON * len(sample)}
        self.choices -= 1
        self._choose(cost, watched=common)
        self._doubt(sample)
        self._usual = sum(map(len, self._try(sample).values())) / max(1, len(sample))
        self._rows = self._named = 0

    def _doubt(self, sample: Sequence[Fields]) -> None:
        """Doubt the rules that are named in vain more often than their fields cost."""
        vain = Counter[int]()
        for row, numbers in self._try(sample).items():
            vain.update(n for n in numbers if not _matches(self.rules[n], sample[row]))
        self._doubted = {
            number: Watch(self.rules[number], number)
            for number, count in vain.items()
            if count > VAIN * len(sample) and watchable(self.rules[number])
        }

    def _try(self, sample: Sequence[Fields]) -> Candidates:
        return self.candidates(len(sample), cache(lambda field: column_of(field, sample)))

    def _choose(self, cost: Cost, watched: Container[int] = ()) -> None:
        indexed: list[tuple[int, Branch]] = []
        always: list[int] = []
        watches: list[Watch] = []
        for number, rule in enumerate(self.rules):
            branches = branches_of(rule.expression, cost)
            if (branches is None or number in watched) and watchable(rule):
                watches.append(Watch(rule, number))
            elif branches is None:
                always.append(number)
            else:
                indexed += ((number, branch) for branch in branches)
        self.always, self.watches = tuple(always), tuple(watches)
        self._doubted = {}
        self.branches = tuple(branch for _number, branch in indexed)
        self._lay_out(choose(indexed, cost))
        self.choices += 1

    def _lay_out(self, chosen: Sequence[Chosen]) -> None:
        """Give numbers to the clauses, and make the columns that find them."""
        ids: dict[Clause, int] = {}
        for one in chosen:
            for clause in (one.first, *one.others):
                ids.setdefault(clause, len(ids))
        self._branches = {}
        for number, first, others in chosen:
            rest = frozenset(ids[clause] for clause in others)
            self._branches.setdefault(ids[first], []).append((rest, number))
        fields: dict[str, dict[str, set[int]]] = {}
        for clause, at in ids.items():
            for sign in clause:
                fields.setdefault(sign.field, {}).setdefault(sign.needle, set()).add(at)
        self.columns = {field: Column(needles, self._branches) for field, needles in fields.items()}


def _matches(rule: Rule, fields: Fields) -> bool:
    try:
        return rule.match(fields)
    except Exception:
        return True
