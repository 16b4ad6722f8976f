"""The columns of one route, read from raw lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from sentinel.detect.fast.column import UNTOLD
from sentinel.detect.fast.plan import Candidates, Plan
from sentinel.detect.fast.witness import WHOLE_EVENT
from sentinel.detect.rules.fields import flatten

# An object inside the line's object; inside a text it is a false alarm.
NESTED: Final = re.compile(rb"[:,\[]\s*\{")


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
        for at, field in enumerate(self._fields):
            values = list(map(attrgetter(f"f{at}"), rows))
            for row, numbers in plan.columns[field].fire(values):
                found.setdefault(row, set()).update(numbers)
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
        odd = [row for row, line in enumerate(lines) if b"\\u" in line or NESTED.search(line)]
        if not odd:
            return
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
        self._fields = tuple(field for field in self.plan.columns if field != WHOLE_EVENT)
        names = [
            (f"f{at}", Any, msgspec.field(default=None, name=field))
            for at, field in enumerate(self._fields)
        ]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Row", names, gc=False)).decode
        self._choice = self.plan.choices


def _no_field(_line: bytes) -> None:
    return None
