"""Google Workspace activities: the Reports API's, and those that Cloud Logging exports.

https://developers.google.com/workspace/admin/reports/reference/rest/v1/activities
Parameters of an event become fields in lower case (``SETTING_NAME`` is ``setting_name``).
"""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, text
from sentinel.domain.event import LogSource, Value

_MARKS = (
    ("id.applicationName", "id.time"),
    ("protoPayload.serviceName", "protoPayload.metadata.event"),
)
_APPLICATIONS = frozenset({"admin", "login"})
_VALUES = ("value", "intValue", "boolValue", "multiValue", "multiIntValue")


class GoogleWorkspace(JsonDialect):
    """One activity of an administrator or of a sign-in."""

    name = "google_workspace"
    title = "Google Workspace admin and login activities"
    logsource = LogSource(product="gcp", service="google_workspace.admin")
    marks = ()
    times = ("id.time", "timestamp")
    names: ClassVar[Names] = {
        "user.name": ("actor.email", "protoPayload.authenticationInfo.principalEmail"),
        "user.id": ("actor.profileId",),
        "event.action": ("events.name", "protoPayload.metadata.event.eventName"),
        "user.target.name": ("user_email",),
    }

    def claims(self, line: str) -> bool:
        """Look for either shape."""
        return '"applicationName"' in line or '"protoPayload"' in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one activity of either shape."""
        parsed = super().parse(line)
        if isinstance(parsed, Parsed) and not any(
            all(mark in parsed.fields for mark in marks) for marks in _MARKS
        ):
            return Unparsed("a JSON object without id.applicationName or protoPayload events")
        return parsed

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add parameters, address, and the names that Sigma rules use."""
        for events in (fields.get("events"), fields.get("protoPayload.metadata.event")):
            for name, value in _parameters(events).items():
                fields.setdefault(name, value)
        if "user_email" in fields:
            fields["user.target.name"] = fields["user_email"]
        address(fields, text(fields, "ipAddress", "protoPayload.requestMetadata.callerIp"))
        application = _application(fields)
        actions = fields.get("event.action")
        fields["eventService"] = f"{application}.googleapis.com"
        fields["protoPayload.serviceName"] = f"{application}.googleapis.com"
        if actions is not None:
            fields["eventName"] = actions
            fields["protoPayload.metadata.event.eventName"] = actions
            names = actions if isinstance(actions, list) else [actions]
            fields["event.action"] = str(names[0]) if names else ""
            failed = any("failure" in str(name).lower() for name in names)
            fields["event.outcome"] = "failure" if failed else "success"
        fields["event.category"] = ["authentication" if application == "login" else "iam"]

    def logsource_of(self, fields: dict[str, Value]) -> LogSource:
        """Return ``google_workspace.admin`` or ``google_workspace.login``."""
        return LogSource(product="gcp", service=f"google_workspace.{_application(fields)}")


def _application(fields: dict[str, Value]) -> str:
    name = text(fields, "id.applicationName", "protoPayload.serviceName").partition(".")[0]
    return name if name in _APPLICATIONS else "admin"


def _parameters(events: Value) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for event in events if isinstance(events, list) else []:
        parameters = (
            event.get("parameters", event.get("parameter")) if isinstance(event, dict) else None
        )
        for one in parameters if isinstance(parameters, list) else []:
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                value = next((one[key] for key in _VALUES if key in one), None)
                if value is not None:
                    found[one["name"].lower()] = value
    return found
