"""Business facts from files, for `sentinel scan --facts`.

CSV with a header (our columns, or one file per kind named ``<kind>.csv``), JSON (an array of
objects) and NDJSON. A column that means nothing here is an error: facts decide who is suspected,
so none is dropped or guessed in silence.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from sentinel.detect.scope.facts import is_yes, parse_instant
from sentinel.domain.scope import Fact
from sentinel.errors import ContentError, UnreadableFile
from sentinel.ids import digest_id

COLUMNS = {
    "kind": "kind",
    "id": "id",
    "customer": "subject",
    "subject": "subject",
    "staff": "actor",
    "user": "actor",
    "actor": "actor",
    "team": "team",
    "category": "category",
    "opened_by": "opened_by",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "recorded_at": "recorded_at",
    "retracted": "retracted",
}
INSTANTS = ("valid_from", "valid_to", "recorded_at")
SUFFIXES = (".csv", ".json", ".ndjson", ".jsonl")

_Row = tuple[str, Mapping[str, Any]]  # where, cells


def load_facts(source: Path) -> list[Fact]:
    """Return the facts of a folder's files, by file name, or of one file.

    Raises ContentError with ``where`` = file:line, UnreadableFile.
    """
    if source.is_dir():
        paths = sorted(path for path in source.iterdir() if path.suffix in SUFFIXES)
        if not paths:
            wanted = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
            raise ContentError("no facts in this folder", where=str(source), hint=wanted)
    else:
        paths = [source]
    return [fact_of(where, cells, path.stem) for path in paths for where, cells in rows_of(path)]


def rows_of(path: Path) -> Iterator[_Row]:
    """Yield where each row of a file stands, and its cells. Raises as `load_facts` does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = str(getattr(error, "strerror", None) or "not UTF-8 text")
        raise UnreadableFile(reason, where=str(path)) from error
    if path.suffix == ".csv":
        return _csv_rows(path, text)
    if path.suffix == ".json":
        return _json_rows(path, text)
    return _ndjson_rows(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[_Row]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise ContentError("the file is empty", where=f"{path}:1", hint="a header is needed")
        for row in reader:
            if not row:
                continue
            where = f"{path}:{reader.line_num}"
            if len(row) != len(header):
                raise ContentError(f"{len(row)} cells where {len(header)} are due", where=where)
            yield where, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise ContentError(f"not CSV: {error}", where=f"{path}:{reader.line_num}") from error


def _ndjson_rows(path: Path, text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, _object(_decode(line, where), where)


def _json_rows(path: Path, text: str) -> Iterator[_Row]:
    tree = _decode(text, str(path))
    if not isinstance(tree, list):
        raise ContentError("an array of facts is expected", where=f"{path}:1")
    for index, item in enumerate(tree):
        where = f"{path}:[{index}]"
        yield where, _object(item, where)


def _decode(text: str, where: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        found = re.search(r"\(byte (\d+)\)", str(error))
        at = f"byte {found[1]}" if found else "end"
        raise ContentError(f"not JSON, at {at}", where=where) from error


def _object(item: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise ContentError("an object is expected", where=where)
    return item


def fact_of(where: str, cells: Mapping[str, Any], stem: str) -> Fact:
    """Return the fact of a row; ``stem``: its kind where no column says it. Raises ContentError."""
    values: dict[str, Any] = {}
    for column, cell in cells.items():
        name = COLUMNS.get(column.strip())
        if name is None:
            hint = f"columns: {', '.join(COLUMNS)}"
            raise ContentError(f"no column is called {column.strip()!r}", where=where, hint=hint)
        if cell is not None and not isinstance(cell, str):
            raise ContentError(f"{column}: text is expected", where=where)
        values[name] = (cell or "").strip() or values.get(name, "")
    for name in INSTANTS:
        try:
            values[name] = parse_instant(values.get(name, ""))
        except (ValueError, OverflowError) as error:
            raise ContentError(
                f"{name}: not an instant", where=where, hint="as in 2026-01-02T03:04:05Z"
            ) from error
    values["retracted"] = is_yes(values.get("retracted", ""))
    values["kind"] = values.get("kind") or stem
    values["id"] = values.get("id") or _identity(values)
    if values["valid_from"] and values["valid_to"] and values["valid_to"] < values["valid_from"]:
        raise ContentError("valid_to is before valid_from", where=where)
    return Fact(**values)


def _identity(values: Mapping[str, Any]) -> str:
    """Return an identity for a fact that carries none: what it relates, and when it held."""
    bound = (str(values.get(name) or "") for name in ("kind", "subject", "actor", "team"))
    return digest_id("fact", *bound, str(values["valid_from"]), str(values["valid_to"]))
