"""Groups of one column file, counted over codes; the texts are looked up for the groups only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise, product
from typing import Any, TypeAlias

import numpy as np

from sentinel.domain.hunt import BUCKETS, Group, Groups
from sentinel.domain.hunt_match import bucket_of
from sentinel.store.columnar.build import MICROSECOND, instant_of
from sentinel.store.columnar.chunks import Codes, Ints
from sentinel.store.columnar.entries import Entries
from sentinel.store.columnar.mask import Mask
from sentinel.store.columnar.read import Reader
from sentinel.store.events_answers import ranked

Key: TypeAlias = tuple[str, ...]
Counted: TypeAlias = tuple[list[str] | list[Key], Ints]
"""Keys, plain texts where it is grouped by one field, and how often each occurs."""

_DENSE = 1 << 20
_MANY = 8  # where one value in so many is asked for, all are decoded at once


class Axis:
    """The values of one field, or the hours or days, of some rows."""

    def __init__(self, reader: Reader, name: str, low: int, high: int) -> None:
        self._name = name
        self._parts: list[tuple[int, Entries]] = []
        self._first = 0
        if name in BUCKETS:
            self._width = BUCKETS[name] // MICROSECOND
            self._first = reader.directory.firsts[0] // self._width
            self.size = int(reader.directory.last // self._width - self._first) + 1
            self.codes = self._buckets(reader, low, high)
            return
        self.codes = np.zeros(high - low, dtype=np.uint32)
        self.size = 1
        for column in reader.columns(name):
            more = reader.codes(column, low, high)
            if self._parts:  # beside the fields, where the event has no field of that name
                beside = (self.codes == 0) & (more > 0)
                more = np.where(beside, more.astype(np.int64) + self.size - 1, self.codes)
            self.codes = more
            self._parts.append((self.size, reader.entries(column)))
            self.size += column.entries

    @property
    def single(self) -> bool:
        """Whether each number above 0 stands for one text, and 0 for none."""
        return bool(self._parts) and all(entries.single for _, entries in self._parts)

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """Return the text of each number, where the axis is `single`; 0 is not among them."""
        if len(self._parts) > 1:
            return [self.keys(number)[0] for number in numbers]
        entries, places = self._parts[0][1], [number - 1 for number in numbers]
        if len(places) * _MANY <= self.size:
            return entries.some_texts(places)
        texts = entries.all_texts()
        return [texts[place] for place in places]

    def keys(self, number: int) -> Key:
        """Return the texts under which an event with this number counts."""
        if self._name in BUCKETS:
            return (bucket_of(self._name, instant_of((self._first + number) * self._width)),)
        for first, entries in reversed(self._parts):
            if number >= first:
                return entries.texts(number - first)
        return ()

    def _buckets(self, reader: Reader, low: int, high: int) -> Codes:
        if self.size == 1:  # as for days always: a file holds one
            return np.zeros(high - low, dtype=np.uint8)
        return reader.times(low, high) // self._width - self._first


def counted(reader: Reader, groups: Groups, found: Mask, low: int, high: int) -> Counted:
    """Return how many rows of ``found`` there are of each key; `Groups.distinct` is not set."""
    if found is False:
        return [], np.zeros(0, dtype=np.int64)
    axes = [Axis(reader, name, low, high) for name in groups.by]
    if not axes:
        rows = high - low if found is True else int(np.count_nonzero(found))
        whole: list[Key] = [()] if rows else []
        return whole, np.array([rows] * len(whole), dtype=np.int64)
    values, counts = _combined(axes, found)
    if len(axes) == 1 and axes[0].single:
        there = values > 0
        return axes[0].texts(values[there].tolist()), counts[there]
    keys: list[Key] = []
    times: list[int] = []
    for texts, count in zip(_texts(axes, values), counts.tolist(), strict=True):
        for key in product(*texts):
            keys.append(key)
            times.append(count)
    if len(axes) == 1:
        return [key[0] for key in keys], np.array(times, dtype=np.int64)
    return keys, np.array(times, dtype=np.int64)


def distinct(
    reader: Reader, groups: Groups, found: Mask, low: int, high: int
) -> dict[Key, set[str]]:
    """Return for each key the distinct texts of `Groups.distinct` among the rows of ``found``."""
    seen: dict[Key, set[str]] = {}
    if found is False:
        return seen
    last = Axis(reader, groups.distinct, low, high)
    axes = [Axis(reader, name, low, high) for name in groups.by]
    values, _ = _combined([*axes, last], found)
    # The last axis changes fastest, so that the values of one key stand together.
    keys = values // last.size
    cuts = [0, *(np.nonzero(np.diff(keys))[0] + 1).tolist(), len(keys)]
    for start, end in pairwise(cuts):
        numbers = (values[start:end] % last.size).tolist()
        if last.single:
            texts: Iterable[str] = last.texts([number for number in numbers if number])
        else:
            texts = {text for number in numbers for text in last.keys(number)}
        if texts and start < end:
            of_key = next(iter(_texts(axes, keys[start : start + 1])))
            for key in product(*of_key):
                seen.setdefault(key, set()).update(texts)
    return seen


class Sum:
    """The counts of many files under one numbering of their keys."""

    def __init__(self) -> None:
        self._numbers: dict[str | Key, int] = {}
        self._totals: Ints = np.zeros(1024, dtype=np.int64)

    def add(self, counted: Counted) -> None:
        """Add the counts of one file."""
        keys, counts = counted
        known = list(map(self._numbers.get, keys))
        if None in known:
            for place, number in enumerate(known):
                if number is None:
                    known[place] = self._numbers.setdefault(keys[place], len(self._numbers))
            if len(self._numbers) > len(self._totals):
                room = np.zeros(2 * len(self._numbers) - len(self._totals), dtype=np.int64)
                self._totals = np.concatenate([self._totals, room])
        np.add.at(self._totals, np.array(known, dtype=np.int64), counts)

    def ranked(self, groups: Groups) -> list[Group]:
        """Return the first groups in the order that was asked for."""
        totals = self._totals[: len(self._numbers)]
        keys = list(self._numbers)
        places = list(range(len(keys)))
        if groups.order != "key" and 0 < groups.top < len(keys):
            sign = -1 if groups.order == "most" else 1
            worst = np.partition(sign * totals, groups.top - 1)[groups.top - 1]
            places = np.nonzero(sign * totals <= worst)[0].tolist()
        found = [(_key(keys[place]), int(totals[place])) for place in places]
        return ranked(found, groups)


def in_sum(keys: Iterable[Iterable[Key]]) -> Counted:
    """Return the keys of single events in the form in which files are counted."""
    counts = Counter(chain.from_iterable(keys))
    plain: list[Any] = [key[0] if len(key) == 1 else key for key in counts]
    return plain, np.fromiter(counts.values(), dtype=np.int64, count=len(counts))


def _key(key: str | Key) -> Key:
    return (key,) if isinstance(key, str) else key


def _combined(axes: Sequence[Axis], found: Mask) -> tuple[Codes, Codes]:
    """Return each combination of numbers that occurs, as one number, and how often, ascending."""
    joined = axes[0].codes if found is True else axes[0].codes[found]
    for axis in axes[1:]:
        more = axis.codes if found is True else axis.codes[found]
        joined = joined * np.int64(axis.size) + more
    if math.prod(axis.size for axis in axes) <= max(_DENSE, 4 * len(joined)):
        dense = np.bincount(joined, minlength=1)
        values = np.nonzero(dense)[0]
        return values, dense[values]
    return np.unique(joined, return_counts=True)


def _texts(axes: Sequence[Axis], values: Codes) -> Iterable[tuple[Key, ...]]:
    """Return for each combination the texts of each axis."""
    columns: list[list[Key]] = []
    for axis in reversed(axes):
        numbers, places = np.unique(values % axis.size, return_inverse=True)
        keys = [axis.keys(number) for number in numbers.tolist()]
        columns.insert(0, [keys[place] for place in places.tolist()])
        values = values // axis.size
    return zip(*columns, strict=True) if columns else [()] * len(values)
