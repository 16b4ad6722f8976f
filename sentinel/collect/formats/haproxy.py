"""HAProxy's logs (``option httplog``, ``httpslog``, ``tcplog``), with or without syslog header.

https://docs.haproxy.org/3.0/configuration.html, section 8.2. The instant has no zone: it is taken
as UTC. Captured headers stand in ``haproxy.request_headers`` and ``haproxy.response_headers``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.json_dialect import address
from sentinel.collect.formats.syslog_prefix import without_prefix
from sentinel.collect.formats.times import MONTHS
from sentinel.collect.formats.web import request_fields, unescape, whole_number
from sentinel.domain.event import Value

_CLIENT = (
    r"(?:haproxy\[\d{1,10}\]: )?(\S{2,60}):(\d{1,5}) "
    r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)\.(\d{3})\] "
)
_HEAD = re.compile(rf"{_CLIENT}(\S{{1,255}}) (\S{{1,512}}) (?=[\d-])", re.ASCII)
_ERROR = re.compile(rf"{_CLIENT}([^\s/]{{1,255}})/\S{{1,255}}: ([A-Z].{{1,256}})", re.ASCII)
_HTTP = re.compile(
    r"(-?\d{1,10}/-?\d{1,10}/-?\d{1,10}/-?\d{1,10}/\+?-?\d{1,10}) (-1|\d{3}) \+?(\d{1,18}) "
    r"(\S{1,512}) (\S{1,512}) (\S{4}) \+?[\d/+]{1,64} \d{1,10}/\d{1,10}"
    r"(?: \{([^{}]{0,4096})\})?(?: \{([^{}]{0,4096})\})? \"(.*?)(?:\"(?: ([^\"]*))?)?",
    re.DOTALL | re.ASCII,
)
_TCP = re.compile(
    r"-?\d{1,10}/-?\d{1,10}/\+?-?\d{1,10} \+?(\d{1,18}) (\S{2}) [\d/+]{1,64} \d{1,10}/\d{1,10}.*",
    re.DOTALL | re.ASCII,
)


class HaproxyHttp(Stateless):
    """One connection or request."""

    name = "haproxy"
    title = "HAProxy log: HTTP, HTTPS, TCP"
    logsource = web_source("haproxy")

    def claims(self, line: str) -> bool:
        """Look for the instant."""
        return "] " in line and "/" in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        text = without_prefix(line)
        head = _HEAD.match(text)
        if head is None and (head := _ERROR.fullmatch(text)) is None:
            return Unparsed("not `client:port [time] frontend backend/server ...`")
        time = _time(head)
        if time is None:
            return Unparsed("no such day or time")
        fields: dict[str, Value] = {}
        address(fields, f"[{head[1]}]:{head[2]}")
        fields["haproxy.frontend"] = head[10].removesuffix("~")
        if head.re is _ERROR:
            return Parsed({**fields, **_error(head[11])}, time, self.logsource)
        fields["haproxy.backend"] = head[11]
        rest = text[head.end() :]
        if match := _HTTP.fullmatch(rest):
            _read_http(match, fields)
        elif match := _TCP.fullmatch(rest):
            fields["http.response.bytes"] = int(match[1])
            fields["haproxy.state"] = match[2]
        else:
            return Unparsed("times, status, bytes, state or request are not where they belong")
        return Parsed(fields, time, self.logsource)


def _error(message: str) -> dict[str, Value]:
    """Return a connection that failed before a request (``SSL handshake failure``)."""
    return {"event.action": "connection", "event.outcome": "failure", "error.message": message}


def _read_http(match: re.Match[str], fields: dict[str, Value]) -> None:
    status = whole_number(match[2])
    if status is not None:
        fields["http.response.status_code"] = status
    fields["http.response.bytes"] = int(match[3])
    fields["haproxy.state"] = match[6]
    total = whole_number(match[1].rpartition("/")[2].lstrip("+"))
    if total is not None:
        fields["event.duration"] = total * 1_000_000
    for name, value in (("request", match[7]), ("response", match[8])):
        if value:
            fields[f"haproxy.{name}_headers"] = [part for part in value.split("|") if part]
    request = match[9]
    if request != "<BADREQ>":
        fields.update(request_fields(unescape(request)))


def _time(head: re.Match[str]) -> datetime | None:
    try:
        day, year, hour, minute, second, milli = (int(head[at]) for at in (3, 5, 6, 7, 8, 9))
        return datetime(year, MONTHS[head[4]], day, hour, minute, second, milli * 1000, tzinfo=UTC)
    except (ValueError, KeyError):
        return None
