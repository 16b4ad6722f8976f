"""One syslog message: its header, its structured data, and the line that it carries.

RFC 5424 is read to the letter. RFC 3164 describes what was found in the wild, and so does this: the
old ``Jan  2 03:04:05``, or an RFC 3339 instant in its place, then host, tag and text; what has no
header at all is the line itself. A message is never refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from sentinel.collect.batch import Item
from sentinel.collect.formats.times import MONTHS, read_time
from sentinel.domain.event import Value

STRUCTURED = "log.syslog.structured_data"
_PRIORITY = re.compile(rb"<(\d{1,3})>")
_HIGHEST = 191
_RFC5424 = re.compile(
    rb"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (-|(?=\[))", re.ASCII
)
_ELEMENT = re.compile(
    rb'\[([^ =\]"]{1,64})((?: [^ =\]"]{1,64}="(?:[^"\\\]]|\\.|\](?!$))*?")*)\]', re.DOTALL
)
_PARAM = re.compile(rb' ([^ =\]"]{1,64})="((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_RFC3164 = re.compile(
    rb"((?:[A-Z][a-z]{2}) [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d))"
    rb" (\S{1,255}) (?:([^\s:\[\]]{1,64})(?:\[([^\]\s]{1,64})\])?:? ?)?",
    re.ASCII,
)
_OLD_TIME = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)")
_BOM = b"\xef\xbb\xbf"
_CEE = re.compile(rb"@cee: ?(?=\{)")
_NIL = b"-"
_FUTURE = timedelta(days=2)  # a date this far ahead was last year's


def item_of(
    raw: bytes, *, received: datetime, header: Literal["strip", "keep"] = "strip", fault: str = ""
) -> Item:
    """Return the line of a message with what its header says.

    ``keep``: the line has its time, host and program, as a file of syslog would.
    """
    raw = raw.rstrip(b"\r\n\x00")
    beside: dict[str, Value] = {}
    priority = _PRIORITY.match(raw)
    rest = raw
    if priority and int(priority[1]) <= _HIGHEST:
        facility, severity = divmod(int(priority[1]), 8)
        beside["log.syslog.facility.code"] = facility
        beside["log.syslog.severity.code"] = severity
        rest = raw[priority.end() :]
    if fault:
        return Item(raw, beside=beside, fault=fault)
    match = _RFC5424.match(rest) if rest.startswith(b"1 ") else None
    if match is not None:
        return _read_5424(rest, match, beside, header)
    return _read_3164(rest, beside, received, header)


def _read_5424(rest: bytes, match: re.Match[bytes], beside: dict[str, Value], header: str) -> Item:
    stamp, host, app, process, kind, _ = match.groups()
    for name, value in (
        ("host.hostname", host),
        ("process.name", app),
        ("log.syslog.procid", process),
        ("log.syslog.msgid", kind),
    ):
        if value != _NIL:
            beside[name] = _text(value)
    beside["log.syslog.version"] = "1"
    offered, kept, position = _structured(rest, match.end())
    message = rest[position:].removeprefix(b" ").removeprefix(_BOM)
    if header == "keep":
        tag = app + (b"[" + process + b"]" if process != _NIL else b"")
        message = b" ".join((stamp, host, tag + b":", message))
    return Item(
        _CEE.sub(b"", message, count=1) if message.startswith(b"@cee:") else message or _NIL,
        beside=beside,
        offered=offered,
        kept=kept,
        time=read_time(_text(stamp)) if stamp != _NIL else None,
    )


def _structured(rest: bytes, position: int) -> tuple[dict[str, Value], dict[str, str], int]:
    """Read the SD-ELEMENTs at ``position``; return parameters by name, the whole text, the end."""
    offered: dict[str, Value] = {}
    start = position
    while (element := _ELEMENT.match(rest, position)) is not None:
        name = _text(element[1])
        for key, value in _PARAM.findall(element[2]):
            offered[f"{STRUCTURED}.{name}.{_text(key)}"] = _ESCAPE.sub(r"\1", _text(value))
        position = element.end()
    whole = _text(rest[start:position])
    return offered, {STRUCTURED: whole} if whole else {}, position


def _read_3164(rest: bytes, beside: dict[str, Value], received: datetime, header: str) -> Item:
    match = _RFC3164.match(rest)
    if match is None:
        return Item(rest or _NIL, beside=beside)
    stamp, host, tag, process = match.groups()
    beside["host.hostname"] = _text(host)
    if tag:
        beside["process.name"] = _text(tag)
    if process:
        beside["log.syslog.procid"] = _text(process)
    text = _text(stamp)
    time = _old_time(text, received) if text[0].isalpha() else read_time(text)
    message = rest if header == "keep" else rest[match.end() :]
    if message.startswith(b"@cee:"):
        message = _CEE.sub(b"", message, count=1)
    return Item(message or _NIL, beside=beside, time=time)


def _old_time(text: str, received: datetime) -> datetime | None:
    """Read a time without year and zone: UTC is assumed, and the year that is not in the future."""
    match = _OLD_TIME.fullmatch(text)
    month = MONTHS.get(match[1]) if match else None
    if match is None or month is None:
        return None
    day, hour, minute, second = int(match[2]), int(match[3]), int(match[4]), int(match[5])
    for year in (received.year + 1, received.year, received.year - 1):
        try:
            time = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError:
            continue
        if time <= received + _FUTURE:
            return time
    return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
