"""The columns of one route, read from raw lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from sentinel.detect.fast.column import UNTOLD
from sentinel.detect.fast.plan import Candidates, Plan
from sentinel.detect.fast.witness import WHOLE_EVENT
from sentinel.detect.rules.fields import MISSING, flatten

# What an object inside the line's object looks like; inside a text it is a false alarm.
NESTED: Final = (b":{", b",{", b"[{")


class RowReader:
    """Reads from lines what the witnesses of a plan need, and follows the plan's new choices."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._choice = 0
        self._fields: tuple[str, ...] = ()
        self._decode: Callable[[bytes], Any] = _no_field
        self._whole = msgspec.json.Decoder(dict[str, Any]).decode

    def candidates(self, lines: Sequence[bytes]) -> Candidates:
        """Return the candidates of each line, those without a witness included.

        A line that cannot be read in full names every rule: its decoding will tell.
        """
        plan = self.plan
        if self._choice != plan.choices:
            self._follow()
        if not plan.rules:
            return {}
        try:
            rows = list(map(self._decode, lines)) if self._fields else []
        except msgspec.MsgspecError:
            everything = set(range(len(plan.rules)))
            return dict.fromkeys(range(len(lines)), everything)
        found: Candidates = {}
        columns = {
            field: list(map(attrgetter(f"f{at}"), rows)) for at, field in enumerate(self._fields)
        }
        for field, column in plan.columns.items():
            for row, numbers in column.fire(columns[field]) if field != WHOLE_EVENT else ():
                found.setdefault(row, set()).update(numbers)
        plan.watch(columns.__getitem__, found)
        if WHOLE_EVENT in plan.columns:
            self._keywords(lines, found)
        plan.count(len(lines), found)
        for row in range(len(lines)) if plan.always else ():
            found.setdefault(row, set()).update(plan.always)
        return found

    def _keywords(self, lines: Sequence[bytes], found: Candidates) -> None:
        """Search the raw lines, where they spell their values as they are."""
        column = self.plan.columns[WHOLE_EVENT]
        for row, numbers in column.fire_texts([line.decode("utf-8", "replace") for line in lines]):
            found.setdefault(row, set()).update(numbers)
        if not _is_odd(b"\n".join(lines), len(lines)):
            return
        odd = [row for row, line in enumerate(lines) if _is_odd(line, 1)]
        values: list[Any] = []
        for row in odd:
            try:
                values.append([*flatten(list(self._whole(lines[row]).values()))])
            except msgspec.MsgspecError:
                values.append(UNTOLD)
        for place, numbers in column.fire(values):
            found.setdefault(odd[place], set()).update(numbers)

    def _follow(self) -> None:
        """Make the struct that reads the columns of the plan's latest choice."""
        watched = (key for watch in self.plan.watches for key in watch.keys)
        fields = dict.fromkeys((*self.plan.columns, *watched))
        self._fields = tuple(field for field in fields if field != WHOLE_EVENT)
        names = [
            (f"f{at}", Any, msgspec.field(default=MISSING, name=field))
            for at, field in enumerate(self._fields)
        ]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Row", names, gc=False)).decode
        self._choice = self.plan.choices


def _is_odd(raw: bytes, lines: int) -> bool:
    """Tell whether values may be spelt otherwise than they are: an escape, an object."""
    if b"\\u" in raw and b"\\u" in raw.replace(rb"\\", b""):  # not the backslash of a path
        return True
    if raw.count(b"{") == lines:
        return False
    packed = raw.translate(None, b" \t\r\n")
    return NESTED[0] in packed or NESTED[1] in packed or NESTED[2] in packed


def _no_field(_line: bytes) -> None:
    return None
