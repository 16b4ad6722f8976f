"""Rows of a column file as events again, whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentinel.domain.event import Event, LogSource
from sentinel.domain.hunt import ID, LOGSOURCE, REF, SOURCE
from sentinel.store.columnar import chunks, layout
from sentinel.store.columnar.build import instant_of
from sentinel.store.columnar.layout import Column
from sentinel.store.columnar.read import Reader

_MANY = 2_000  # from so many rows on, a dictionary is read as a whole


def events_at(reader: Reader, rows: Sequence[int]) -> list[Event]:
    """Return the events in these rows, which ascend."""
    found: list[Event] = []
    start = 0
    while start < len(rows):
        strip = rows[start] // layout.STRIP
        end = start
        while end < len(rows) and rows[end] // layout.STRIP == strip:
            end += 1
        found += _of_strip(reader, strip, rows[start:end], whole=len(rows) >= _MANY)
        start = end
    return found


def _of_strip(reader: Reader, strip: int, rows: Sequence[int], *, whole: bool) -> list[Event]:
    base = strip * layout.STRIP
    times = chunks.unpack_ascending(reader.chunk(reader.directory.times[strip]))
    fields: list[dict[str, Any]] = [{} for _ in rows]
    for name, column in reader.directory.fields.items():
        for place, value in _values(reader, column, strip, rows, whole=whole):
            fields[place][name] = value
    beside: list[dict[str, str]] = [{} for _ in rows]
    for name, column in reader.directory.beside.items():
        for place, value in _values(reader, column, strip, rows, whole=whole):
            beside[place][name] = value
    sealed = _sealed(reader, rows)
    return [
        Event(
            id=beside[place].get(ID, ""),
            time=instant_of(int(times[row - base])),
            source=beside[place].get(SOURCE, ""),
            ref=beside[place].get(REF, ""),
            logsource=_logsource(beside[place]),
            fields=fields[place],
            sealed=sealed[place],
        )
        for place, row in enumerate(rows)
    ]


def _values(
    reader: Reader, column: Column, strip: int, rows: Sequence[int], *, whole: bool
) -> list[tuple[int, Any]]:
    """Return the places in ``rows`` that have the field, with its value."""
    if column.own:
        codes = [row + 1 for row in rows]
    elif column.strips[strip] is None:
        return []
    else:
        codes = reader.codes_at(column, strip, rows)
    if whole:
        values = reader.values(column)
        return [(place, values[code - 1]) for place, code in enumerate(codes) if code]
    found = []
    for place, code in enumerate(codes):
        if code:
            number, index = divmod(code - 1, layout.BLOCK)
            found.append((place, reader.block(column, number).value(index)))
    return found


def _sealed(reader: Reader, rows: Sequence[int]) -> list[bytes]:
    """Return what is sealed of each row."""
    found: list[bytes] = []
    number, ends, blob = -1, [0], b""
    for row in rows:
        if row // layout.RAW_BLOCK != number:
            number = row // layout.RAW_BLOCK
            ends, blob = _raw_block(reader, number)
        index = row - number * layout.RAW_BLOCK
        found.append(blob[ends[index] : ends[index + 1]])
    return found


def _raw_block(reader: Reader, number: int) -> tuple[list[int], bytes]:
    chunk = reader.directory.sealed[number]
    if chunk is None:
        return [0] * (layout.RAW_BLOCK + 1), b""
    lengths, blob = chunks.unpack_blob(reader.chunk(chunk))
    ends = [0]
    for length in lengths.tolist():
        ends.append(ends[-1] + length)
    return ends, blob


def _logsource(beside: dict[str, str]) -> LogSource:
    return LogSource(
        category=beside.get(f"{LOGSOURCE}category", ""),
        product=beside.get(f"{LOGSOURCE}product", ""),
        service=beside.get(f"{LOGSOURCE}service", ""),
    )
