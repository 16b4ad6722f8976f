"""Rows of a customer table, whatever its columns are called, into entries of the directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from sentinel.domain.directory import DirectoryEntry
from sentinel.errors import UnusableRow, UsageError

FIELDS = ("id", "name", "email", "address", "language", "closed")
DEFAULT: Mapping[str, tuple[str, ...]] = {name: (name,) for name in FIELDS}
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+")
_YES, _NO = ("1", "true", "yes", "y", "oui", "closed"), ("", "0", "false", "no", "n", "non", "open")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\b.*")
_MOST = 1000  # characters of a value

Row = tuple[str, Mapping[str, object]]  # where, cells


def read_mapping(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each field. ``given``: ``address=street+postcode+city``.

    What is not given keeps its own name. Raises UsageError.
    """
    mapping = dict(DEFAULT)
    for one in given:
        field, equals, columns = one.partition("=")
        names = tuple(name.strip() for name in columns.split("+") if name.strip())
        if field not in FIELDS or not equals or not names:
            raise UsageError(f"{one!r} maps nothing", hint=f"FIELD=COLUMN, of {', '.join(FIELDS)}")
        mapping[field] = names
    return mapping


def read_entries(
    rows: Iterable[Row],
    mapping: Mapping[str, tuple[str, ...]],
    pseudonym: Callable[[str], str],
) -> Iterator[DirectoryEntry]:
    """Yield the entries of ``rows``. Raises UnusableRow, which names the line, never the value.

    A column that was mapped must be there; a person named twice, or without an identifier, an
    e-mail address that is none, or an unknown word for "closed", is an error: letters depend on it.
    """
    seen: set[str] = set()
    for where, cells in rows:
        identity = _value(cells, mapping["id"], "id", where, needed=True)
        if not identity:
            raise UnusableRow("the identifier is empty", where=where)
        name = pseudonym(identity)
        if name in seen:
            raise UnusableRow("the same identifier stands twice", where=where)
        seen.add(name)
        yield DirectoryEntry(
            pseudonym=name,
            name=_of(cells, mapping, "name", where),
            email=_email(_of(cells, mapping, "email", where), where),
            address=_of(cells, mapping, "address", where, joint="\n"),
            language=_language(_of(cells, mapping, "language", where)),
            closed=_closed(_of(cells, mapping, "closed", where), where),
        )


def _of(
    cells: Mapping[str, object],
    mapping: Mapping[str, tuple[str, ...]],
    field: str,
    where: str,
    *,
    joint: str = " ",
) -> str:
    columns = mapping[field]
    needed = columns != DEFAULT[field]
    return _value(cells, columns, field, where, needed=needed, joint=joint)


def _value(
    cells: Mapping[str, object],
    columns: tuple[str, ...],
    field: str,
    where: str,
    *,
    needed: bool,
    joint: str = " ",
) -> str:
    parts = []
    for column in columns:
        if column not in cells:
            if needed:
                hint = f"--map {field}=COLUMN"
                raise UnusableRow(f"there is no column {column}", where=where, hint=hint)
            continue
        value = cells[column]
        text = "" if value is None else str(value).strip()
        if len(text) > _MOST:
            raise UnusableRow(f"{field} is longer than {_MOST} characters", where=where)
        parts.append(text)
    return joint.join(part for part in parts if part)


def _email(text: str, where: str) -> str:
    if text and not _EMAIL.fullmatch(text):
        raise UnusableRow("email is no e-mail address", where=where)
    return text


def _language(text: str) -> str:
    """Return ``fr`` or ``en``; empty where it is neither: letters then go out in French."""
    code = text[:2].lower()
    return code if code in ("fr", "en") else ""


def _closed(text: str, where: str) -> bool:
    word = text.lower()
    if word in _YES or _DAY.fullmatch(word):  # the day on which it was closed
        return True
    if word in _NO:
        return False
    raise UnusableRow(
        "closed is neither yes nor no", where=where, hint=f"one of {', '.join((*_YES, *_NO[1:]))}"
    )
