"""Traefik's access log, JSON (https://doc.traefik.io/traefik/observability/access-logs/)."""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.base import web_source
from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, number, text
from sentinel.collect.formats.web import target_fields
from sentinel.domain.event import Value


class TraefikJson(JsonDialect):
    """An object with ``RequestMethod`` and ``RequestPath``."""

    name = "traefik_json"
    title = "Traefik access log, JSON"
    logsource = web_source("traefik")
    marks = ("RequestMethod", "RequestPath")
    times = ("StartUTC", "time", "StartLocal")
    names: ClassVar[Names] = {
        "user.name": ("ClientUsername",),
        "http.request.method": ("RequestMethod",),
        "url.domain": ("RequestHost", "RequestAddr"),
        "url.scheme": ("RequestScheme",),
        "user_agent.original": ("request_User-Agent",),
        "http.request.referrer": ("request_Referer",),
        "tls.version": ("TLSVersion",),
        "traefik.router": ("RouterName",),
        "traefik.service_url": ("ServiceURL", "ServiceAddr"),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add client, target, protocol and numbers."""
        address(fields, text(fields, "ClientHost", "ClientAddr"))
        fields.update(target_fields(text(fields, "RequestPath")))
        protocol = text(fields, "RequestProtocol")
        if protocol.startswith("HTTP/"):
            fields["http.version"] = protocol.removeprefix("HTTP/")
        number(fields, "http.response.status_code", "DownstreamStatus", "OriginStatus")
        number(fields, "http.response.body.bytes", "DownstreamContentSize")
        number(fields, "http.request.body.bytes", "RequestContentSize")
        number(fields, "event.duration", "Duration")
