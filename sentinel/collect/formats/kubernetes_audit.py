"""Kubernetes audit events (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/)."""

from __future__ import annotations

from typing import ClassVar

from sentinel.collect.formats.json_dialect import JsonDialect, Names, address, number, outcome, text
from sentinel.collect.formats.web import target_fields
from sentinel.domain.event import ACTOR_KIND, LogSource, Value

_BAD_REQUEST = 400  # HTTP status (RFC 9110, section 15)
_POD = "requestObject.spec"


class KubernetesAudit(JsonDialect):
    """One request to the API server."""

    name = "kubernetes_audit"
    title = "Kubernetes audit"
    logsource = LogSource(category="application", product="kubernetes", service="audit")
    marks = ("auditID", "verb", "requestURI")
    times = ("requestReceivedTimestamp", "stageTimestamp", "timestamp")
    names: ClassVar[Names] = {
        "event.action": ("verb",),
        "user.name": ("impersonatedUser.username", "user.username"),
        "user.roles": ("user.groups",),
        "user_agent.original": ("userAgent",),
        "orchestrator.namespace": ("objectRef.namespace",),
        "orchestrator.resource.type": ("objectRef.resource",),
        "orchestrator.resource.name": ("objectRef.name",),
        "apiGroup": ("objectRef.apiGroup",),
        "hostPath": (f"{_POD}.volumes.hostPath.path",),
        "capabilities": (f"{_POD}.containers.securityContext.capabilities.add",),
        "event.reason": ("annotations.authorization.k8s.io/reason", "responseStatus.reason"),
    }

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add caller, target, and what the server answered."""
        address(fields, text(fields, "sourceIPs"))
        if text(fields, "user.username").startswith("system:"):
            fields[ACTOR_KIND] = "service"
        fields.update(target_fields(text(fields, "requestURI")))
        number(fields, "http.response.status_code", "responseStatus.code")
        fields["event.category"] = ["configuration"]
        status = fields.get("http.response.status_code")
        denied = text(fields, "annotations.authorization.k8s.io/decision") == "forbid"
        if isinstance(status, int) or denied:
            outcome(fields, success=not denied and int(str(status)) < _BAD_REQUEST)
