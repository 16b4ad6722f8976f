"""Azure's activity log and Entra's sign-in, audit and risk logs, as diagnostic settings write them.

https://learn.microsoft.com/azure/azure-monitor/essentials/activity-log-schema
Sigma rules were written for several exports of them, so the other spellings (``ResultType``,
``CategoryValue``, ``OperationNameValue``...) are put beside the record's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, first, outcome, text
from sentinel.domain.event import ACTOR_KIND, LogSource, Value

_SERVICES = {
    "signinlogs": "signinlogs",
    "noninteractiveusersigninlogs": "signinlogs",
    "serviceprincipalsigninlogs": "signinlogs",
    "managedidentitysigninlogs": "signinlogs",
    "auditlogs": "auditlogs",
    "riskyusers": "riskdetection",
    "userriskevents": "riskdetection",
}
_P = "properties"
_INITIATOR = f"{_P}.initiatedBy.user"
_SPELLINGS: Names = {
    "ResultType": ("resultType", f"{_P}.status.errorCode"),
    "ResultDescription": ("resultDescription", f"{_P}.status.failureReason"),
    "OperationName": ("operationName", "operationName.value"),
    "OperationNameValue": ("operationName", "operationName.value"),
    "Category": ("category", f"{_P}.category"),
    "CategoryValue": ("category",),
    "ResourceId": ("resourceId",),
    "ResourceProviderValue": ("resourceProviderName.value",),
    "ActivityDisplayName": (f"{_P}.activityDisplayName",),
    "LoggedByService": (f"{_P}.loggedByService",),
    "Status": (f"{_P}.result", "resultType", "status.value"),
    f"{_P}.message": (f"{_P}.message", f"{_P}.activityDisplayName"),
    "AuthenticationRequirement": (f"{_P}.authenticationRequirement",),
    "DeviceDetail.trusttype": (f"{_P}.deviceDetail.trustType",),
    "DeviceDetail.deviceId": (f"{_P}.deviceDetail.deviceId",),
    "ResourceDisplayName": (f"{_P}.resourceDisplayName",),
    "RiskState": (f"{_P}.riskState",),
    "conditionalAccessStatus": (f"{_P}.conditionalAccessStatus",),
    "homeTenantId": (f"{_P}.homeTenantId",),
    "resourceTenantId": (f"{_P}.resourceTenantId",),
    "riskEventType": (f"{_P}.riskEventType",),
    "location": (f"{_P}.location.countryOrRegion",),
    "userAgent": (f"{_P}.userAgent",),
}
_SUCCESS = frozenset({"0", "success", "succeeded", "start", "started", "accept", "accepted"})
_MFA = {"multiFactorAuthentication": True, "singleFactorAuthentication": False}


class Azure(JsonDialect):
    """One record of Azure Monitor."""

    name = "azure"
    title = "Azure activity; Entra sign-in, audit, risk"
    logsource = LogSource(product="azure", service="activitylogs")
    marks = ("category",)
    times = ("time", "eventTimestamp", f"{_P}.createdDateTime", f"{_P}.activityDateTime")
    names: ClassVar[Names] = {
        **_SPELLINGS,
        "event.action": (f"{_P}.activityDisplayName", "operationName", "operationName.value"),
        "user.name": (
            f"{_P}.userPrincipalName",
            f"{_INITIATOR}.userPrincipalName",
            f"{_P}.servicePrincipalName",
            f"{_P}.initiatedBy.app.displayName",
            "identity.claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
            "identity.claims.name",
            "caller",
        ),
        "user.id": (f"{_P}.userId", f"{_INITIATOR}.id"),
        "user.target.name": (f"{_P}.targetResources.userPrincipalName",),
        "user_agent.original": (f"{_P}.userAgent",),
        "event.reason": ("resultDescription", f"{_P}.status.failureReason", f"{_P}.resultReason"),
    }

    def claims(self, line: str) -> bool:
        """Look for an operation or properties beside the category."""
        return super().claims(line) and ('"operationName"' in line or '"tenantId"' in line)

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add address, category and outcome."""
        service = _service(fields)
        address(
            fields, text(fields, "callerIpAddress", f"{_P}.ipAddress", f"{_INITIATOR}.ipAddress")
        )
        target = first(fields, ("user.target.name",))
        if isinstance(target, list):
            fields["user.target.name"] = str(target[0])
        if f"{_P}.initiatedBy.app.displayName" in fields or f"{_P}.servicePrincipalName" in fields:
            fields[ACTOR_KIND] = "service"
        category = {"signinlogs": "authentication", "auditlogs": "iam"}.get(service)
        fields["event.category"] = [category or "configuration"]
        result = text(
            fields, f"{_P}.result", "resultType", f"{_P}.status.errorCode", "status.value"
        )
        if result:
            outcome(fields, success=result.lower() in _SUCCESS)
        mfa = _MFA.get(text(fields, f"{_P}.authenticationRequirement"))
        if mfa is not None:
            fields["sentinel.mfa"] = mfa

    def logsource_of(self, fields: dict[str, Value]) -> LogSource:
        """Return the service that Sigma names after the kind of log."""
        return LogSource(product="azure", service=_service(fields))


def _service(fields: Mapping[str, Value]) -> str:
    return _SERVICES.get(text(fields, "category").lower(), "activitylogs")
