"""Statements that PostgreSQL's pgaudit extension logs (https://github.com/pgaudit/pgaudit).

``AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.customers,"SELECT ...",<none>`` behind the server's
``log_line_prefix`` (stderr), as a column of ``csvlog``, or as ``message`` of ``jsonlog``. A
statement with line breaks spans lines in stderr and csvlog; ``jsonlog`` keeps it whole.
"""

from __future__ import annotations

import csv
import re

from sentinel.collect.formats.base import Parsed, Stateless, Unparsed
from sentinel.collect.formats.json_dialect import address, text
from sentinel.collect.formats.json_object import read_object
from sentinel.collect.formats.sql_relations import relations
from sentinel.collect.formats.syslog_prefix import without_prefix
from sentinel.collect.formats.times import zoned_time
from sentinel.collect.formats.web import whole_number
from sentinel.domain.event import LogSource, Value

_MARK = "AUDIT: "
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [A-Z]{1,4}| ?[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_PREFIX_WORDS = (
    (
        "user.name",
        re.compile(r"(?:user=|(?<=[\s\]]))([\w.$-]{1,63})(?=@[\w.$-]{1,63}[\s:,\]])", re.ASCII),
    ),
    ("user.name", re.compile(r"\buser=([\w.@$-]{1,63})", re.ASCII)),
    ("postgresql.database", re.compile(r"(?<=@)([\w.$-]{1,63})(?=[\s:,\]])", re.ASCII)),
    ("postgresql.database", re.compile(r"\bdb=([\w.$-]{1,63})", re.ASCII)),
    ("client", re.compile(r"\b(?:client|host)=([0-9A-Fa-f.:]{2,45})", re.ASCII)),
    ("client", re.compile(r"(?<=[\s@])((?:\d{1,3}\.){3}\d{1,3})\(\d{1,5}\)", re.ASCII)),
    ("pid", re.compile(r"\[(\d{1,10})\]", re.ASCII)),
)
_PREFIX_LENGTH = 512
_COLUMNS = (
    "type",
    "statement_id",
    "substatement_id",
    "class",
    "command",
    "object_type",
    "object_name",
    "statement",
    "parameter",
)
_CSV_LEAST = 14  # columns up to and with the message
_CSV_MESSAGE = 13
_ACTIONS = {"READ": "read", "WRITE": "write", "DDL": "define", "ROLE": "grant"}


class PgAudit(Stateless):
    """One audited statement."""

    name = "pgaudit"
    title = "PostgreSQL pgaudit: stderr, csvlog, jsonlog"
    logsource = LogSource(category="audit", product="postgresql", service="pgaudit")

    def claims(self, line: str) -> bool:
        """Look for the mark."""
        return _MARK in line

    def parse(self, line: str) -> Parsed | Unparsed:
        """Read one line; what the server logs besides audit entries is unparsed."""
        if _MARK not in line:
            return Unparsed("no AUDIT: entry")
        if line.lstrip()[:1] == "{":
            return _json(line)
        columns = _rows(line) if line.count(",") >= _CSV_LEAST else None
        if columns and len(columns) >= _CSV_LEAST and columns[_CSV_MESSAGE].startswith(_MARK):
            return _csv(columns)
        return _stderr(without_prefix(line))


def _json(line: str) -> Parsed | Unparsed:
    raw = read_object(line)
    if isinstance(raw, Unparsed):
        return raw
    fields: dict[str, Value] = {}
    _put(fields, text(raw, "user"), text(raw, "dbname"), text(raw, "pid"))
    address(fields, text(raw, "remote_host"))
    if session := text(raw, "session_id"):
        fields["sentinel.session"] = session
    return _entry(fields, text(raw, "message"), text(raw, "timestamp"))


def _csv(columns: list[str]) -> Parsed | Unparsed:
    fields: dict[str, Value] = {}
    _put(fields, columns[1], columns[2], columns[3])
    address(fields, columns[4])
    if columns[5]:
        fields["sentinel.session"] = columns[5]
    return _entry(fields, columns[_CSV_MESSAGE], columns[0])


def _stderr(line: str) -> Parsed | Unparsed:
    head, _, rest = line.partition(_MARK)
    head = head[:_PREFIX_LENGTH]
    found: dict[str, str] = {}
    for name, pattern in _PREFIX_WORDS:
        match = pattern.search(head)
        if match and name not in found:
            found[name] = match[1]
    fields: dict[str, Value] = {}
    _put(
        fields,
        found.get("user.name", ""),
        found.get("postgresql.database", ""),
        found.get("pid", ""),
    )
    address(fields, found.get("client", ""))
    stamp = _STAMP.search(head)
    return _entry(fields, _MARK + rest, stamp[0] if stamp else "")


def _put(fields: dict[str, Value], user: str, database: str, pid: str) -> None:
    if user:
        fields["user.name"] = user
    if database:
        fields["postgresql.database"] = database
    if (number := whole_number(pid)) is not None:
        fields["process.pid"] = number


def _entry(fields: dict[str, Value], message: str, stamp: str) -> Parsed | Unparsed:
    values = _rows(message.removeprefix(_MARK))
    if values is None:
        return Unparsed("the statement has no end on its line; jsonlog keeps it whole")
    if len(values) < len(_COLUMNS):
        return Unparsed(f"the AUDIT: entry has {len(values)} parts of {len(_COLUMNS)}")
    for name, value in zip(_COLUMNS, values, strict=False):
        if value and value not in ("<none>", "<not logged>"):
            fields[f"pgaudit.{name}"] = value
    kind = text(fields, "pgaudit.class")
    fields["event.action"] = f"{_ACTIONS.get(kind, kind.lower())}.{values[4].lower()}".strip(".")
    fields["event.category"] = ["database"]
    fields["event.outcome"] = "success"  # pgaudit logs what the server was about to run
    named = text(fields, "pgaudit.object_name")
    touched = [named] if named else relations(text(fields, "pgaudit.statement"))
    if touched:
        fields["sentinel.relation"] = touched
    rows = whole_number(values[len(_COLUMNS)]) if len(values) > len(_COLUMNS) else None
    if rows is not None:  # pgaudit.log_rows
        fields["sentinel.record_count"] = rows
    return Parsed(fields, zoned_time(stamp) if stamp else None, PgAudit.logsource)


def _rows(line: str) -> list[str] | None:
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None
