"""A condition over one column file: which rows fulfil it.

A test is asked of the dictionary, not of the rows: of each distinct value once. Where no value
fulfils it the rows are not looked at. The filters say beforehand where a file cannot match at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from sentinel.domain.hunt import All, Any_, Condition, In, Not, Op, Test
from sentinel.store.columnar import bloom
from sentinel.store.columnar.entries import Hits, Leaf
from sentinel.store.columnar.read import ColumnFile, Reader

Mask: TypeAlias = Hits | bool
_WHATEVER = 64  # more values than that are not worth asking a filter


def possible(where: Condition, file: ColumnFile) -> bool:
    """Tell whether an event of the file may fulfil ``where``; False is certain."""
    match where:
        case All():
            return all(possible(part, file) for part in where.parts)
        case Any_():
            return any(possible(part, file) for part in where.parts)
        case Test(op=Op.IS, ignore_case=False):
            return _may_have(file, where.field, (str(where.value),))
        case In():
            return _may_have(file, where.field, where.values)
        case _:
            return True


def mask(where: Condition, reader: Reader, low: int, high: int) -> Mask:
    """Tell for each row from ``low`` to before ``high``; one answer where it is that of all."""
    match where:
        case All():
            return _all(where, reader, low, high)
        case Any_():
            inverse = All(tuple(Not(part) for part in where.parts))
            return _inverted(_all(inverse, reader, low, high))
        case Not():
            return _inverted(mask(where.part, reader, low, high))
        case _:
            return _leaf(where, reader, low, high)


def _all(where: All, reader: Reader, low: int, high: int) -> Mask:
    found: Mask = True
    for part in where.parts:
        one = mask(part, reader, low, high)
        if isinstance(one, bool):
            if not one:
                return False
        else:
            found = one if isinstance(found, bool) else found & one
            if not found.any():
                return False
    return found


def _inverted(found: Mask) -> Mask:
    return not found if isinstance(found, bool) else ~found


def _leaf(leaf: Leaf, reader: Reader, low: int, high: int) -> Mask:
    found: Mask = False
    absent: Hits | None = None
    columns = reader.columns(leaf.field)
    for column in columns:
        hits = reader.entries(column).hits(leaf)
        if len(columns) == 1 and not hits.any():
            return False
        codes = reader.codes(column, low, high)
        one = np.concatenate([[False], hits])[codes]
        # What stands beside the fields is asked where the event has no field of that name.
        found = one if absent is None else found | (absent & one)
        absent = codes == 0
    return found


def _may_have(file: ColumnFile, field: str, values: Sequence[str]) -> bool:
    directory = file.directory
    columns = {"fields": directory.fields.get(field), "beside": directory.beside.get(field)}
    there = {place: column for place, column in columns.items() if column and column.entries}
    if len(values) > _WHATEVER:
        return bool(there)
    hashes = bloom.hashes_of(values)
    for place, column in there.items():
        held = file.bloom(f"{place}/{field}", column)
        if held is None or bloom.may_hold(held, hashes).any():
            return True
    return False
