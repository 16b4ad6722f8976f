"""The columns of one route, read from raw lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final

import msgspec

from sentinel.detect.fast.column import UNTOLD
from sentinel.detect.fast.plan import Candidates, Plan
from sentinel.detect.fast.raw import RawHits, raw_scanner
from sentinel.detect.fast.sieve import LEAST, Sieve, make_sieve
from sentinel.detect.fast.witness import WHOLE_EVENT
from sentinel.detect.rules.fields import MISSING

# What decoding a line may raise; the last where it nests too deep.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class RowReader:
    """Reads from lines what the witnesses of a plan need, and follows the plan's new choices."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._choice = 0
        self._fields: tuple[str, ...] = ()
        self._raw: Callable[[Sequence[bytes]], RawHits] | None = None
        self._sieve: Sieve | None = None
        self._tried = False
        self._getters: dict[str, Callable[[Any], Any]] = {}
        self._decode: Callable[[bytes], Any] = _no_field
        self._empty: Any = None
        self._whole = msgspec.json.Decoder(dict[str, Any]).decode

    def candidates(self, lines: Sequence[bytes]) -> Candidates:
        """Return the candidates of each line, those without a witness included.

        A line that cannot be read names every rule: its decoding in full will tell.
        """
        plan = self.plan
        if self._choice != plan.choices:
            self._follow()
        if self._sieve is None and not self._tried and len(lines) >= LEAST:
            self._tried = True
            if not plan.always and not plan.watches:
                self._sieve = make_sieve(plan.branches, lines)
        if not plan.rules:
            return {}
        if self._sieve is None or not self._sieve.worth_while:
            return self._read(lines)
        rows = self._sieve.passing(lines)
        plan.pass_over(len(lines) - len(rows))
        found = self._read([lines[row] for row in rows]) if rows else {}
        return {rows[place]: numbers for place, numbers in found.items()}

    def _read(self, lines: Sequence[bytes]) -> Candidates:
        plan = self.plan
        rows, unread = self._rows(lines) if self._fields else ([], [])
        column = cache(lambda field: list(map(self._getters[field], rows)))
        found = plan.candidates(len(lines), column, lambda: self._keywords(lines))
        for row in range(len(lines)) if plan.always else ():
            found.setdefault(row, set()).update(plan.always)
        for row in unread:
            found[row] = set(range(len(plan.rules)))
        return found

    def _rows(self, lines: Sequence[bytes]) -> tuple[list[Any], list[int]]:
        """Decode lines, and name those that cannot be read, which have an empty row."""
        try:
            return list(map(self._decode, lines)), []
        except UNREADABLE:
            rows: list[Any] = []
            unread: list[int] = []
        for row, line in enumerate(lines):
            try:
                rows.append(self._decode(line))
            except UNREADABLE:
                rows.append(self._empty)
                unread.append(row)
        return rows, unread

    def _keywords(self, lines: Sequence[bytes]) -> Iterator[tuple[int, Collection[int]]]:
        """Search the raw lines, where they spell their values as they are."""
        column = self.plan.columns[WHOLE_EVENT]
        if self._raw is None:
            self._raw = raw_scanner(column.needles)
        hits, odd = self._raw(lines)
        for row, needle in hits:
            yield row, column.clauses[needle]
        values: list[Any] = []
        for row in odd:
            try:
                values.append(list(self._whole(lines[row]).values()))
            except UNREADABLE:
                values.append(UNTOLD)
        if odd:
            yield from column.fire_all(values, odd)

    def _follow(self) -> None:
        """Make the struct that reads the columns of the plan's latest choice."""
        self._fields = tuple(field for field in self.plan.reads if field != WHOLE_EVENT)
        if all(map(_can_be_named, self._fields)):
            self._getters = {field: attrgetter(f"f{at}") for at, field in enumerate(self._fields)}
            names = [
                (f"f{at}", Any, msgspec.field(default=MISSING, name=field))
                for at, field in enumerate(self._fields)
            ]
            self._decode = msgspec.json.Decoder(msgspec.defstruct("Row", names, gc=False)).decode
        else:
            self._getters = {field: partial(_item, field) for field in self._fields}
            self._decode = self._whole
        self._empty = self._decode(b"{}")
        self._raw = self._sieve = None
        self._tried = False
        self._choice = self.plan.choices


def _can_be_named(field: str) -> bool:
    """Tell whether a struct may name the field: it takes no character that JSON escapes."""
    return field.isprintable() and "\\" not in field and '"' not in field


def _item(field: str, row: dict[str, Any]) -> Any:
    return row.get(field, MISSING)


def _no_field(_line: bytes) -> None:
    return None
