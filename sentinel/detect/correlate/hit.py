"""What a correlation keeps of an event that one of its rules matched: as little as it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from math import prod
from typing import Any, Final

import msgspec

from sentinel.detect.actor import actor_of
from sentinel.detect.rules.fields import (
    MISSING,
    Fields,
    Reader,
    flatten,
    number_of,
    reader,
    text_of,
)
from sentinel.detect.rules.model import Correlation, CorrelationKind
from sentinel.domain.event import CATEGORY, SUBJECT

MOST_GROUPS: Final = 20_000  # of one hit: an export of a customer base has thousands, a heap more
Combination = tuple[str, ...]
Value = int | float | str | Combination


class TooMany(Exception):
    """A hit belongs to more groups, or gives more combinations, than `MOST_GROUPS`."""


class Hit(msgspec.Struct, frozen=True):
    """One match of the rule ``rule``. ``key`` identifies it; ``time`` is event time, UTC.

    ``fields`` are the event's; a correlation that feeds another gives its group's fields.
    ``events``/``refs``: one of each for an event, all of a burst for a correlation.
    """

    rule: str
    key: str
    time: datetime
    fields: Mapping[str, Any]
    events: tuple[str, ...]
    refs: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hit in a group's window.

    ``step``: index of its rule in the correlation's. ``time``: microseconds. ``values``: what the
    correlation measures of it. ``several``: the events of a burst, None where ``key`` is the event.
    """

    step: int
    key: str
    time: int
    values: tuple[Value, ...]
    several: tuple[str, ...] | None
    refs: tuple[str, ...]
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    actor: str

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of its events."""
        return (self.key,) if self.several is None else self.several


class Reduction:
    """Reduces hits of one rule to what one correlation needs of them."""

    def __init__(self, correlation: Correlation, rule: str) -> None:
        """Prepare what reads the fields. ``rule``: id of one of the correlation's rules."""
        self.step = correlation.rules.index(rule)
        self._groups = _readers(correlation, correlation.group_by, rule)
        self._counted = _readers(correlation, correlation.fields, rule)
        self._subjects, self._categories = reader(SUBJECT), reader(CATEGORY)
        self._own_actor = correlation.actor
        self._values = (
            _combined if correlation.kind is CorrelationKind.VALUE_COUNT else self._measured
        )
        if correlation.kind is CorrelationKind.VALUE_PERCENTILE and correlation.percentile is None:
            self._values = _combined

    def groups(self, hit: Hit) -> tuple[Combination, ...]:
        """Return the groups that a hit belongs to: one per item where a field is a list.

        None where a field of `group-by` is absent: such an event has no group. Raises TooMany.
        """
        return _combinations(hit.fields, self._groups)

    def keep(self, hit: Hit, time: int) -> Kept:
        """Return what the windows hold of a hit at ``time`` (microseconds). Raises TooMany."""
        fields = hit.fields
        return Kept(
            self.step,
            hit.key,
            time,
            self._values(fields, self._counted) if self._counted else (),
            None if hit.events == (hit.key,) else hit.events,
            hit.refs,
            texts(fields, self._subjects),
            texts(fields, self._categories),
            actor_of(fields, self._own_actor),
        )

    @staticmethod
    def _measured(fields: Fields, counted: tuple[Reader, ...]) -> tuple[Value, ...]:
        """Return the numbers of the measured field; what is no number measures nothing."""
        value = counted[0](fields)
        if value is MISSING:
            return ()
        numbers = (number_of(item) for item in flatten(value))
        return tuple(number for number in numbers if number is not None)


def texts(fields: Fields, read: Reader) -> tuple[str, ...]:
    """Return the different values of a field as text, in order; none where absent or null."""
    value = read(fields)
    if type(value) is str:
        return (value,)
    if value is MISSING:
        return ()
    found = (text_of(item) for item in flatten(value))
    return tuple(dict.fromkeys(text for text in found if text is not None))


def _readers(correlation: Correlation, names: tuple[str, ...], rule: str) -> tuple[Reader, ...]:
    return tuple(reader(correlation.field_for(name, rule)) for name in names)


def _combinations(fields: Fields, readers: tuple[Reader, ...]) -> tuple[Combination, ...]:
    """Return every combination of the values read; one empty combination for no fields."""
    values = [texts(fields, read) for read in readers]
    if len(values) == 1 and len(values[0]) == 1:  # the usual case
        return (values[0],)
    if prod(map(len, values)) > MOST_GROUPS:
        raise TooMany
    return tuple(product(*values))


def _combined(fields: Fields, counted: tuple[Reader, ...]) -> tuple[Value, ...]:
    """Return the values of one field, or the combinations of several (linked by AND)."""
    if len(counted) == 1:
        return texts(fields, counted[0])
    return _combinations(fields, counted)
