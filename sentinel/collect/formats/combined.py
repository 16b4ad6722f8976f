"""The access log of nginx (``combined``) and Apache (``combined``, ``common``).

nginx: https://nginx.org/en/docs/http/ngx_http_log_module.html; Apache: mod_log_config.
The two write the same line; they differ in how they escape, and both ways are read. Apache's
``vhost_combined`` puts ``host:port`` first; Traefik's ``common`` appends its router and times
(https://doc.traefik.io/traefik/observability/access-logs/).
"""

from __future__ import annotations

import re

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.times import clf_time
from sentinel.collect.formats.web import (
    QUOTED,
    client_fields,
    request_fields,
    unescape,
    whole_number,
)
from sentinel.domain.event import LogSource, Value

_HEAD = rf'(\S+) (\S+) ([^\["]{{0,256}}?) ?\[([^\]"]{{1,64}})\] {QUOTED} (\d{{3}}|-) (\d{{1,19}}|-)'
_COMBINED = re.compile(rf"{_HEAD} {QUOTED} {QUOTED}[ \t]*(.*)", re.DOTALL)
_COMMON = re.compile(rf"{_HEAD}[ \t]*", re.DOTALL)
_START = re.compile(r"\S+ \S+ ")
_VHOST = re.compile(r"([\w.*-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5}) (?=\S)", re.ASCII)
_TRAEFIK = re.compile(r'(\d{1,18}) "([^"]{0,1024})" "([^"]{0,1024})" (\d{1,12})ms')

EXTRA = "sentinel.extra"


class NginxCombined(Stateless):
    """``combined``; fields that an administrator added at the end are kept in ``EXTRA``."""

    name = "nginx_combined"
    title = "nginx access log, combined (Apache writes the same)"
    logsource = web_source("nginx")

    def claims(self, line: str) -> bool:
        """Look for the time and the request."""
        return '] "' in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        match = _COMBINED.fullmatch(line)
        if match is None:
            return Unparsed(_why(line))
        parsed = _head(match, self.logsource)
        if isinstance(parsed, Unparsed):
            return parsed
        _put(parsed.fields, "http.request.referrer", match[8])
        _put(parsed.fields, "user_agent.original", match[9])
        if match[10]:
            parsed.fields[EXTRA] = match[10]
        return parsed


class ApacheCombined(NginxCombined):
    """``combined`` of Apache: the same line from another product."""

    name = "apache_combined"
    title = "Apache access log, combined"
    logsource = web_source("apache")


class ApacheVhost(ApacheCombined):
    """``vhost_combined``: ``%v:%p`` before a combined line."""

    name = "apache_vhost"
    title = "Apache access log, vhost_combined"

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        host = _VHOST.match(line)
        if host is None:
            return Unparsed("no host:port at the start")
        parsed = super().parse(line[host.end() :])
        if isinstance(parsed, Parsed):
            parsed.fields.setdefault("url.domain", host[1])
            parsed.fields["server.port"] = int(host[2])
        return parsed


class TraefikClf(NginxCombined):
    """Traefik's ``common``: combined, then request number, router, server and milliseconds."""

    name = "traefik_clf"
    title = "Traefik access log, common"
    logsource = web_source("traefik")

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        parsed = super().parse(line)
        if isinstance(parsed, Unparsed):
            return parsed
        tail = _TRAEFIK.fullmatch(str(parsed.fields.pop(EXTRA, "")))
        if tail is None:
            return Unparsed('no `number "router" "server" durationms` at the end')
        _put(parsed.fields, "traefik.router", tail[2])
        _put(parsed.fields, "traefik.service_url", tail[3])
        parsed.fields["event.duration"] = (whole_number(tail[4]) or 0) * 1_000_000
        return parsed


class ApacheCommon(Stateless):
    """The Common Log Format: ``combined`` without referrer and user agent."""

    name = "apache_common"
    title = "Apache access log, common"
    logsource = web_source("apache")

    def claims(self, line: str) -> bool:
        """Look for the time and the request."""
        return '] "' in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        match = _COMMON.fullmatch(line)
        return Unparsed(_why(line)) if match is None else _head(match, self.logsource)


def _head(match: re.Match[str], logsource: LogSource) -> Parsed | Unparsed:
    time = clf_time(match[4])
    if time is None:
        return Unparsed("the time is not day/Mon/year:hour:minute:second zone")
    fields = client_fields(match[1], unescape(match[3]))
    fields.update(request_fields(unescape(match[5])))
    if match[6] != "-":
        fields["http.response.status_code"] = int(match[6])
    if match[7] != "-":
        fields["http.response.body.bytes"] = int(match[7])
    return Parsed(fields, time, logsource)


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
