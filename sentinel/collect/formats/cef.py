r"""The Common Event Format, version 0 and 1, with or without a syslog header.

``CEF:0|vendor|product|version|event class|name|severity|extension``. In the header ``\|`` and
``\\``, in the extension ``\=``, ``\\``, ``\n`` and ``\r`` are escaped. A key's own name is kept as
``cef.<key>``; ``cs1`` with ``cs1Label`` also as ``cef.label.<label>``.
"""

from __future__ import annotations

import re
from datetime import datetime

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.json_dialect import address
from sentinel.collect.formats.times import named_time, read_time
from sentinel.collect.formats.web import is_ip, target_fields, whole_number
from sentinel.domain.event import LogSource, Value

_HEADER_PART = re.compile(r"([^|\\]*(?:\\.[^|\\]*)*)\|", re.DOTALL)
_KEY = re.compile(r"(?:\A|(?<= ))([A-Za-z][\w.\[\]-]{0,63})=", re.ASCII)
_ESCAPE = re.compile(r"\\([\\=|nr])")
_ESCAPED = {"n": "\n", "r": "\r"}
_PARTS = 7
_LABEL = re.compile(
    r"((?:cs|cn|c6a|cfp|flexString|flexNumber|flexDate|deviceCustomDate)\d{1,2})Label"
)
_ECS = {
    "act": "event.action",
    "suser": "user.name",
    "duser": "user.target.name",
    "spriv": "user.roles",
    "shost": "source.domain",
    "dhost": "destination.domain",
    "dst": "destination.ip",
    "dvchost": "observer.name",
    "msg": "message",
    "reason": "event.reason",
    "requestMethod": "http.request.method",
    "requestClientApplication": "user_agent.original",
    "fname": "file.name",
    "filePath": "file.path",
    "app": "network.application",
    "proto": "network.transport",
    "externalId": "event.code",
}
_NUMBERS = {"spt": "source.port", "dpt": "destination.port", "cnt": "sentinel.record_count"}
_FAILED = frozenset({"failure", "failed", "fail", "/failure", "denied", "blocked"})


class Cef(Stateless):
    """One event of a security product."""

    name = "cef"
    title = "Common Event Format"

    def claims(self, line: str) -> bool:
        """Look for the start."""
        return "CEF:" in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one event into ECS names; the product's own keys stay beside them."""
        start = line.find("CEF:")
        if start < 0:
            return Unparsed("no CEF: header")
        header, rest = _header(line[start + len("CEF:") :])
        if len(header) < _PARTS:
            return Unparsed(f"the CEF header has {len(header)} parts of {_PARTS}")
        fields: dict[str, Value] = {
            "observer.vendor": header[1],
            "observer.product": header[2],
            "observer.version": header[3],
            "event.code": header[4],
            "event.action": header[5],
            "event.severity": whole_number(header[6]) or header[6],
        }
        keys = _extension(rest)
        _translate(keys, fields)
        time = next(
            (found for key in ("rt", "end", "start") if (found := _time(keys.get(key, "")))), None
        )
        product = re.sub(r"\W+", "_", header[2].lower()).strip("_")
        return Parsed(fields, time, LogSource(product=product, service="cef"))


def _header(text: str) -> tuple[list[str], str]:
    parts: list[str] = []
    position = 0
    while len(parts) < _PARTS:
        match = _HEADER_PART.match(text, position)
        if match is None:
            break
        parts.append(_unescape(match[1]))
        position = match.end()
    return parts, text[position:]


def _extension(text: str) -> dict[str, str]:
    """Return the keys; a value lasts until the next ``key=`` and may hold spaces."""
    found = list(_KEY.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    return {
        match[1]: _unescape(text[match.end() : end].strip())
        for match, end in zip(found, ends, strict=True)
    }


def _translate(keys: dict[str, str], fields: dict[str, Value]) -> None:
    for key, value in keys.items():
        if not value:
            continue
        fields[f"cef.{key}"] = value
        label = _LABEL.fullmatch(key)
        if label and label[1] in keys:
            fields[f"cef.label.{value}"] = keys[label[1]]
        if key in _ECS:
            fields[_ECS[key]] = value
        elif key in _NUMBERS and (number := whole_number(value)) is not None:
            fields[_NUMBERS[key]] = number
    address(fields, keys.get("src", ""))
    if "destination.ip" in fields and not is_ip(str(fields["destination.ip"])):
        fields["destination.domain"] = fields.pop("destination.ip")
    if keys.get("request"):
        fields.update(target_fields(keys["request"]))
    ended = keys.get("outcome", "").lower()
    if ended:
        fields["event.outcome"] = "failure" if ended in _FAILED else "success"


def _time(text: str) -> datetime | None:
    return (read_time(text) or named_time(text)) if text else None


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)
