"""The error log of Apache 2.4 (https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat).

``[Sat Jan 24 07:34:57.123456 2026] [core:error] [pid 31:tid 7] [client 192.0.2.4:50022] AH00035:
message``. The instant has no zone: it is taken as UTC. Lines of 2.2 lack module and process.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.json_dialect import address
from sentinel.collect.formats.times import MONTHS
from sentinel.collect.formats.web import unescape
from sentinel.domain.event import Value

_LINE = re.compile(
    r"\[[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]?\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\d{4})\] "
    r"\[(?:([\w-]{0,64}):)?([a-z]{1,8}\d?)\] "
    r"(?:\[pid (\d{1,10})(?::tid (\d{1,20}))?\] )?(.*)",
    re.DOTALL | re.ASCII,
)
_CLIENT = re.compile(r"\[client ([0-9A-Fa-f.:]{2,45}|[\w.-]{1,253}(?::\d{1,5})?)\] ", re.ASCII)
_CODE = re.compile(r"(AH\d{5}): ", re.ASCII)
_REFERRER = re.compile(r", referer: (\S+)\Z")
_FAILURES = frozenset({"error", "crit", "alert", "emerg"})


class ApacheError(Stateless):
    """One line of ``error.log``."""

    name = "apache_error"
    title = "Apache 2.4 error log"
    logsource = web_source("apache", "error")

    def claims(self, line: str) -> bool:
        """Look for two brackets."""
        return line.startswith("[") and "] [" in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names; the text stays in ``message``."""
        match = _LINE.fullmatch(line)
        if match is None:
            return Unparsed("not `[time] [module:level] [pid n] message`")
        time = _time(match)
        if time is None:
            return Unparsed("no such day or time")
        fields: dict[str, Value] = {"log.level": match[9], "message": match[12]}
        if match[8]:
            fields["event.module"] = match[8]
        if match[10]:
            fields["process.pid"] = int(match[10])
        if match[9] in _FAILURES:
            fields["event.outcome"] = "failure"
        _read_message(match[12], fields)
        return Parsed(fields, time, self.logsource)


def _read_message(message: str, fields: dict[str, Value]) -> None:
    # Both stand near the start; what follows may be text that the client chose.
    head = message[:512]
    if client := _CLIENT.search(head):
        address(fields, client[1])
    if code := _CODE.search(head):
        fields["event.code"] = code[1]
    start = message.rfind(", referer: ")
    if start >= 0 and (referrer := _REFERRER.match(message, start)):
        fields["http.request.referrer"] = unescape(referrer[1])


def _time(match: re.Match[str]) -> datetime | None:
    try:
        return datetime(
            int(match[7]),
            MONTHS[match[1]],
            int(match[2]),
            int(match[3]),
            int(match[4]),
            int(match[5]),
            int((match[6] or "0").ljust(6, "0")),
            tzinfo=UTC,
        )
    except (ValueError, KeyError):
        return None
