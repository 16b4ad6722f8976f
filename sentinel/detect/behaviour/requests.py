"""How the population's requests look: pages, parameters, the shape of values. No value of anybody.

A request alone says what a session of one request can say: a page that nobody asks for, a
parameter that does not belong there, a value whose shape no other value has. A name (of a page, of
a parameter) is learnt only where several sessions used it, so that a person's name in a path
stays out of the model.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log, log1p, sqrt
from typing import Any

import msgspec

from sentinel.detect.behaviour.paths import template
from sentinel.detect.behaviour.sessions import Step
from sentinel.detect.behaviour.shapes import Shapes, decoded, shape

REQUEST_FEATURES = (
    "page_rarity",
    "method_rarity",
    "status_rarity",
    "unknown_parameters",
    "missing_parameters",
    "value_shape",
    "value_peak",
    "value_length",
    "value_rarity",
    "encoding_layers",
    "path_shape",
    "path_peak",
    "path_length",
)
SHARED_BY = 3
"""A page or a parameter is learnt from so many sessions on."""
_LISTED_BY = 5  # a value of a short list, from so many on
_LONGEST_LIST = 12
_MOST_PARAMETERS = 64
_LONGEST_NAME = 40
_ALWAYS = 0.95  # a parameter of so many of a page's requests belongs to it
_LEAST_LENGTH_SPREAD = 0.15  # of log(1 + characters)

Parameter = tuple[str, str, int]  # name, decoded value, layers of encoding


class _Lengths(msgspec.Struct):
    """Count, sum and sum of squares of log(1 + characters)."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, length: int) -> None:
        value = log1p(length)
        self.count += 1
        self.total += value
        self.squares += value * value

    def distance(self, length: int) -> float:
        """Return how many spreads ``length`` stands from the mean."""
        mean = self.total / self.count
        spread = sqrt(max(self.squares / self.count - mean * mean, 0.0))
        return abs(log1p(length) - mean) / max(spread, _LEAST_LENGTH_SPREAD)


class _State(msgspec.Struct):
    """What is written of a population."""

    pages: dict[str, int]
    methods: dict[str, int]
    statuses: dict[str, int]
    parameters: dict[str, dict[str, int]]
    lists: dict[str, dict[str, int]]
    lengths: dict[str, _Lengths]
    values: dict[str, dict[str, int]]
    any_value: dict[str, int]
    paths: dict[str, int]
    total: int


class Requests:
    """Counts over a population's requests; build it with `learnt`."""

    def __init__(self) -> None:
        self._pages: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._parameters: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._belong: dict[str, list[str]] = {}
        self._lists: dict[str, dict[str, int]] = {}
        self._lengths: dict[str, _Lengths] = {}
        self._values: dict[str, Shapes] = {}
        self._any_value = Shapes()
        self._paths = Shapes()
        self._total = 0

    @classmethod
    def learnt(cls, sessions: Iterable[Sequence[Step]]) -> Requests:
        """Count the requests of sessions."""
        found = cls()
        shared = _Shared()
        for steps in sessions:
            shared.session(steps)
            for step in steps:
                found._count(step, shared)
        found._keep(shared)
        return found

    def features(self, step: Step) -> list[float]:
        """Return the values of `REQUEST_FEATURES`, in that order; all grow with oddity."""
        page, given = template(step.path), parameters(step.query)
        seen = self._pages[page]
        names = {name for name, _, _ in given}
        path_mean, path_peak = self._paths.costs(shape(decoded(step.path)[0]))
        return [
            -log((seen + 0.5) / (self._total + 1)),
            -log((self._methods[f"{step.method} {page}"] + 0.5) / (seen + 1)),
            -log((self._statuses[f"{step.status // 100} {page}"] + 0.5) / (seen + 1)),
            float(sum(1 for name in names if name not in self._parameters.get(page, ()))),
            float(sum(1 for name in self._belong.get(page, ()) if name not in names)),
            *self._of_values(given),
            float(max((layers for _, _, layers in given), default=0)),
            path_mean,
            path_peak,
            log1p(len(step.path)),
        ]

    def _of_values(self, given: Sequence[Parameter]) -> tuple[float, float, float, float]:
        """Return the oddest shape (mean and peak), length and listed value of the parameters."""
        mean = peak = length = rarity = 0.0
        for name, value, _ in given:
            chain = self._values.get(name)
            costs = (chain or self._any_value).costs(
                shape(value), self._any_value if chain else None
            )
            mean, peak = max(mean, costs[0]), max(peak, costs[1])
            if lengths := self._lengths.get(name):
                length = max(length, lengths.distance(len(value)))
            if listed := self._lists.get(name):
                count = sum(listed.values())
                rarity = max(rarity, -log((listed.get(value, 0) + 0.5) / (count + 1)))
        return mean, peak, length, rarity

    def _count(self, step: Step, shared: _Shared) -> None:
        page = template(step.path)
        self._total += 1
        self._pages[page] += 1
        self._methods[f"{step.method} {page}"] += 1
        self._statuses[f"{step.status // 100} {page}"] += 1
        self._paths.learn(shape(decoded(step.path)[0]))
        for name, value, _ in parameters(step.query):
            self._parameters[page][name] += 1
            self._values.setdefault(name, Shapes()).learn(shape(value))
            self._any_value.learn(shape(value))
            self._lengths.setdefault(name, _Lengths()).add(len(value))
            shared.value(name, value)

    def _keep(self, shared: _Shared) -> None:
        """Forget what only one or two sessions hold, and see what belongs to a page."""
        pages = {page for page, count in shared.pages.items() if count >= SHARED_BY}
        names = {name for name, count in shared.names.items() if count >= SHARED_BY}
        self._pages = _only(self._pages, pages)
        for counter in (self._methods, self._statuses):
            for key in [key for key in counter if key.split(" ", 1)[1] not in pages]:
                del counter[key]
        kept = {page: _only(self._parameters[page], names) for page in self._parameters}
        self._parameters = defaultdict(Counter, {page: kept[page] for page in pages & set(kept)})
        self._values = {name: chain for name, chain in self._values.items() if name in names}
        self._lengths = {name: item for name, item in self._lengths.items() if name in names}
        self._lists = {name: found for name in names if (found := shared.short_list(name))}
        self._see_what_belongs()

    def _see_what_belongs(self) -> None:
        self._belong = {}
        for page, counts in self._parameters.items():
            often = [name for name, count in counts.items() if count >= _ALWAYS * self._pages[page]]
            self._belong[page] = often

    def to_json(self) -> bytes:
        """Write the counts."""
        return msgspec.json.encode(
            _State(
                dict(sorted(self._pages.items())),
                dict(sorted(self._methods.items())),
                dict(sorted(self._statuses.items())),
                {
                    page: dict(sorted(self._parameters[page].items()))
                    for page in sorted(self._parameters)
                },
                {name: dict(sorted(self._lists[name].items())) for name in sorted(self._lists)},
                {name: self._lengths[name] for name in sorted(self._lengths)},
                {name: self._values[name].to_rows() for name in sorted(self._values)},
                self._any_value.to_rows(),
                self._paths.to_rows(),
                self._total,
            )
        )

    @classmethod
    def from_json(cls, raw: bytes) -> Requests:
        """Read the counts. Raises msgspec.ValidationError, ValueError."""
        state = msgspec.json.decode(raw, type=_State)
        found = cls()
        found._pages = Counter(state.pages)
        found._methods = Counter(state.methods)
        found._statuses = Counter(state.statuses)
        for page, counts in state.parameters.items():
            found._parameters[page] = Counter(counts)
        found._lists = state.lists
        found._lengths = state.lengths
        found._values = {name: Shapes.from_rows(rows) for name, rows in state.values.items()}
        found._any_value = Shapes.from_rows(state.any_value)
        found._paths = Shapes.from_rows(state.paths)
        found._total = state.total
        found._see_what_belongs()
        return found

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Requests) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]


class _Shared:
    """In how many sessions a page, a parameter or a value was met; gone after the learning."""

    def __init__(self) -> None:
        self.pages: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self._values: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def session(self, steps: Sequence[Step]) -> None:
        self.pages.update({template(step.path) for step in steps})
        self.names.update({name for step in steps for name, _, _ in parameters(step.query)})

    def value(self, name: str, value: str) -> None:
        self._values[name][value] += 1

    def short_list(self, name: str) -> dict[str, int]:
        """Return the values of ``name`` where it takes a few values only, else nothing."""
        values = self._values[name]
        if len(values) > _LONGEST_LIST or sum(values.values()) < _LISTED_BY * len(values):
            return {}
        return {value: count for value, count in values.items() if count >= _LISTED_BY}


@lru_cache(maxsize=4096)
def parameters(query: str) -> tuple[Parameter, ...]:
    """Return the parameters of a query string; at most 64 are looked at.

    >>> parameters("id=12&q=a%20b")
    (('id', '12', 0), ('q', 'a b', 1))
    """
    if not query:
        return ()
    pieces = query.split("&", _MOST_PARAMETERS)[:_MOST_PARAMETERS]
    return tuple(_parameter(piece) for piece in pieces)


def _parameter(piece: str) -> Parameter:
    name, _, value = piece.partition("=")
    plain, layers = decoded(value)
    return decoded(name)[0][:_LONGEST_NAME], plain, layers


def _only(counter: Counter[str], keys: set[str]) -> Counter[str]:
    return Counter({key: count for key, count in counter.items() if key in keys})
