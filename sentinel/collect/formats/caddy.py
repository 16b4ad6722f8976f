"""Caddy's access log, JSON (https://caddyserver.com/docs/logging)."""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.base import web_source
from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, number, text
from sentinel.collect.formats.web import target_fields
from sentinel.domain.event import Value


class Caddy(JsonDialect):
    """``handled request``: an object with ``request.method`` and ``request.uri``."""

    name = "caddy"
    title = "Caddy access log"
    logsource = web_source("caddy")
    marks = ("request.method", "request.uri", "status")
    times = ("ts",)
    names: ClassVar[Names] = {
        "user.name": ("user_id",),
        "http.request.method": ("request.method",),
        "url.domain": ("request.host",),
        "log.level": ("level",),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add what stands in headers and in the protocol."""
        address(fields, text(fields, "request.client_ip", "request.remote_ip"))
        fields.update(target_fields(text(fields, "request.uri")))
        protocol = text(fields, "request.proto")
        if protocol.startswith("HTTP/"):
            fields["http.version"] = protocol.removeprefix("HTTP/")
        for target, header in (
            ("user_agent.original", "User-Agent"),
            ("http.request.referrer", "Referer"),
        ):
            if value := text(fields, f"request.headers.{header}"):
                fields[target] = value
        number(fields, "http.response.status_code", "status")
        number(fields, "http.response.body.bytes", "size")
        number(fields, "http.request.body.bytes", "bytes_read")
        seconds = fields.get("duration")
        if isinstance(seconds, float | int) and 0 <= seconds < 1e9:  # noqa: PLR2004 - 31 years
            fields["event.duration"] = int(seconds * 1e9)
