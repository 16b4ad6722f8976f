"""Which formats there are, and which one a sample of lines is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentinel.collect.formats.auth import AuthLog
from sentinel.collect.formats.base import Format, Parsed
from sentinel.collect.formats.combined import ApacheCommon, NginxCombined
from sentinel.collect.formats.csv_rows import CsvRows
from sentinel.collect.formats.json_object import Ecs, JsonObject
from sentinel.collect.formats.nginx_json import NginxJson
from sentinel.errors import UsageError

AUTO = "auto"


def all_formats() -> dict[str, Format]:
    """Return every format by name, the most specific first."""
    formats: tuple[Format, ...] = (
        NginxCombined(),
        ApacheCommon(),
        AuthLog(),
        NginxJson(),
        Ecs(),
        JsonObject(),
        CsvRows(),
    )
    return {fmt.name: fmt for fmt in formats}


def format_named(name: str) -> Format:
    """Return the format ``name``. Raises UsageError that lists the names."""
    formats = all_formats()
    if name not in formats:
        raise UsageError(
            f"no format is called {name!r}", hint="formats: " + ", ".join([AUTO, *formats])
        )
    return formats[name]


def detect_format(
    sample: Sequence[str], candidates: Iterable[Format] | None = None
) -> Format | None:
    """Return the format that reads most lines of ``sample``; None where none reads a line.

    Between equals the first candidate wins, by default the more specific: an nginx line before
    any JSON object before CSV.
    """
    best: Format | None = None
    most = 0
    for fmt in all_formats().values() if candidates is None else candidates:
        parser = fmt.fresh()
        read = sum(isinstance(parser.parse(line), Parsed) for line in sample)
        if read > most:
            best, most = fmt, read
    return best
