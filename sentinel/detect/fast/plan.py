"""The rules of one log source, laid out so that a batch of its events names its candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

from sentinel.detect.fast.column import Column
from sentinel.detect.fast.frequency import column_of, guessed, measured
from sentinel.detect.fast.watch import Watch, watchable
from sentinel.detect.fast.witness import Cost, Sign, signs_of, witness_of
from sentinel.detect.rules.fields import Fields
from sentinel.detect.rules.model import Rule

SAMPLE: Final = 1_024  # events by which witnesses are chosen
DRIFT: Final = 2.0  # times more candidates per event than after the last choice
TOLERATED: Final = 0.1  # candidates per event that are not worth a new choice
COMMON: Final = 0.4  # share of events from which on evaluating a rule on few fields is cheaper
Candidates = dict[int, set[int]]  # row to numbers of rules


class Plan:
    """Candidates of a route. ``always``: numbers of rules that have no witness."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.columns: dict[str, Column] = {}
        self.watches: tuple[Watch, ...] = ()
        self.always: tuple[int, ...] = ()
        self.choices = 0
        self._sample: list[Fields] = []
        self._rows = self._named = 0
        self._usual = 0.0
        self._choose(guessed)

    def candidates(self, rows: int, column: Callable[[str], Sequence[Any]]) -> Candidates:
        """Return what has to be evaluated, without ``always``. ``column``: a field's values."""
        found: Candidates = {}
        for field, index in self.columns.items():
            for row, numbers in index.fire(column(field)):
                found.setdefault(row, set()).update(numbers)
        self.watch(column, found)
        self.count(rows, found)
        return found

    def watch(self, column: Callable[[str], Sequence[Any]], found: Candidates) -> None:
        """Add what the watched rules say."""
        for watch in self.watches:
            for row, numbers in watch.fire(column):
                found.setdefault(row, set()).update(numbers)

    def count(self, rows: int, found: Candidates) -> None:
        """Take note of how selective the choice is."""
        self._rows += rows
        self._named += sum(map(len, found.values()))

    @property
    def wanting(self) -> int:
        """How many more events the plan wants to see before it chooses again."""
        return SAMPLE - len(self._sample) if self._due else 0

    @property
    def _due(self) -> bool:
        if not self.rules or self._rows < SAMPLE // 4:
            return False
        share = self._named / self._rows
        return share > max(TOLERATED, DRIFT * self._usual)

    def learn(self, events: Sequence[Fields]) -> None:
        """Look at events; once there are enough of them, choose the witnesses anew."""
        self._sample += events[: self.wanting]
        if len(self._sample) >= SAMPLE:
            self.choose_from(self._sample)
            self._sample = []

    def choose_from(self, sample: Sequence[Fields]) -> None:
        """Choose the witnesses that are rarest in ``sample``, and whom to watch instead."""
        signs = (sign for rule in self.rules for sign in signs_of(rule.expression))
        cost = measured(signs, sample)
        self._choose(cost)
        named = Counter(number for found in self._try(sample).values() for number in found)
        common = {number for number, count in named.items() if count > COMMON * len(sample)}
        self.choices -= 1
        self._choose(cost, watched=common)
        self._usual = sum(map(len, self._try(sample).values())) / max(1, len(sample))
        self._rows = self._named = 0

    def _try(self, sample: Sequence[Fields]) -> Candidates:
        columns = {field: column_of(field, sample) for field in self.columns}

        def column(field: str) -> Sequence[Any]:
            return columns[field] if field in columns else column_of(field, sample)

        return self.candidates(len(sample), column)

    def _choose(self, cost: Cost, watched: Container[int] = ()) -> None:
        signs: dict[Sign, list[int]] = {}
        always: list[int] = []
        watches: list[Watch] = []
        for number, rule in enumerate(self.rules):
            witness = witness_of(rule.expression, cost)
            if (witness is None or number in watched) and watchable(rule):
                watches.append(Watch(rule, number))
            elif witness is None:
                always.append(number)
            else:
                for sign in witness:
                    signs.setdefault(sign, []).append(number)
        self.always, self.watches = tuple(always), tuple(watches)
        self.columns = _columns(signs)
        self.choices += 1


def _columns(signs: Mapping[Sign, list[int]]) -> dict[str, Column]:
    fields: dict[str, dict[str, tuple[int, ...]]] = {}
    for sign, numbers in signs.items():
        fields.setdefault(sign.field, {})[sign.needle] = tuple(numbers)
    return {field: Column(needles) for field, needles in fields.items()}
