"""A log record of OpenTelemetry as an ECS document.

Resource, scope and record attributes keep their names, which are ECS's own for the most part since
the two conventions merged; the few that differ are translated. The record wins over its scope, the
scope over its resource.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sentinel.domain.event import flat

NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 7_258_118_400 * NS  # the year 2200, beyond which no event is placed
# Log data model, "Mapping of SeverityNumber": six ranges of four.
_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
_RENAMED = {
    "client.address": "source.ip",
    "client.port": "source.port",
    "enduser.id": "user.name",
    "exception.message": "error.message",
    "exception.type": "error.type",
    "exception.stacktrace": "error.stack_trace",
    "http.response.size": "http.response.body.bytes",
    "http.user_agent": "user_agent.original",
    "http.method": "http.request.method",
    "http.status_code": "http.response.status_code",
    "http.target": "url.original",
    "network.peer.address": "source.ip",
    "url.full": "url.original",
    "user.id": "user.name",
}


class Record(msgspec.Struct, frozen=True):
    """One log record. Times in nanoseconds since 1970, 0 where unknown; ids in hex."""

    time_ns: int = 0
    observed_ns: int = 0
    severity: int = 0
    severity_text: str = ""
    body: Any = None
    attributes: dict[str, Any] = {}
    outer: dict[str, Any] = {}
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """A record that is none. ``reason`` holds none of its words."""

    reason: str


EMPTY = Rejected("a record without body and attributes")


def ecs_document(record: Record) -> dict[str, Any]:
    """Return the record under ECS names, flat."""
    document: dict[str, Any] = {}
    inside = record.body if isinstance(record.body, dict) else {}
    for attributes in (inside, record.outer, record.attributes):
        for name, value in flat(attributes).items():
            document[_RENAMED.get(name, name)] = value
    time = instant(record.time_ns or record.observed_ns)
    own = {
        "@timestamp": time.isoformat() if time else None,
        "log.level": _level(record),
        "event.severity": record.severity,
        "trace.id": record.trace_id,
        "span.id": record.span_id,
        "message": _message(record.body),
    }
    document |= {name: value for name, value in own.items() if value}
    if record.event_name:
        document.setdefault("event.action", record.event_name)
    return document


def _message(body: Any) -> str:
    if body is None or isinstance(body, dict):
        return ""
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


def instant(nanoseconds: int) -> datetime | None:
    """Return an instant, or None for 0 and for what no calendar here reaches."""
    if not 0 < nanoseconds < _LAST_NS:
        return None
    seconds, rest = divmod(nanoseconds, NS)
    return _EPOCH + timedelta(seconds=seconds, microseconds=rest // 1000)


def _level(record: Record) -> str:
    if record.severity_text:
        return record.severity_text.lower()
    if 1 <= record.severity <= 4 * len(_LEVELS):
        return _LEVELS[(record.severity - 1) // 4]
    return ""
