"""What a correlation keeps of an event that one of its rules matched: as little as it needs."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from typing import Any

import msgspec

from sentinel.detect.actor import actor_of
from sentinel.detect.rules.fields import MISSING, Fields, flatten, reader, text_of
from sentinel.detect.rules.model import Correlation
from sentinel.domain.event import CATEGORY, SUBJECT

Combination = tuple[str, ...]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One match of the rule ``rule``. ``key`` identifies it; ``time`` is event time, UTC.

    ``fields`` are the event's; a correlation that feeds another gives its group's fields.
    ``events``/``refs``: one of each for an event, all of a burst for a correlation.
    """

    rule: str
    key: str
    time: datetime
    fields: dict[str, Any]
    events: tuple[str, ...]
    refs: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A hit in a group's window. ``values``: what `value_count` counts of it."""

    rule: str
    key: str
    time: datetime
    values: tuple[Combination, ...]
    events: tuple[str, ...]
    refs: tuple[str, ...]
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    actor: str


def keep(hit: Hit, correlation: Correlation) -> Kept:
    """Reduce a hit to what the correlation's window needs."""
    counted = tuple(correlation.field_for(name, hit.rule) for name in correlation.fields)
    return Kept(
        rule=hit.rule,
        key=hit.key,
        time=hit.time,
        values=combinations(hit.fields, counted) if counted else (),
        events=hit.events,
        refs=hit.refs,
        subjects=texts(hit.fields, SUBJECT),
        categories=texts(hit.fields, CATEGORY),
        actor=actor_of(hit.fields, correlation.actor),
    )


def groups_of(hit: Hit, correlation: Correlation) -> tuple[Combination, ...]:
    """Return the groups that a hit belongs to: one per item where a field is a list.

    None where a field of `group-by` is absent: such an event has no group.
    """
    names = tuple(correlation.field_for(name, hit.rule) for name in correlation.group_by)
    return combinations(hit.fields, names)


def combinations(fields: Fields, names: tuple[str, ...]) -> tuple[Combination, ...]:
    """Return every combination of the values of ``names``; one empty combination for no names."""
    return tuple(product(*(texts(fields, name) for name in names)))


def texts(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the different values of a field as text, in order; none where absent or null."""
    value = reader(name)(fields)
    if value is MISSING:
        return ()
    found = (text_of(item) for item in flatten(value))
    return tuple(dict.fromkeys(text for text in found if text is not None))
