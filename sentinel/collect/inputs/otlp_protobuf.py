"""OTLP's protobuf encoding, by the message classes of the extra ``otlp``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sentinel.collect.body import BadBody
from sentinel.collect.inputs.otlp_records import EMPTY, Record, Rejected
from sentinel.errors import MissingExtra

_KINDS = ("string_value", "bool_value", "int_value", "double_value")
_DEEPEST = 64
_SEVEN_BITS = 0x7F


def decode(body: bytes) -> list[Record | Rejected]:
    """Return the records of an ``ExportLogsServiceRequest``. Raises BadBody, MissingExtra."""
    try:
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
            ExportLogsServiceRequest,
        )
    except ImportError as error:
        raise MissingExtra(
            "protobuf over OTLP needs the extra otlp; OTLP in JSON works without",
            hint="pip install 'sentinel-rgpd[otlp]'",
        ) from error
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise BadBody("not an ExportLogsServiceRequest in protobuf") from error
    records: list[Record | Rejected] = []
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            outer = resource | _attributes(scope_logs.scope.attributes)
            if scope_logs.scope.name:
                outer = {**outer, "log.logger": scope_logs.scope.name}
            records += [_record(log, outer) for log in scope_logs.log_records]
    return records


def partial_success(rejected: int, message: str) -> bytes:
    """Return an ``ExportLogsServiceResponse``; empty where nothing was rejected."""
    if not rejected:
        return b""
    text = message.encode()
    inner = b"\x08" + varint(rejected) + b"\x12" + varint(len(text)) + text
    return b"\x0a" + varint(len(inner)) + inner


def varint(value: int) -> bytes:
    """Return a base 128 varint (Protocol Buffers, "Encoding")."""
    out = bytearray()
    while value > _SEVEN_BITS:
        out.append(value & _SEVEN_BITS | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _record(log: Any, outer: dict[str, Any]) -> Record | Rejected:
    body = _value(log.body)
    attributes = _attributes(log.attributes)
    if body is None and not attributes:
        return EMPTY
    return Record(
        time_ns=log.time_unix_nano,
        observed_ns=log.observed_time_unix_nano,
        severity=log.severity_number,
        severity_text=log.severity_text,
        body=body,
        attributes=attributes,
        outer=outer,
        trace_id=log.trace_id.hex(),
        span_id=log.span_id.hex(),
        event_name=getattr(log, "event_name", ""),
    )


def _attributes(pairs: Iterable[Any], depth: int = 0) -> dict[str, Any]:
    return {pair.key: _value(pair.value, depth) for pair in pairs}


def _value(value: Any, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind in _KINDS:
        return getattr(value, kind)
    if kind is None or depth > _DEEPEST:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, depth + 1)
    return value.bytes_value.hex() if kind == "bytes_value" else None
