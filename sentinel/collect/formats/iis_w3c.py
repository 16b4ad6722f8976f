"""IIS in W3C extended format (https://www.w3.org/TR/WD-logfile.html).

``#Fields:`` names the columns of the lines that follow, and may be declared anew at any line, so
it is the state of one file or batch. Values hold ``+`` for a space and ``-`` for nothing;
other writers of the format quote them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar, Self

from sentinel.collect.formats.base import Parsed, Unparsed, web_source
from sentinel.collect.formats.json_dialect import address
from sentinel.collect.formats.web import is_ip, whole_number
from sentinel.domain.event import LogSource, Value

_NAMES = {
    "cs-username": "user.name",
    "cs-method": "http.request.method",
    "cs-uri-stem": "url.path",
    "cs-uri-query": "url.query",
    "cs(user-agent)": "user_agent.original",
    "cs(referer)": "http.request.referrer",
    "cs(cookie)": "http.request.cookies",
    "cs-host": "url.domain",
    "s-computername": "host.name",
    "s-sitename": "iis.site",
    "s-ip": "server.ip",
    "x-forwarded-for": "network.forwarded_ip",
}
_NUMBERS = {
    "sc-status": "http.response.status_code",
    "sc-substatus": "iis.sub_status",
    "sc-win32-status": "iis.win32_status",
    "sc-bytes": "http.response.bytes",
    "cs-bytes": "http.request.bytes",
    "s-port": "server.port",
}
_PLUS_IS_SPACE = frozenset({"cs(user-agent)", "cs(referer)", "cs(cookie)", "cs-username"})
_COLUMNS = 128
_DIRECTIVE = re.compile(r"#[A-Za-z-]{1,32}:")
_TOKEN = re.compile(r'"([^"]*(?:""[^"]*)*)"|(\S+)')  # of writers other than IIS


class IisW3c:
    """The log of one site."""

    name: ClassVar[str] = "iis_w3c"
    title: ClassVar[str] = "IIS, W3C extended"
    logsource: ClassVar[LogSource] = web_source("iis")

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._day = ""

    def claims(self, line: str) -> bool:
        """Claim directives, and lines while columns are declared."""
        return line.startswith("#") or bool(self._columns)

    def fresh(self) -> Self:
        """Return a parser that waits for its ``#Fields:``."""
        return type(self)()

    def parse(self, line: str) -> Parsed | Unparsed | None:
        """Read one line; None for a directive."""
        if line.startswith("#"):
            return self._directive(line)
        if not self._columns:
            return Unparsed("no #Fields: directive before the line")
        values = line.split(" ")
        if len(values) != len(self._columns):
            values = _tokens(line)
        if len(values) != len(self._columns):
            return Unparsed(f"{len(values)} columns where #Fields: names {len(self._columns)}")
        row = {
            name: value
            for name, value in zip(self._columns, values, strict=True)
            if value not in ("-", "")
        }
        day = row.pop("date", row.pop("date-local", self._day))
        time = _time(day, row.pop("time", row.pop("time-local", "")))
        if time is None:
            return Unparsed("no date and time")
        return Parsed(_fields(row), time, self.logsource)

    def _directive(self, line: str) -> Unparsed | None:
        name, _, text = line[1:].partition(":")
        match name.strip().lower():
            case "fields":
                columns = text.lower().split()
                if not columns or len(columns) > _COLUMNS or len(set(columns)) != len(columns):
                    self._columns = []
                    return Unparsed("#Fields: names no column, or one twice, or too many")
                self._columns = columns
            case "date":
                self._day = text.strip()[: len("2026-01-24")]
            case _ if not _DIRECTIVE.match(line):
                return Unparsed("no directive of the W3C extended format")
        return None


def _tokens(line: str) -> list[str]:
    return [plain or quoted.replace('""', '"') for quoted, plain in _TOKEN.findall(line)]


def _fields(row: dict[str, str]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for name, value in row.items():
        text = value.replace("+", " ") if name in _PLUS_IS_SPACE else value
        if name == "c-ip":
            address(fields, value)
        elif name in _NAMES:
            fields[_NAMES[name]] = text
        elif name in _NUMBERS:
            number = whole_number(value)
            fields[_NUMBERS[name] if number is not None else f"iis.{name}"] = (
                value if number is None else number
            )
        elif name == "time-taken":
            fields["event.duration"] = (whole_number(value) or 0) * 1_000_000
        elif name == "cs-version":
            fields["http.version"] = value.removeprefix("HTTP/")
        else:
            fields[f"iis.{name}"] = value
    if "server.ip" in fields and not is_ip(str(fields["server.ip"])):
        fields["server.domain"] = fields.pop("server.ip")
    path = fields.get("url.path")
    if path is not None:
        query = fields.get("url.query")
        fields["url.original"] = f"{path}?{query}" if query else path
    return fields


@lru_cache(maxsize=8192)
def _time(day: str, clock: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        return None
