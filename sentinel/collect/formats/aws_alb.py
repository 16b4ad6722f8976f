"""Access log of an AWS Application Load Balancer, space-separated with quoted fields.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
New fields are only ever appended: what is not known yet is left out.
"""

from __future__ import annotations

import re

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed, web_source
from sentinel.collect.formats.json_dialect import address, split_port
from sentinel.collect.formats.times import read_time
from sentinel.collect.formats.web import request_fields, unescape, whole_number
from sentinel.domain.event import Value

_FIELD = re.compile(r'(?:"([^"\\]*(?:\\.[^"\\]*)*)"|(\S+))(?: |\Z)', re.DOTALL)
# fmt: off
_NAMES = (
    "type", "time", "elb", "client", "target", "request_processing", "target_processing",
    "response_processing", "status", "target_status", "received", "sent", "request", "agent",
    "cipher", "tls", "target_group", "trace", "domain", "certificate", "priority", "created",
    "actions", "redirect", "error", "targets", "target_statuses", "classification",
    "classification_reason", "connection",
)
# fmt: on
_LEAST = _NAMES.index("target_group")
_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_ECS = {
    "elb": "observer.name",
    "agent": "user_agent.original",
    "cipher": "tls.cipher",
    "tls": "tls.version_protocol",
    "trace": "http.request.id",
    "domain": "url.domain",
    "actions": "aws.elb.action_executed",
    "error": "aws.elb.error.reason",
    "classification": "aws.elb.classification",
}
_NUMBERS = {
    "status": "http.response.status_code",
    "received": "http.request.bytes",
    "sent": "http.response.bytes",
}


class AwsAlb(Stateless):
    """One request to a load balancer."""

    name = "aws_alb"
    title = "AWS Application Load Balancer"
    logsource = web_source("aws", "elb")

    def claims(self, line: str) -> bool:
        """Look at the first word."""
        return line.partition(" ")[0] in _TYPES

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line into ECS names."""
        values = _split(line)
        if values is None:
            return Unparsed("a quoted field has no end")
        if len(values) < _LEAST or values[0] not in _TYPES:
            return Unparsed("not the fields of a load balancer's request")
        row = {name: value for name, value in zip(_NAMES, values, strict=False) if value != "-"}
        time = read_time(row.get("time"))
        if time is None:
            return Unparsed("the time is not ISO 8601")
        fields = request_fields(unescape(row.get("request", "")).removesuffix(" -"))
        address(fields, row.get("client", ""))
        target, _ = split_port(row.get("target", ""))
        if target:
            fields["aws.elb.target"] = target
        for name, value in row.items():
            _put(fields, name, unescape(value))
        return Parsed(fields, time, self.logsource)


def _put(fields: dict[str, Value], name: str, value: str) -> None:
    if name in _ECS:
        fields[_ECS[name]] = value
    elif name in _NUMBERS and (number := whole_number(value)) is not None:
        fields[_NUMBERS[name]] = number


def _split(line: str) -> list[str] | None:
    values: list[str] = []
    position = 0
    while position < len(line):
        match = _FIELD.match(line, position)
        if match is None:
            return None
        values.append(match[2] if match[1] is None else match[1])
        position = match.end()
    return values
