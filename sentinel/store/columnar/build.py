"""From events to columns, in memory: what a column file will hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import Any

import msgspec
import numpy as np

from sentinel.domain.event import Event
from sentinel.domain.hunt import ID, LOGSOURCE, REF, SOURCE
from sentinel.domain.hunt_match import class_of
from sentinel.store.columnar.chunks import Codes, Ints, is_hex
from sentinel.store.columnar.layout import Kind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BESIDE = (ID, SOURCE, REF, *(f"{LOGSOURCE}{part}" for part in ("category", "product", "service")))
_WORD = 1 << 63
_PLAIN = frozenset({str, int, bool})


class _Absent:
    """No value: not even null."""


ABSENT = _Absent()


class Drafted:
    """One column: its distinct values in the order of their first appearance, and each row's code.

    ``values``: of each row, `ABSENT` where it has none.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        keys: Sequence[Any] = values
        types = set(map(type, values)) - {_Absent}
        if len(types) != 1 or not types <= _PLAIN:
            # MessagePack tells 1, 1.0 and true apart, which are one key of a dict.
            encode = msgspec.msgpack.Encoder().encode
            keys = [value if value is ABSENT else encode(value) for value in values]
        first = dict(zip(reversed(keys), reversed(values), strict=True))
        codes = dict.fromkeys(keys)
        codes.pop(ABSENT, None)
        self.entries: list[Any] = [first[key] for key in codes]
        numbers = dict(zip(codes, count(1), strict=False))
        numbers[ABSENT] = 0
        found = map(numbers.__getitem__, keys)
        self.codes: Codes = np.fromiter(found, dtype=np.uint32, count=len(keys))

    def kind(self) -> Kind:
        """Return the narrowest kind that holds every entry."""
        types = set(map(type, self.entries))
        if types == {str}:
            return Kind.HEX if is_hex(self.entries) else Kind.TEXT
        if types == {list} and all(len(one) == 1 and type(one[0]) is str for one in self.entries):
            return Kind.ONE
        whole = types == {int} and -_WORD <= min(self.entries) <= max(self.entries) < _WORD
        return Kind.INT if whole else Kind.ANY


class Drafts:
    """Events as columns. ``events``: of one UTC day, in the order of time."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.rows = len(events)
        times = (micros_of(event.time) for event in events)
        self.times: Ints = np.fromiter(times, np.int64, self.rows)
        self.sealed = [event.sealed for event in events]
        self.kinds = dict(Counter(map(class_of, events)))
        fields = [event.fields for event in events]
        names = dict.fromkeys(chain.from_iterable(fields))
        self.fields = {name: Drafted([one.get(name, ABSENT) for one in fields]) for name in names}
        sources = [event.logsource for event in events]
        beside = (
            [event.id for event in events],
            [event.source for event in events],
            [event.ref for event in events],
            [source.category for source in sources],
            [source.product for source in sources],
            [source.service for source in sources],
        )
        self.beside = {
            name: Drafted([value or ABSENT for value in values])
            for name, values in zip(BESIDE, beside, strict=True)
        }


def micros_of(instant: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(micros: int) -> datetime:
    """Undo `micros_of`."""
    return EPOCH + timedelta(microseconds=micros)
