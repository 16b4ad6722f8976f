"""The header that syslog puts before a program's own line (RFC 3164, 4.1; RFC 5424, 6.2)."""

from __future__ import annotations

import re

_PREFIX = re.compile(
    r"(?:<\d{1,3}>)?"
    r"(?:(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{1,40}) \S{1,255} "
    r"[^\s\[\]:]{1,64}(?:\[\d{1,10}\])?: "
    r"|1 \S{1,40} \S{1,255} \S{1,48} \S{1,128} \S{1,32} (?:-|\[[^\]\"]{0,256}\]) (?:\ufeff)?)",
    re.ASCII,
)


def without_prefix(line: str) -> str:
    """Return the program's own line; the line itself where it has no syslog header."""
    match = _PREFIX.match(line)
    return line[match.end() :] if match else line
