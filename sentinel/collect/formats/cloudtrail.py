"""AWS CloudTrail records.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
A file of CloudTrail holds ``{"Records": [...]}``: `sentinel.collect.envelope` takes it apart.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, first, outcome, text
from sentinel.domain.event import ACTOR_KIND, ROLES, USER, LogSource, Value

_CATEGORIES = {
    "signin.amazonaws.com": "authentication",
    "sts.amazonaws.com": "authentication",
    "iam.amazonaws.com": "iam",
    "organizations.amazonaws.com": "iam",
    "sso.amazonaws.com": "iam",
    "secretsmanager.amazonaws.com": "database",
    "s3.amazonaws.com": "file",
    "rds.amazonaws.com": "database",
    "dynamodb.amazonaws.com": "database",
}
_WHO = "userIdentity"
_ISSUER = f"{_WHO}.sessionContext.sessionIssuer.userName"
_YES = {"true": True, "yes": True, "false": False, "no": False}


class CloudTrail(JsonDialect):
    """One call of an AWS interface."""

    name = "cloudtrail"
    title = "AWS CloudTrail"
    logsource = LogSource(product="aws", service="cloudtrail")
    marks = ("eventSource", "eventName", "eventTime", "awsRegion")
    times = ("eventTime",)
    names: ClassVar[Names] = {
        "event.action": ("eventName",),
        "event.provider": ("eventSource",),
        "user.id": (f"{_WHO}.arn", f"{_WHO}.principalId"),
        "user_agent.original": ("userAgent",),
        "cloud.account.id": ("recipientAccountId", f"{_WHO}.accountId"),
        "cloud.region": ("awsRegion",),
        "error.code": ("errorCode",),
        "error.message": ("errorMessage",),
        "tls.version": ("tlsDetails.tlsVersion",),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Say who called, from where, and how it ended."""
        kind = text(fields, f"{_WHO}.type")
        issuer = text(fields, _ISSUER)
        _, colon, session = text(fields, f"{_WHO}.principalId").partition(":")
        user = text(fields, f"{_WHO}.userName")
        if kind == "AssumedRole" and colon:
            user = session  # the person or machine that took the role
        elif kind == "Root":
            user = "root"
        user = user or issuer or text(fields, f"{_WHO}.invokedBy", f"{_WHO}.accountId")
        if user:
            fields[USER] = user
        if issuer:
            fields[ROLES] = [issuer]
        if kind in ("AWSService", "AWSAccount") or f"{_WHO}.invokedBy" in fields:
            fields[ACTOR_KIND] = "service"
        for whole in ("requestParameters", "responseElements"):  # some rules search all of it
            _gather(fields, whole)
        address(fields, text(fields, "sourceIPAddress"))
        category = _CATEGORIES.get(text(fields, "eventSource"), "configuration")
        fields["event.category"] = [category]
        signed_in = text(fields, "responseElements.ConsoleLogin")
        failed = first(fields, ("errorCode", "errorMessage")) is not None
        outcome(fields, success=not failed and signed_in != "Failure")
        mfa = _YES.get(
            text(
                fields,
                "additionalEventData.MFAUsed",
                f"{_WHO}.sessionContext.attributes.mfaAuthenticated",
            ).lower()
        )
        if mfa is not None:
            fields["sentinel.mfa"] = mfa


def _gather(fields: dict[str, Value], whole: str) -> None:
    parts = {
        name[len(whole) + 1 :]: value
        for name, value in fields.items()
        if name.startswith(f"{whole}.") and value is not None
    }
    if parts:
        fields[whole] = msgspec.json.encode(parts, order="sorted").decode()
