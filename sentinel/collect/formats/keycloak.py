"""Keycloak's user and admin events: JSON, and the lines of its logging listener.

https://www.keycloak.org/docs/latest/server_admin/#auditing-user-events
``2026-01-24 07:34:57,678 WARN  [org.keycloak.events] (executor-1) type="LOGIN_ERROR", ...``;
older servers write the values without quotes. The instant of a line has no zone: UTC.
"""

from __future__ import annotations

import re

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.json_dialect import JsonDialect, address, outcome, text
from sentinel.collect.formats.syslog_prefix import without_prefix
from sentinel.collect.formats.times import zoned_time
from sentinel.domain.event import LogSource, Value

_SOURCE = LogSource(category="audit", product="keycloak", service="events")
_LINE = re.compile(
    r"(\S{10} \S{8,16}) {1,3}([A-Z]{4,5}) {1,3}\[org\.keycloak\.events\] \(([^)]{0,128})\) (.*)",
    re.DOTALL | re.ASCII,
)
_PAIR = re.compile(r'([A-Za-z_][\w.]{0,63})=(?:"([^"]*+)"|([^",]*+))(?:, |\Z)', re.ASCII)
_NAMES = {
    "user.name": ("details.username", "username", "userId", "authDetails.userId"),
    "user.id": ("userId", "authDetails.userId"),
    "sentinel.session": ("sessionId",),
    "event.reason": ("error",),
    "service.name": ("clientId", "authDetails.clientId"),
    "user.domain": ("realmName", "realmId"),
    "sentinel.auth_method": ("details.auth_method", "auth_method"),
}
_SIGNING_IN = ("LOGIN", "LOGOUT", "CODE_TO_TOKEN", "REFRESH_TOKEN", "CLIENT_LOGIN", "IMPERSONATE")


class Keycloak(JsonDialect):
    """A user event (``type``) or an admin event (``operationType``)."""

    name = "keycloak"
    title = "Keycloak events, JSON"
    logsource = _SOURCE
    marks = ("realmId",)
    times = ("time",)
    names = _NAMES

    def claims(self, line: str) -> bool:
        """Look for either kind of event."""
        return super().claims(line) and ('"type"' in line or '"operationType"' in line)

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one event."""
        parsed = super().parse(line)
        if isinstance(parsed, Parsed) and not text(parsed.fields, "type", "operationType"):
            return Unparsed("a JSON object without type or operationType")
        return parsed

    def interpret(self, fields: dict[str, Value]) -> None:
        """Say what was done, from where, and how it ended."""
        _interpret(fields)


class KeycloakLine(Stateless):
    """The same event as a line of ``org.keycloak.events``."""

    name = "keycloak_line"
    title = "Keycloak events, log line"
    logsource = _SOURCE

    def claims(self, line: str) -> bool:
        """Look for the logger."""
        return "[org.keycloak.events]" in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line."""
        match = _LINE.fullmatch(without_prefix(line))
        if match is None:
            return Unparsed("not `time LEVEL [org.keycloak.events] (thread) type=...`")
        fields: dict[str, Value] = {"log.level": match[2].lower()}
        fields.update(_pairs(match[4]))
        if not text(fields, "type", "operationType"):
            return Unparsed("no type= and no operationType=")
        for target, sources in _NAMES.items():
            if value := text(fields, *sources):
                fields[target] = value
        _interpret(fields)
        return Parsed(fields, zoned_time(match[1]), _SOURCE)


def _pairs(text: str) -> dict[str, Value]:
    """Return the pairs from the start on, as far as they go: text after them is not searched."""
    fields: dict[str, Value] = {}
    position = 0
    while match := _PAIR.match(text, position):
        value = match[2] or match[3]
        if value not in (None, "", "null"):
            fields[match[1]] = value
        position = match.end()
    return fields


def _interpret(fields: dict[str, Value]) -> None:
    address(fields, text(fields, "ipAddress", "authDetails.ipAddress"))
    admin = text(fields, "operationType")
    kind = text(fields, "type", "operationType")
    if admin:
        fields["event.action"] = f"{admin}_{text(fields, 'resourceType')}".rstrip("_").lower()
    else:
        fields["event.action"] = kind.lower()
    signing_in = kind.startswith(_SIGNING_IN)
    fields["event.category"] = ["authentication" if signing_in else "iam"]
    outcome(fields, success=not kind.endswith("_ERROR") and not text(fields, "error"))
