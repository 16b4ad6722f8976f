"""What a rule asks of an event, as a tree that compiles to closures and can say why it matched.

Matching runs the closures. Reasons are read from the tree only after a match, from the positive
leaves that hold: what stands under a `not` explains nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sentinel.detect.rules.fields import (
    MISSING,
    TIMESTAMP,
    Fields,
    flatten,
    names_read,
    reader,
    text_of,
)
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.strings import holds_one
from sentinel.detect.rules.values import any_test, inner_texts
from sentinel.detect.rules.wanted import Wanted
from sentinel.domain.reason import Reason

Match = Callable[[Fields], bool]
MAX_REASONS = 5
JOINT: Final = "\x1e"  # between values, so that what lies across two of them is seldom found
MAX_TEXT = 200  # characters of a value that a reason repeats
PAIRS: Final[dict[str, Callable[[str, str], bool]]] = {
    "equals": operator.eq,
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


class Expression:
    """A node. `matcher` compiles it; `reasons` explains a match; `names` lists what it reads."""

    def matcher(self) -> Match:
        """Return a closure that tells whether an event's fields satisfy the node."""
        raise NotImplementedError

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield why the node holds, in the rule's order. Call it on a match only."""
        raise NotImplementedError

    def names(self) -> Iterator[str]:
        """Yield the event fields that the node may read; ``*`` for the whole event."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class All(Expression):
    """Every child holds."""

    children: tuple[Expression, ...]

    def matcher(self) -> Match:
        """Return the conjunction."""
        matchers = tuple(child.matcher() for child in self.children)
        if len(matchers) == 2:  # noqa: PLR2004 - the usual case, and the cheapest closure
            first, second = matchers
            return lambda fields: first(fields) and second(fields)

        def run(fields: Fields) -> bool:
            for match in matchers:  # noqa: SIM110 - a loop costs half of all() on a generator
                if not match(fields):
                    return False
            return True

        return run

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield the reasons of each child."""
        for child in self.children:
            yield from child.reasons(fields)

    def names(self) -> Iterator[str]:
        """Yield the names of each child."""
        for child in self.children:
            yield from child.names()


@dataclass(frozen=True, slots=True)
class AnyOf(Expression):
    """At least one child holds."""

    children: tuple[Expression, ...]

    def matcher(self) -> Match:
        """Return the disjunction."""
        matchers = tuple(child.matcher() for child in self.children)
        if len(matchers) == 2:  # noqa: PLR2004 - as above
            first, second = matchers
            return lambda fields: first(fields) or second(fields)

        def run(fields: Fields) -> bool:
            for match in matchers:  # noqa: SIM110 - as above
                if match(fields):
                    return True
            return False

        return run

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield the reasons of the children that hold."""
        for child in self.children:
            if child.matcher()(fields):
                yield from child.reasons(fields)

    def names(self) -> Iterator[str]:
        """Yield the names of each child."""
        for child in self.children:
            yield from child.names()


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """The child does not hold."""

    child: Expression

    def matcher(self) -> Match:
        """Return the negation."""
        match = self.child.matcher()
        return lambda fields: not match(fields)

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield nothing: that nothing excludes the event explains nothing."""
        del fields
        yield from ()

    def names(self) -> Iterator[str]:
        """Yield the names of the child."""
        return self.child.names()


@dataclass(frozen=True, slots=True)
class FieldTest(Expression):
    """A field has one of the wanted values; of a list, any item.

    ``absent``: what the test says where there is no such field (true for null).
    """

    field: str
    wanted: tuple[Wanted, ...]
    absent: bool

    def matcher(self) -> Match:
        """Return the test of the field."""
        read, absent = reader(self.field), self.absent
        test = any_test(self.wanted)

        def run(fields: Fields) -> bool:
            value = read(fields)
            if value is MISSING:
                return absent
            if isinstance(value, list):
                return any(test(item) for item in flatten(value))
            return test(value)

        return run

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield the field and what it holds."""
        yield _field_reason(self.field, reader(self.field)(fields))

    def names(self) -> Iterator[str]:
        """Yield the field and its aliases."""
        yield from names_read(self.field)


@dataclass(frozen=True, slots=True)
class Presence(Expression):
    """`exists`: the field is there, or is not; its value does not matter."""

    field: str
    wanted: bool

    def matcher(self) -> Match:
        """Return the test of presence."""
        read, wanted = reader(self.field), self.wanted
        return lambda fields: (read(fields) is not MISSING) is wanted

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield the field and what it holds, or its absence."""
        yield _field_reason(self.field, reader(self.field)(fields))

    def names(self) -> Iterator[str]:
        """Yield the field and its aliases."""
        yield from names_read(self.field)


@dataclass(frozen=True, slots=True)
class FieldPair(Expression):
    """`fieldref`: two fields of the same event, compared as text. False where one is absent.

    ``how``: a key of `PAIRS`.
    """

    field: str
    other: str
    how: str
    cased: bool

    def matcher(self) -> Match:
        """Return the comparison of any item with any item."""
        left, right, compare = reader(self.field), reader(self.other), PAIRS[self.how]

        def run(fields: Fields) -> bool:
            others = self._texts(right(fields))
            return any(compare(text, o) for text in self._texts(left(fields)) for o in others)

        return run

    def _texts(self, value: Any) -> list[str]:
        if value is MISSING:
            return []
        texts = [text for item in flatten(value) if (text := text_of(item)) is not None]
        return texts if self.cased else [folded(text) for text in texts]

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield both fields."""
        yield _field_reason(self.field, reader(self.field)(fields))
        yield _field_reason(self.other, reader(self.other)(fields))

    def names(self) -> Iterator[str]:
        """Yield both fields and their aliases."""
        yield from names_read(self.field)
        yield from names_read(self.other)


@dataclass(frozen=True, slots=True)
class KeywordTest(Expression):
    """A keyword: some value of some field holds it."""

    wanted: tuple[Wanted, ...]

    def matcher(self) -> Match:
        """Return the search over every value of the event."""
        find = self._finder()
        return lambda fields: find(fields) is not MISSING

    def _finder(self) -> Callable[[Fields], Any]:
        test = any_test(self.wanted)
        inner = inner_texts(self.wanted)

        def find(fields: Fields) -> Any:
            if inner is not None and not _may_hold(fields, inner):
                return MISSING
            for name, value in fields.items():
                if name == TIMESTAMP:
                    continue
                for item in _items(value):
                    if test(item):
                        return item
            return MISSING

        return find

    def reasons(self, fields: Fields) -> Iterator[Reason]:
        """Yield the value in which the keyword stands."""
        yield Reason("rule.keyword", {"value": _shown(self._finder()(fields))})

    def names(self) -> Iterator[str]:
        """Yield ``*``."""
        yield "*"


def _may_hold(fields: Fields, texts: tuple[str, ...]) -> bool:
    """Tell whether a value may hold one of the texts, from all values joined."""
    try:
        values = [text_of(item) or "" for value in fields.values() for item in _items(value)]
    except (RecursionError, ValueError):  # a value without a text: the values before it count
        return True
    return holds_one(folded(JOINT.join(values)), texts)


def _items(value: Any) -> Iterable[Any]:
    return flatten(value) if isinstance(value, list) else (value,)


def first_reasons(expression: Expression, fields: Fields) -> tuple[Reason, ...]:
    """Return up to five different reasons of a match."""
    unique = dict.fromkeys(_key(reason) for reason in expression.reasons(fields))
    return tuple(Reason(code, dict(values)) for code, values in islice(unique, MAX_REASONS))


def _key(reason: Reason) -> tuple[str, tuple[tuple[str, str | int | float], ...]]:
    return reason.code, tuple(reason.values.items())


def _field_reason(field: str, value: Any) -> Reason:
    if value is MISSING or value is None:
        return Reason("rule.absent", {"field": field})
    return Reason("rule.field", {"field": field, "value": _shown(value)})


def _shown(value: Any) -> str:
    """Return a value as a reason repeats it: short, on one line."""
    texts = [text for item in flatten(value) if (text := text_of(item)) is not None]
    line = " ".join(", ".join(texts).split())
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
