"""OTLP's JSON encoding: protobuf's, but for ids in hex ("JSON Protobuf Encoding" of OTLP 1.x)."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

from sentinel.collect.body import BadBody
from sentinel.collect.inputs.otlp_records import EMPTY, Record, Rejected

_HEX = re.compile(r"[0-9a-fA-F]*")
_MALFORMED = Rejected("a record that is not of the protocol's form")
_NESTED = "too deeply nested"


def decode(body: bytes) -> list[Record | Rejected]:
    """Return the records of an export request; a malformed one alone is rejected.

    Raises BadBody where the request as a whole is none.
    """
    try:
        request = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadBody("not an export request in JSON") from error
    except RecursionError as error:
        raise BadBody(_NESTED) from error
    records: list[Record | Rejected] = []
    try:
        for resource_logs in _list(request, "resourceLogs"):
            resource = _attributes(_object(resource_logs, "resource"))
            for scope_logs in _list(resource_logs, "scopeLogs"):
                scope = _object(scope_logs, "scope")
                outer = resource | _attributes(scope)
                if scope.get("name"):
                    outer = {**outer, "log.logger": str(scope["name"])}
                records += [_record(log, outer) for log in _list(scope_logs, "logRecords")]
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise BadBody("not an export request in JSON") from error
    return records


def _record(log: Any, outer: dict[str, Any]) -> Record | Rejected:
    try:
        body = _value(log.get("body"))
        attributes = _attributes(log)
        if body is None and not attributes:
            return EMPTY
        return Record(
            time_ns=_int(log.get("timeUnixNano")),
            observed_ns=_int(log.get("observedTimeUnixNano")),
            severity=_int(log.get("severityNumber")),
            severity_text=_text(log.get("severityText")),
            body=body,
            attributes=attributes,
            outer=outer,
            trace_id=_id(log.get("traceId"), 32),
            span_id=_id(log.get("spanId"), 16),
            event_name=_text(log.get("eventName")),
        )
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return _MALFORMED


def _attributes(owner: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value")) for pair in _list(owner, "attributes")}


def _value(value: Any) -> Any:
    if not value:
        return None
    ((kind, inner),) = value.items()
    return _READERS[kind](inner)


def _number(value: Any) -> float | str:
    number = float(value)  # "NaN" and "Infinity" too
    return number if math.isfinite(number) else str(value)


def _array(value: Any) -> list[Any]:
    return [_value(item) for item in _list(value, "values")]


def _pairs(value: Any) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value")) for pair in _list(value, "values")}


def _hex(value: Any) -> str:
    return base64.b64decode(value, validate=True).hex()


def _int(value: Any) -> int:
    """Return a number that JSON may write as text: 64 bits do not fit a double."""
    return int(value) if value is not None else 0


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    return value


def _id(value: Any, digits: int) -> str:
    text = _text(value)
    if text and (len(text) != digits or not _HEX.fullmatch(text)):
        raise binascii.Error
    return text.lower()


def _list(owner: dict[str, Any], name: str) -> list[Any]:
    found = owner.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise TypeError(name)
    return found


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    found = owner.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TypeError(name)
    return found


_READERS: dict[str, Callable[[Any], Any]] = {
    "stringValue": _text,
    "boolValue": bool,
    "intValue": _int,
    "doubleValue": _number,
    "arrayValue": _array,
    "kvlistValue": _pairs,
    "bytesValue": _hex,
}
