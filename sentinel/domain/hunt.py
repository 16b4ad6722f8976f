"""What can be asked of the stored events: a tree of conditions, pages, groups, removals.

The reference is `domain.hunt_match`: every store answers as it does. A field is a list of values: a
scalar is a list of one, null and an absent field are the empty list. A condition on a field is true
where one of its values fulfils it, so a condition on an absent field is false and its negation
true. Texts are compared exactly unless ``ignore_case``; numbers and booleans by
`hunt_match.text_of` where a text is asked for. Instants are aware and in UTC.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from sentinel.domain.event import Event

ID = "event.id"
SOURCE = "sentinel.source"
REF = "sentinel.ref"
LOGSOURCE = "sentinel.logsource."
"""Names under which a condition reaches what stands beside `Event.fields`."""

RETENTION = "sentinel.retention"
"""Field with the retention class of an event; absent: `domain.retention.NORMAL`."""
NORMAL = "security_normal"

BUCKETS = {"@hour": timedelta(hours=1), "@day": timedelta(days=1)}
"""What an aggregation may group by beside fields: the UTC hour or day of the event."""


class Op(StrEnum):
    """What a `Test` asks of a value."""

    IS = "is"
    CONTAINS = "contains"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    LIKE = "like"  # `*` any text, `?` one character, a backslash before either: itself
    CIDR = "cidr"  # the value is an address in the network
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"


NUMERIC = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})


class Test(msgspec.Struct, frozen=True, tag=True):
    """One value of ``field`` fulfils ``op``.

    ``value`` is a text, for `NUMERIC` a number: those hold for numbers only, never for a text.
    """

    __test__ = False  # no test class, whatever pytest thinks of the name

    field: str
    op: Op
    value: str | int | float
    ignore_case: bool = False


class In(msgspec.Struct, frozen=True, tag=True):
    """One value of ``field`` has one of these texts."""

    field: str
    values: tuple[str, ...]


class Exists(msgspec.Struct, frozen=True, tag=True):
    """``field`` has a value."""

    field: str


class All(msgspec.Struct, frozen=True, tag=True):
    """Every part holds; without parts: always true."""

    parts: tuple[Condition, ...] = ()


class Any_(msgspec.Struct, frozen=True, tag="Any"):  # noqa: N801 - `Any` is typing's
    """One part holds; without parts: never true."""

    parts: tuple[Condition, ...] = ()


class Not(msgspec.Struct, frozen=True, tag=True):
    """The part does not hold."""

    part: Condition


Condition: TypeAlias = "Test | In | Exists | All | Any_ | Not"

ALWAYS = All()


class Position(msgspec.Struct, frozen=True, order=True):
    """Where an event stands in the order of a hunt: by time, then by id."""

    time: datetime
    id: str


class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """A question: events with ``since <= time < until`` for which ``where`` holds.

    In the order of `Position`, or the reverse with ``newest_first``; at most ``limit``; ``after``:
    only what follows that position in this order (see `beyond`).
    """

    where: Condition = ALWAYS
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False
    limit: int = 100
    after: Position | None = None

    def beyond(self, last: Event) -> Hunt:
        """Return the question for the page after the one that ends with ``last``."""
        return msgspec.structs.replace(self, after=Position(last.time, last.id))


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """How events are counted: ``by`` up to four fields or `BUCKETS`.

    An event counts once in each distinct text of a field, and nowhere where a field is absent.
    ``distinct``: count the distinct texts of that field instead of events. ``top``: at most so
    many groups, in the ``order``; equal counts by key.
    """

    by: tuple[str, ...]
    distinct: str = ""
    top: int = 20
    order: Literal["most", "fewest", "key"] = "most"


class Group(msgspec.Struct, frozen=True):
    """``key``: one text for each name in ``by``; a bucket is its start, 2026-01-02T03:00:00Z."""

    key: tuple[str, ...]
    count: int


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """What a removal took of one UTC day: ``size`` in bytes on disk, 0 where it is not known.

    ``digest``: `hunt_match.digest_of` the ids of the events.
    """

    day: date
    kind: str
    count: int
    size: int
    digest: str
    first: datetime
    last: datetime
    kept: int = 0
    """Events of that day and class that were due and stayed, because they are held."""
