"""Comma- or semicolon-separated rows under a header line; names are the header's own.

Rows are lines: a value may be quoted and hold separators (RFC 4180), but not a line break; such
a row is unparsed, and said to be. The header opens each batch and each file.
"""

from __future__ import annotations

import csv
import re
from typing import ClassVar, Self

from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.domain.event import LogSource, Value

_NAME = re.compile(r"[A-Za-z_@][\w.@ -]{0,63}")
_SEPARATORS = (",", ";", "\t")


class CsvRows:
    """``csv``: the first line names the columns."""

    name = "csv"
    title = "CSV under a header line"
    logsource: ClassVar[LogSource] = LogSource()

    def __init__(self) -> None:
        self._header: list[str] | None = None
        self._separator = ","

    def claims(self, line: str) -> bool:
        """Look for a separator."""
        return any(separator in line for separator in _SEPARATORS)

    def fresh(self) -> Self:
        """Return a parser that waits for its header."""
        return type(self)()

    def parse(self, line: str) -> Parsed | Unparsed | None:
        """Read one row; None for the header. An empty value is an absent field."""
        if self._header is None:
            return self._read_header(line)
        row = _split(line, self._separator)
        if row is None:
            return Unparsed("a quoted value has no end on its line")
        if row == self._header:
            return None
        if len(row) != len(self._header):
            return Unparsed(f"{len(row)} columns where the header has {len(self._header)}")
        fields: dict[str, Value] = {
            name: value for name, value in zip(self._header, row, strict=True) if value
        }
        return Parsed(fields) if fields else Unparsed("every column is empty")

    def _read_header(self, line: str) -> Unparsed | None:
        text = line.removeprefix("\ufeff")
        for separator in _SEPARATORS:
            names = _split(text, separator)
            if names is None or len(names) < 2 or len(set(names)) != len(names):  # noqa: PLR2004
                continue
            if all(_NAME.fullmatch(name) for name in names):
                self._header, self._separator = names, separator
                return None
        return Unparsed("no header line: column names, each once, separated by , ; or tab")


def _split(line: str, separator: str) -> list[str] | None:
    if '"' not in line:
        return line.split(separator)
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
