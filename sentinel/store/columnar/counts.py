"""Groups of one column file, counted over codes; the texts are looked up for the groups only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import TypeAlias

import numpy as np

from sentinel.domain.hunt import BUCKETS, Groups
from sentinel.domain.hunt_match import bucket_of
from sentinel.store.columnar.build import MICROSECOND, instant_of
from sentinel.store.columnar.chunks import Codes
from sentinel.store.columnar.entries import Entries
from sentinel.store.columnar.mask import Mask
from sentinel.store.columnar.read import Reader

Key: TypeAlias = tuple[str, ...]
Look: TypeAlias = Callable[[list[int]], list[Key]]
Axis: TypeAlias = tuple[Codes, int, Look]
"""For each row the number of its value; above all numbers; the texts that numbers count under."""

_DENSE = 1 << 20
_MANY = 8  # where one value in so many is asked for, all are decoded at once


def counted(reader: Reader, groups: Groups, found: Mask, low: int, high: int) -> Counter[Key]:
    """Return how many rows of ``found`` there are of each key; `Groups.distinct` is not set."""
    return _spread(_combined(reader, groups.by, found, low, high), len(groups.by))


def pairs(reader: Reader, groups: Groups, found: Mask, low: int, high: int) -> set[Key]:
    """Return the distinct keys with a distinct text of `Groups.distinct` behind each."""
    by = (*groups.by, groups.distinct)
    return set(_spread(_combined(reader, by, found, low, high), len(by)))


def _combined(
    reader: Reader, by: tuple[str, ...], found: Mask, low: int, high: int
) -> list[tuple[tuple[Key, ...], int]]:
    """Return each combination of values that occurs, with the texts of each, and how often."""
    if found is False:
        return []
    axes = [_axis(reader, name, low, high) for name in by]
    if not axes:
        rows = high - low if found is True else int(np.count_nonzero(found))
        return [((), rows)] if rows else []
    joined = axes[0][0] if found is True else axes[0][0][found]
    for more, size, _look in axes[1:]:
        joined = joined * np.int64(size) + (more if found is True else more[found])
    values, counts = _tally(joined, math.prod(size for _codes, size, _look in axes))
    columns: list[list[Key]] = []
    for _codes, size, look in reversed(axes):
        columns.insert(0, look((values % size).tolist()))
        values = values // size
    return list(zip(zip(*columns, strict=True), counts.tolist(), strict=True))


def _tally(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """Return the distinct codes, all below ``size``, and how often each stands there."""
    if size <= max(_DENSE, 4 * len(codes)):
        dense = np.bincount(codes, minlength=1)
        values = np.nonzero(dense)[0]
        return values, dense[values]
    return np.unique(codes, return_counts=True)


def _spread(combined: list[tuple[tuple[Key, ...], int]], names: int) -> Counter[Key]:
    """Count a combination under each of its texts; one without a text counts nowhere."""
    counts: Counter[Key] = Counter()
    for texts, count in combined:
        for key in product(*texts) if names != 1 else ((one,) for one in texts[0]):
            counts[key] += count
    return counts


def _axis(reader: Reader, name: str, low: int, high: int) -> Axis:
    if name in BUCKETS:
        return _buckets(reader, name, low, high)
    codes: Codes = np.zeros(high - low, dtype=np.uint32)
    size, parts = 1, []
    for column in reader.columns(name):
        more = reader.codes(column, low, high)
        if size == 1:
            codes = more
        else:  # what stands beside the fields, where the event has no field of that name
            codes = np.where((codes == 0) & (more > 0), more.astype(np.int64) + size - 1, codes)
        parts.append((size, reader.entries(column)))
        size += column.entries

    def look(numbers: list[int]) -> list[Key]:
        if len(parts) == 1 and len(numbers) * _MANY > size:
            texts = [(), *parts[0][1].all_texts()]
            return [texts[number] for number in numbers]
        return [_texts(parts, number) for number in numbers]

    return codes, size, look


def _texts(parts: list[tuple[int, Entries]], number: int) -> Key:
    for first, entries in reversed(parts):
        if number >= first:
            return entries.texts(number - first)
    return ()


def _buckets(reader: Reader, name: str, low: int, high: int) -> Axis:
    width = BUCKETS[name] // MICROSECOND
    first = reader.directory.firsts[0] // width
    if reader.directory.last // width == first:  # as for days always: a file holds one
        numbers: Codes = np.zeros(high - low, dtype=np.uint8)
    else:
        numbers = reader.times(low, high) // width - first

    def look(numbers: list[int]) -> list[Key]:
        return [(bucket_of(name, instant_of((first + number) * width)),) for number in numbers]

    return numbers, int(reader.directory.last // width - first) + 1, look
