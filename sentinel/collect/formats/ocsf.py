"""Events of the Open Cybersecurity Schema Framework (https://schema.ocsf.io), version 1.x.

Read in depth: account change (3001), authentication (3002), HTTP activity (4002), API activity
(6003); of any other class, who, where, what and how it ended.
"""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, number, text
from sentinel.collect.formats.web import target_fields
from sentinel.domain.event import LogSource, Value

_HTTP = "4002"
_CLASSES = {
    "3001": ("iam", "account_change"),
    "3002": ("authentication", "authentication"),
    "3003": ("session", "authorize_session"),
    "3004": ("iam", "entity_management"),
    "3005": ("iam", "user_access_management"),
    "3006": ("iam", "group_management"),
    "4001": ("network", "network_activity"),
    _HTTP: ("web", "http_activity"),
    "6003": ("api", "api_activity"),
    "6005": ("database", "datastore_activity"),
}
_OUTCOMES = {"1": "success", "2": "failure"}
_MILLIONS = 1_000_000  # nanoseconds of a millisecond


class Ocsf(JsonDialect):
    """One event of any class."""

    name = "ocsf"
    title = "Open Cybersecurity Schema Framework"
    logsource = LogSource(product="ocsf")
    marks = ("class_uid", "metadata.version")
    times = ("time", "time_dt")
    names: ClassVar[Names] = {
        "event.action": ("api.operation", "activity_name", "type_name"),
        "event.provider": ("api.service.name", "metadata.product.name"),
        "event.reason": ("status_detail", "status_code"),
        "event.duration": ("duration",),
        "message": ("message",),
        "user_agent.original": ("http_request.user_agent", "src_endpoint.user_agent"),
        "http.request.method": ("http_request.http_method",),
        "http.request.referrer": ("http_request.referrer",),
        "http.version": ("http_request.version",),
        "url.domain": ("http_request.url.hostname",),
        "url.scheme": ("http_request.url.scheme",),
        "cloud.account.id": ("cloud.account.uid",),
        "cloud.region": ("cloud.region",),
        "sentinel.session": ("session.uid", "actor.session.uid"),
        "sentinel.mfa": ("is_mfa", "actor.session.is_mfa"),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Tell actor and target apart, and read address, request and outcome."""
        actor = text(fields, "actor.user.name", "actor.user.email_addr", "actor.user.uid")
        user = text(fields, "user.name", "user.email_addr", "user.uid")
        fields["user.name"] = actor or user
        if actor and user and actor != user:
            fields["user.target.name"] = user
        if not fields["user.name"]:
            del fields["user.name"]
        address(fields, text(fields, "src_endpoint.ip", "src_endpoint.hostname"))
        address(fields, text(fields, "dst_endpoint.ip", "dst_endpoint.hostname"), "destination")
        number(fields, "source.port", "src_endpoint.port")
        number(fields, "http.response.status_code", "http_response.code")
        number(fields, "http.response.body.bytes", "http_response.length")
        self._target(fields)
        milliseconds = fields.get("event.duration")
        if isinstance(milliseconds, int):
            fields["event.duration"] = milliseconds * _MILLIONS
        ended = _OUTCOMES.get(text(fields, "status_id"))
        if ended:
            fields["event.outcome"] = ended
        category, _ = _CLASSES.get(text(fields, "class_uid"), ("", ""))
        if category:
            fields["event.category"] = [category]

    def _target(self, fields: dict[str, Value]) -> None:
        path = text(fields, "http_request.url.path")
        query = text(fields, "http_request.url.query_string")
        whole = text(fields, "http_request.url.url_string")
        if path:
            fields.update(target_fields(f"{path}?{query.lstrip('?')}" if query else path))
        elif whole:
            fields.update(target_fields(whole))

    def logsource_of(self, fields: dict[str, Value]) -> LogSource:
        """Return ``webserver`` for HTTP activity, so that web rules read it."""
        number_ = text(fields, "class_uid")
        _, service = _CLASSES.get(number_, ("", ""))
        category = "webserver" if number_ == _HTTP else ""
        return LogSource(category=category, product="ocsf", service=service)
