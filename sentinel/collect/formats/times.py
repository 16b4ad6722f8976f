"""Instants as logs write them. Every reader answers None for what it cannot read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
# Above these, an epoch number counts milliseconds, microseconds, nanoseconds: as seconds they
# would lie beyond the year 5000, as the finer unit below 1973.
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))


# Abbreviations of zones that mean one offset in Europe; others are not guessed.
ZONES = {"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}
_NAMED = re.compile(
    r"([A-Z][a-z]{2}) {1,2}(\d{1,2}),? (\d{4}) (\d\d):(\d\d):(\d\d)"
    r"(?:\.(\d{1,6}))?(?: ([A-Z]{1,4}))?",
    re.ASCII,
)
_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) ?([A-Z]{1,4}|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


@lru_cache(maxsize=8192)
def clf_time(text: str) -> datetime | None:
    """Read ``17/May/2015:10:05:03 +0000`` (Apache ``%t``, nginx ``$time_local``) as UTC.

    A busy log repeats each second hundreds of times: the answer is remembered.
    """
    try:
        sign = {"+": 1, "-": -1}[text[21]]
        offset = timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
        if (
            len(text) != len("17/May/2015:10:05:03 +0000")
            or text[2] + text[6] + text[11:21:3] != "//::: "
        ):
            return None
        local = datetime(
            int(text[7:11]),
            MONTHS[text[3:6]],
            int(text[0:2]),
            int(text[12:14]),
            int(text[15:17]),
            int(text[18:20]),
            tzinfo=timezone(sign * offset),
        )
        return local.astimezone(UTC)
    except (ValueError, KeyError, IndexError, OverflowError):
        return None


def read_time(value: object) -> datetime | None:
    """Read RFC 3339, ISO 8601 or an epoch number (s, ms, us or ns, by size) as UTC.

    An instant without a zone is taken as UTC.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_epoch(float(value))
    if not isinstance(value, str):
        return None
    return _from_text(value)


@lru_cache(maxsize=8192)
def _from_text(value: str) -> datetime | None:
    text = value.strip()
    try:
        if text.replace(".", "", 1).isdecimal() and len(text) != len("20260102"):
            return _from_epoch(float(text))
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return clf_time(text)


def _from_epoch(number: float) -> datetime | None:
    for above, unit in _EPOCH_UNITS:
        if abs(number) >= above:
            number /= unit
            break
    try:
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=8192)
def named_time(text: str) -> datetime | None:
    """Read ``Jan 24 2026 07:34:57.678 CET``; without a zone it is UTC."""
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    month, day, year, hour, minute, second, part, zone = match.groups()
    if month not in MONTHS or (zone and zone not in ZONES):
        return None
    iso = f"{year}-{MONTHS[month]:02}-{int(day):02}T{hour}:{minute}:{second}.{part or 0}"
    return _offset(iso, zone)


@lru_cache(maxsize=8192)
def zoned_time(text: str) -> datetime | None:
    """Read ``2026-01-24 07:34:57,678 CET`` or ``... +02``; without a zone it is UTC."""
    match = _ZONED.fullmatch(text)
    if match is None or (match[2] and match[2].isalpha() and match[2] not in ZONES):
        return None
    return _offset(match[1].replace(",", "."), match[2])


def _offset(iso: str, zone: str | None) -> datetime | None:
    try:
        if zone and not zone.isalpha():
            return datetime.fromisoformat(f"{iso}{zone}").astimezone(UTC)
        offset = timezone(timedelta(hours=ZONES[zone or "UTC"]))
        return datetime.fromisoformat(iso).replace(tzinfo=offset).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
