"""The access log of nginx under ``log_format ... escape=json``.

Administrators usually name the keys after the variables (``$remote_addr`` is ``remote_addr``).
Keys that are not known here are handed on under their own names: the source profile decides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.json_object import read_object
from sentinel.collect.formats.times import clf_time, read_time
from sentinel.collect.formats.web import (
    client_fields,
    request_fields,
    target_fields,
    whole_number,
)
from sentinel.domain.event import Value

_NAMES = {
    "request_method": "http.request.method",
    "http_referer": "http.request.referrer",
    "http_referrer": "http.request.referrer",
    "http_user_agent": "user_agent.original",
    "host": "url.domain",
    "http_host": "url.domain",
    "server_name": "server.domain",
    "ssl_protocol": "tls.version_protocol",
    "http_x_forwarded_for": "network.forwarded_ip",
    "request_id": "http.request.id",
}
_NUMBERS = {
    "status": "http.response.status_code",
    "body_bytes_sent": "http.response.body.bytes",
    "bytes_sent": "http.response.bytes",
    "request_length": "http.request.bytes",
}
_TIMES: tuple[tuple[str, Callable[[str], datetime | None]], ...] = (
    ("msec", read_time),
    ("time_iso8601", read_time),
    ("time_local", clf_time),
    ("time", read_time),
    ("timestamp", read_time),
    ("@timestamp", read_time),
)
_TARGETS = ("request", "request_uri", "uri")


class NginxJson(Stateless):
    """One JSON object per request."""

    name = "nginx_json"
    title = "nginx access log, escape=json"
    logsource = web_source("nginx")

    def claims(self, line: str) -> bool:
        """Look for an object with the client's name."""
        return line.lstrip()[:1] == "{" and '"remote_addr"' in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        raw = read_object(line)
        if isinstance(raw, Unparsed):
            return raw
        if "remote_addr" not in raw or not any(name in raw for name in _TARGETS):
            return Unparsed("a JSON object without remote_addr and request, request_uri or uri")
        time = _time(raw)
        fields = client_fields(_text(raw, "remote_addr"), _text(raw, "remote_user"))
        fields.update(_request(raw))
        for name, value in raw.items():
            fields.update(_translated(name, value))
        return Parsed(fields, time, self.logsource)


def _request(raw: dict[str, Value]) -> dict[str, Value]:
    fields = request_fields(_text(raw, "request"))
    for name in ("uri", "request_uri"):
        target = _text(raw, name)
        if target:
            fields.update(target_fields(target))
    for name in (*_TARGETS, "remote_addr", "remote_user"):
        raw.pop(name, None)
    query = _text(raw, "args") or _text(raw, "query_string")
    if query not in ("", "-"):
        fields.setdefault("url.query", query)
    protocol = _text(raw, "server_protocol")
    if protocol.startswith("HTTP/"):
        fields["http.version"] = protocol.removeprefix("HTTP/")
    for name in ("args", "query_string", "server_protocol"):
        raw.pop(name, None)
    return fields


def _translated(name: str, value: Value) -> dict[str, Value]:
    if value in ("", "-", None):
        return {}
    if name in _NUMBERS:
        number = whole_number(value)
        return {name: value} if number is None else {_NUMBERS[name]: number}
    return {_NAMES.get(name, name): value}


def _time(raw: dict[str, Value]) -> datetime | None:
    for name, read in _TIMES:
        if name in raw:
            time = read(str(raw[name]))
            if time is not None:
                del raw[name]
                return time
    return None


def _text(raw: dict[str, Value], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value)
