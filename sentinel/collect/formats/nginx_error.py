"""The error log of nginx (https://nginx.org/en/docs/ngx_core_module.html#error_log).

``2026/01/24 07:34:57 [error] 31#31: *90 message, client: 192.0.2.4, server: ..., request: "..."``.
The instant has no zone: it is taken as UTC. The text of the message stays in ``message``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.syslog_prefix import without_prefix
from sentinel.collect.formats.web import QUOTED, client_fields, request_fields, unescape
from sentinel.domain.event import Value

_LINE = re.compile(
    r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[([a-z]{1,8})\] "
    r"(\d{1,10})#(\d{1,10}): (?:\*\d{1,20} )?(.*)",
    re.DOTALL | re.ASCII,
)
# What nginx appends about the connection; the values that clients choose are quoted.
_CONTEXT = re.compile(
    rf"[,:] (client|server|request|upstream|host|referrer): (?:{QUOTED}|([^\s,\"]{{1,512}}))"
)
_FAILURES = frozenset({"error", "crit", "alert", "emerg"})


class NginxError(Stateless):
    """One line of ``error.log``, also behind a syslog header."""

    name = "nginx_error"
    title = "nginx error log"
    logsource = web_source("nginx", "error")

    def claims(self, line: str) -> bool:
        """Look for the process and thread."""
        return "#" in line and "] " in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        match = _LINE.fullmatch(without_prefix(line))
        if match is None:
            return Unparsed("not `yyyy/mm/dd hh:mm:ss [level] pid#tid: message`")
        try:
            time = datetime.strptime(match[1], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            return Unparsed("no such day or time")
        fields: dict[str, Value] = {
            "log.level": match[2],
            "process.pid": int(match[3]),
            "message": match[5],
        }
        if match[2] in _FAILURES:
            fields["event.outcome"] = "failure"
        for found in _CONTEXT.finditer(match[5]):
            fields.update(_context(found[1], unescape(found[2] or found[3] or "")))
        return Parsed(fields, time, self.logsource)


def _context(name: str, value: str) -> dict[str, Value]:
    match name:
        case "client":
            return client_fields(value, "")
        case "request":
            return request_fields(value)
        case "server":
            return {"server.domain": value}
        case "host":
            return {"url.domain": value}
        case "referrer":
            return {"http.request.referrer": value}
    return {"nginx.upstream": value}
