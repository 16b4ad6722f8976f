"""Which events a question selects: the reference for every store. Pure, and slow."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import msgspec

from sentinel.domain.event import Event
from sentinel.domain.hunt import (
    ID,
    LOGSOURCE,
    NORMAL,
    NUMERIC,
    REF,
    RETENTION,
    SOURCE,
    All,
    Any_,
    Condition,
    Exists,
    Hunt,
    In,
    Not,
    Op,
    Position,
    Test,
)

_OF_TEXT: dict[Op, Callable[[str, str], bool]] = {
    Op.IS: operator.eq,
    Op.CONTAINS: operator.contains,
    Op.PREFIX: str.startswith,
    Op.SUFFIX: str.endswith,
}
_OF_NUMBER: dict[Op, Callable[[float, float], bool]] = {
    Op.LT: operator.lt,
    Op.LTE: operator.le,
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
}


def selects(hunt: Hunt, event: Event) -> bool:
    """Tell whether a question is about this event, whatever its limit."""
    if hunt.since is not None and event.time < hunt.since:
        return False
    if hunt.until is not None and event.time >= hunt.until:
        return False
    if hunt.after is not None:
        here = Position(event.time, event.id)
        if here >= hunt.after if hunt.newest_first else here <= hunt.after:
            return False
    return holds(hunt.where, event)


def values_of(event: Event, field: str) -> list[Any]:
    """Return the values that a condition on ``field`` sees."""
    if field in event.fields:
        value = event.fields[field]
        if value is None:
            return []
        return [one for one in value if one is not None] if isinstance(value, list) else [value]
    beside = {ID: event.id, SOURCE: event.source, REF: event.ref}
    text = beside.get(field, "")
    if field.startswith(LOGSOURCE):
        text = getattr(event.logsource, field.removeprefix(LOGSOURCE), "")
    return [text] if text else []


def text_of(value: object) -> str:
    """Return the text that a value is compared and counted by: ``true``, ``404``, ``0.5``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return msgspec.json.encode(value, order="sorted").decode()


def holds(where: Condition, event: Event) -> bool:
    """Tell whether a condition is true of an event. The reference for every store."""
    match where:
        case Test():
            return any(fulfils(where, value) for value in values_of(event, where.field))
        case In():
            return any(text_of(value) in where.values for value in values_of(event, where.field))
        case Exists():
            return bool(values_of(event, where.field))
        case All():
            return all(holds(part, event) for part in where.parts)
        case Any_():
            return any(holds(part, event) for part in where.parts)
        case Not():
            return not holds(where.part, event)


def fulfils(test: Test, value: object) -> bool:
    """Tell whether one value fulfils a test."""
    if test.op in NUMERIC:
        return _compares(test, value)
    text, asked = text_of(value), str(test.value)
    if test.op is Op.CIDR:
        return _inside(text, asked)
    if test.ignore_case:
        text, asked = text.lower(), asked.lower()
    if test.op is Op.LIKE:
        return like_pattern(asked).fullmatch(text) is not None
    return _OF_TEXT[test.op](text, asked)


@lru_cache(maxsize=256)
def like_pattern(glob: str) -> re.Pattern[str]:
    """Return the expression of a `Op.LIKE` text."""
    parts: list[str] = []
    for text in re.findall(r"\\[*?\\]|.", glob, re.DOTALL):
        if text == "*":
            if parts[-1:] != [".*"]:
                parts.append(".*")
        else:
            parts.append("." if text == "?" else re.escape(text[-1]))
    return re.compile("".join(parts), re.DOTALL)


@lru_cache(maxsize=256)
def network_of(text: str) -> IPv4Network | IPv6Network:
    """Return the network of a `Op.CIDR` text. Raises ValueError."""
    return ip_network(text, strict=False)


def fields_of(where: Condition) -> frozenset[str]:
    """Return the fields that a condition asks about."""
    match where:
        case Test() | In() | Exists():
            return frozenset({where.field})
        case Not():
            return fields_of(where.part)
        case _:
            return frozenset().union(*(fields_of(part) for part in where.parts))


def bucket_of(name: str, instant: datetime) -> str:
    """Return the text of the bucket ``name`` (see `BUCKETS`) in which an instant lies."""
    at = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if name == "@day":
        at = at.replace(hour=0)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def class_of(event: Event) -> str:
    """Return the retention class of an event."""
    return str(event.fields.get(RETENTION) or NORMAL)


def digest_of(ids: Iterable[str]) -> str:
    """Return what a certificate says of removed events: SHA-256 of their sorted ids, one a line."""
    digest = hashlib.sha256()
    for event_id in sorted(ids):
        digest.update(event_id.encode() + b"\n")
    return digest.hexdigest()


def _compares(test: Test, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    asked = test.value
    if isinstance(asked, str):
        return False
    return _OF_NUMBER[test.op](value, asked)


def _inside(text: str, network: str) -> bool:
    try:
        return ip_address(text) in network_of(network)
    except ValueError:
        return False
