"""Okta's system log (https://developer.okta.com/docs/reference/api/system-log/)."""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, outcome, text
from sentinel.domain.event import ACTOR_KIND, LogSource, Value

_CATEGORIES = {
    "user": "iam",
    "group": "iam",
    "application": "iam",
    "policy": "configuration",
    "zone": "configuration",
    "system": "configuration",
}
_FAILED = frozenset({"FAILURE", "DENY"})


class Okta(JsonDialect):
    """One event of an organisation."""

    name = "okta"
    title = "Okta system log"
    logsource = LogSource(product="okta", service="okta")
    marks = ("eventType", "published", "uuid")
    times = ("published",)
    names: ClassVar[Names] = {
        "event.action": ("eventType",),
        "event.code": ("legacyEventType",),
        "event.reason": ("outcome.reason",),
        "user.name": ("actor.alternateId", "actor.displayName"),
        "user.id": ("actor.id",),
        "user_agent.original": ("client.userAgent.rawUserAgent",),
        "message": ("displayMessage",),
        "sentinel.session": ("authenticationContext.externalSessionId",),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Say from where, upon whom, and how it ended."""
        address(fields, text(fields, "client.ipAddress"))
        kinds, names = fields.get("target.type"), fields.get("target.alternateId")
        if isinstance(kinds, list) and isinstance(names, list):
            users = [name for kind, name in zip(kinds, names, strict=False) if kind == "User"]
            if users:
                fields["user.target.name"] = str(users[0])
        if text(fields, "actor.type") not in ("User", ""):
            fields[ACTOR_KIND] = "service"
        action = text(fields, "eventType")
        signing_in = action.startswith(("user.authentication", "user.session", "user.mfa"))
        fields["event.category"] = [
            "authentication" if signing_in else _CATEGORIES.get(action.partition(".")[0], "iam")
        ]
        result = text(fields, "outcome.result")
        if result:
            outcome(fields, success=result not in _FAILED)
