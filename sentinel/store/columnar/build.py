"""From events to columns, in memory: what a column file will hold."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

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


class Drafted:
    """One column while events are added."""

    def __init__(self) -> None:
        self._known: dict[str | bytes, int] = {}
        self.entries: list[object] = []
        self._codes = array("I")

    def put(self, row: int, value: object) -> None:
        """Give the event in ``row`` a value. Rows come in order."""
        # MessagePack tells 1, 1.0 and true apart, which are one key of a dict.
        key = value if isinstance(value, str) else msgspec.msgpack.encode(value)
        code = self._known.get(key)
        if code is None:
            self.entries.append(value)
            code = self._known[key] = len(self.entries)
        if len(self._codes) < row:
            self._codes.frombytes(bytes(4 * (row - len(self._codes))))
        self._codes.append(code)

    def codes(self, rows: int) -> Codes:
        """Return the code of each row."""
        codes: Codes = np.zeros(rows, dtype=np.uint32)
        codes[: len(self._codes)] = np.frombuffer(self._codes, dtype=np.uint32)
        return codes

    def kind(self) -> Kind:
        """Return the narrowest kind that holds every entry."""
        entries = self.entries
        if all(isinstance(entry, str) for entry in entries):
            return Kind.HEX if is_hex(entries) else Kind.TEXT  # type: ignore[arg-type]
        whole = all(type(entry) is int and -_WORD <= entry < _WORD for entry in entries)
        return Kind.INT if whole else Kind.ANY


class Drafts:
    """Events as columns. ``events``: of one UTC day, in the order of time."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.rows = len(events)
        self.times: Ints = np.fromiter(map(micros_of, _times(events)), np.int64, len(events))
        self.sealed = [event.sealed for event in events]
        self.kinds = dict(Counter(map(class_of, events)))
        self.fields: dict[str, Drafted] = {}
        self.beside = {name: Drafted() for name in BESIDE}
        for row, event in enumerate(events):
            for name, value in event.fields.items():
                column = self.fields.get(name)
                if column is None:
                    column = self.fields[name] = Drafted()
                column.put(row, value)
            for name, value in _beside(event):
                if value:
                    self.beside[name].put(row, value)


def micros_of(instant: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(micros: int) -> datetime:
    """Undo `micros_of`."""
    return EPOCH + timedelta(microseconds=micros)


def _beside(event: Event) -> Iterable[tuple[str, str]]:
    """Yield what stands beside the fields, in the order of `BESIDE`."""
    source = event.logsource
    values = (event.id, event.source, event.ref, source.category, source.product, source.service)
    return zip(BESIDE, values, strict=True)


def _times(events: Iterable[Event]) -> Iterable[datetime]:
    return (event.time for event in events)
