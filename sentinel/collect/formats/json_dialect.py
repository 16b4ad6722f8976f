"""What the JSON dialects share: one object a line, known by its marks, read into ECS names.

The vendor's own dotted names stay beside the ECS ones, since public Sigma rules use them. A list
of objects is also spread: ``target: [{"id": 1}]`` gives ``target.id: [1]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.json_object import read_object
from sentinel.collect.formats.times import read_time
from sentinel.collect.formats.web import is_ip, whole_number
from sentinel.domain.event import LogSource, Value, flat

_SPREAD_ITEMS = 64  # of one list; what a line of an attacker holds more is not spread
_SPREAD_DEPTH = 3
Names = Mapping[str, tuple[str, ...]]


class JsonDialect(Stateless):
    """A JSON object that carries ``marks``.

    ``names``: from an ECS name to the vendor's names, the first that holds something wins.
    ``times``: the vendor's names of the instant, in order of preference.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    marks: ClassVar[tuple[str, ...]]
    names: ClassVar[Names] = {}
    times: ClassVar[tuple[str, ...]] = ()

    def claims(self, line: str) -> bool:
        """Look for the last part of each mark, quoted, without decoding anything."""
        return line.lstrip()[:1] == "{" and all(
            f'"{mark.rpartition(".")[2]}"' in line for mark in self.marks
        )

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one object into its own names and ECS names."""
        raw = read_object(line)
        if isinstance(raw, Unparsed):
            return raw
        missing = [mark for mark in self.marks if mark not in raw]
        if missing:
            return Unparsed(f"a JSON object without {', '.join(missing)}")
        fields = {**raw, **spread(raw)}
        for target, sources in self.names.items():
            value = first(fields, sources)
            if value is not None:
                fields[target] = value
        time = self.time(raw)
        self.interpret(fields)
        return Parsed(fields, time, self.logsource_of(fields))

    def time(self, raw: dict[str, Value]) -> datetime | None:
        """Return the first instant that can be read."""
        for name in self.times:
            instant = read_time(raw.get(name))
            if instant is not None:
                return instant
        return None

    def interpret(self, fields: dict[str, Value]) -> None:
        """Add what a table of names cannot say: outcome, category, addresses."""

    def logsource_of(self, fields: dict[str, Value]) -> LogSource:  # noqa: ARG002 - others do
        """Return Sigma's log source of this object."""
        return self.logsource


def first(fields: Mapping[str, Value], names: tuple[str, ...]) -> Value:
    """Return the first value that says something; None where none does."""
    for name in names:
        value = fields.get(name)
        if value is not None and value not in ("", "-", []):
            return value
    return None


def text(fields: Mapping[str, Value], *names: str) -> str:
    """Return the first value that says something as text; else the empty text."""
    value = first(fields, names)
    if isinstance(value, list):
        value = value[0]
    return "" if value is None else str(value)


def number(fields: dict[str, Value], target: str, *names: str) -> None:
    """Put a whole number under ``target`` where the sender has one."""
    value = whole_number(first(fields, names))
    if value is not None:
        fields[target] = value


def address(fields: dict[str, Value], value: str, side: str = "source") -> None:
    """Name who calls: ``source.ip`` and ``source.port``, or ``source.domain`` for a name.

    ``192.0.2.4``, ``192.0.2.4:443``, ``2001:db8::1``, ``[2001:db8::1]:443``, ``host.example.org``.
    """
    host, port = split_port(value.strip())
    if host in ("", "-"):
        return
    fields[f"{side}.ip" if is_ip(host) else f"{side}.domain"] = host
    if port:
        fields[f"{side}.port"] = port


def split_port(value: str) -> tuple[str, int]:
    """Split an address from its port; 0 where it has none."""
    if is_ip(value):
        return value, 0
    host, colon, tail = value.rpartition(":")
    port = whole_number(tail) if colon else None
    if port is None or len(tail) > len("65535"):
        return value.strip("[]"), 0
    return host.strip("[]"), port


def outcome(fields: dict[str, Value], *, success: bool) -> None:
    """Say how it ended."""
    fields["event.outcome"] = "success" if success else "failure"


def spread(raw: Mapping[str, Value]) -> dict[str, Value]:
    """Return the members of lists of objects under dotted names, each a list of its values."""
    found: dict[str, list[Any]] = {}
    waiting = [(name, value, 0) for name, value in raw.items() if isinstance(value, list)]
    while waiting:
        name, items, depth = waiting.pop()
        for item in items[:_SPREAD_ITEMS]:
            if not isinstance(item, dict):
                continue
            for key, value in flat(item, f"{name}.").items():
                found.setdefault(key, []).extend(value if isinstance(value, list) else [value])
                if isinstance(value, list) and depth < _SPREAD_DEPTH:
                    waiting.append((key, value, depth + 1))
    return {
        name: [item for item in values if item is not None]
        for name, values in found.items()
        if name not in raw
    }
