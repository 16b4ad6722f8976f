"""How often a sign stands in an event: measured where events were seen, guessed where not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sentinel.detect.fast.column import Column
from sentinel.detect.fast.needles import SEPARATOR
from sentinel.detect.fast.witness import WHOLE_EVENT, Cost, Sign
from sentinel.detect.rules.fields import MISSING, Fields, flatten

GUESS_WEIGHT: Final = 0.001  # a guess decides only between signs that were measured alike


def guessed(sign: Sign) -> float:
    """Return a share from the needle alone: long and anchored is rare."""
    text = sign.needle.strip(SEPARATOR)
    anchors = len(sign.needle) - len(text)
    weight = 4.0 if sign.field == WHOLE_EVENT else 1.0
    return float(weight * 0.8 ** (len(text) + 4 * anchors))


def measured(signs: Iterable[Sign], sample: Sequence[Fields]) -> Cost:
    """Return the cost by the share of the ``sample`` that holds each sign."""
    by_field: dict[str, list[str]] = {}
    for sign in dict.fromkeys(signs):
        by_field.setdefault(sign.field, []).append(sign.needle)
    counts: dict[Sign, int] = {}
    for field, needles in by_field.items():
        column = Column({needle: (number,) for number, needle in enumerate(needles)})
        for _row, numbers in column.fire(column_of(field, sample)):
            for number in numbers:
                sign = Sign(field, needles[number])
                counts[sign] = counts.get(sign, 0) + 1
    return _cost(counts, max(1, len(sample)))


def _cost(counts: Mapping[Sign, int], size: int) -> Cost:
    def cost(sign: Sign) -> float:
        return counts.get(sign, 0) / size + GUESS_WEIGHT * guessed(sign)

    return cost


def column_of(field: str, events: Iterable[Fields]) -> list[Any]:
    """Return the field's value in each event, or MISSING; for `WHOLE_EVENT`, every scalar in it."""
    if field != WHOLE_EVENT:
        return [fields.get(field, MISSING) for fields in events]
    return [_scalars(fields.values()) for fields in events]


def _scalars(values: Collection[Any]) -> list[Any]:
    if list not in map(type, values):  # most events hold none
        return list(values)
    return [item for value in values for item in flatten(value)]
