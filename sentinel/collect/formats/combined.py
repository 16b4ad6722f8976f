"""The access log of nginx (``combined``) and Apache (``combined``, ``common``).

nginx: https://nginx.org/en/docs/http/ngx_http_log_module.html; Apache: mod_log_config.
The two write the same line; they differ in how they escape, and both ways are read.
"""

from __future__ import annotations

import re

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.times import clf_time
from sentinel.collect.formats.web import QUOTED, client_fields, request_fields, unescape
from sentinel.domain.event import Value

_HEAD = rf'(\S+) (\S+) ([^\["]{{0,256}}?) ?\[([^\]"]{{1,64}})\] {QUOTED} (\d{{3}}|-) (\d{{1,19}}|-)'
_COMBINED = re.compile(rf"{_HEAD} {QUOTED} {QUOTED}[ \t]*(.*)", re.DOTALL)
_COMMON = re.compile(rf"{_HEAD}[ \t]*", re.DOTALL)
_START = re.compile(r"\S+ \S+ ")

EXTRA = "sentinel.extra"


class NginxCombined(Stateless):
    """``combined``; fields that an administrator added at the end are kept in ``EXTRA``."""

    name = "nginx_combined"

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        match = _COMBINED.fullmatch(line)
        if match is None:
            return Unparsed(_why(line))
        parsed = _head(match)
        if isinstance(parsed, Unparsed):
            return parsed
        _put(parsed.fields, "http.request.referrer", match[8])
        _put(parsed.fields, "user_agent.original", match[9])
        if match[10]:
            parsed.fields[EXTRA] = match[10]
        return parsed


class ApacheCommon(Stateless):
    """The Common Log Format: ``combined`` without referrer and user agent."""

    name = "apache_common"

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        match = _COMMON.fullmatch(line)
        return Unparsed(_why(line)) if match is None else _head(match)


def _head(match: re.Match[str]) -> Parsed | Unparsed:
    time = clf_time(match[4])
    if time is None:
        return Unparsed("the time is not day/Mon/year:hour:minute:second zone")
    fields = client_fields(match[1], unescape(match[3]))
    fields.update(request_fields(unescape(match[5])))
    if match[6] != "-":
        fields["http.response.status_code"] = int(match[6])
    if match[7] != "-":
        fields["http.response.body.bytes"] = int(match[7])
    return Parsed(fields, time)


def _put(fields: dict[str, Value], name: str, text: str) -> None:
    if text not in ("", "-"):
        fields[name] = unescape(text)


def _why(line: str) -> str:
    """Say where the line stops looking like an access log line."""
    if _START.match(line) is None:
        return "no client, identity and user at the start"
    if "[" not in line:
        return "no [time]"
    if line.count('"') % 2:
        return "a quoted field has no end"
    return "request, status, size, referrer and user agent are not where they belong"
