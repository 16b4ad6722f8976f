"""Microsoft 365's unified audit log.

https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
"""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, outcome, text
from sentinel.domain.event import ACTOR_KIND, LogSource, Value

_SUCCESS = frozenset({"success", "succeeded", "partiallysucceeded", "true"})
_ALERTS = "SecurityComplianceCenter"
_STAFF = frozenset({"0", "1", "2", "3", "10"})  # UserType: regular, reserved, admin, DcAdmin, guest


class M365(JsonDialect):
    """One operation of a user or an administrator."""

    name = "m365"
    title = "Microsoft 365 unified audit log"
    logsource = LogSource(product="m365", service="audit")
    marks = ("CreationTime", "Operation", "Workload")
    times = ("CreationTime",)
    names: ClassVar[Names] = {
        "event.action": ("Operation",),
        "event.provider": ("Workload",),
        "eventSource": ("Workload",),
        "eventName": ("Name", "Operation"),
        "status": ("Status", "ResultStatus"),
        "Payload": ("Data",),
        "user.name": ("UserId",),
        "user.id": ("UserKey",),
        "user_agent.original": ("UserAgent", "ClientInfoString"),
        "url.original": ("ObjectId",),
        "event.reason": ("LogonError", "ResultStatusDetail"),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add address, kind of actor, category and outcome."""
        address(fields, text(fields, "ClientIP", "ClientIPAddress", "ActorIpAddress"))
        kind = text(fields, "UserType")
        if kind and kind not in _STAFF:
            fields[ACTOR_KIND] = "service"
        action = text(fields, "Operation")
        signing_in = action in ("UserLoggedIn", "UserLoginFailed", "MailboxLogin")
        fields["event.category"] = [_category(text(fields, "Workload"), signing_in=signing_in)]
        result = text(fields, "ResultStatus").lower()
        if action == "UserLoginFailed":
            outcome(fields, success=False)
        elif result:
            outcome(fields, success=result in _SUCCESS)

    def logsource_of(self, fields: dict[str, Value]) -> LogSource:
        """Return ``threat_management`` for alerts, as Sigma does; else ``audit``."""
        alert = text(fields, "Workload") == _ALERTS
        return LogSource(product="m365", service="threat_management" if alert else "audit")


def _category(workload: str, *, signing_in: bool) -> str:
    if signing_in:
        return "authentication"
    return {"AzureActiveDirectory": "iam", "Exchange": "email"}.get(workload, "file")
