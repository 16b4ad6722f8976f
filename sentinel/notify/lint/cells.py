"""Tables of labels and values in a page: which label stands beside an empty cell."""

from __future__ import annotations

from collections.abc import Iterator

_CELLS = frozenset({"td", "th", "dd", "dt"})
_LONGEST_LABEL = 60
_PAIR = 2


class Cells:
    """Fed with the elements and the text of a page, it tells the labels without a value.

    A table of another form than label and value, or one that only sets the page, has empty cells by
    right: a label counts when it ends in a colon, or when another row of the page fills its value.
    """

    def __init__(self) -> None:
        self._rows: list[list[list[str]]] = []
        self._at: list[int] = []
        self._open = False

    def begin(self, tag: str, offset: int) -> None:
        """Note where an element begins."""
        if tag in {"tr", "dt"}:
            self._rows.append([])
            self._at.append(offset)
        if tag in _CELLS and self._rows:
            self._rows[-1].append([])
            self._open = True
        elif tag == "img" and self._open:
            self._rows[-1][-1].append("img")

    def end(self, tag: str) -> None:
        """Note where an element ends."""
        if tag in _CELLS:
            self._open = False

    def text(self, text: str) -> None:
        """Take what is seen."""
        if self._open:
            self._rows[-1][-1].append(text)

    def hollow(self) -> Iterator[tuple[str, int]]:
        """Give each label whose value is empty, with the offset of its row in the page."""
        rows = [[" ".join("".join(cell).split()) for cell in row] for row in self._rows]
        filled = any(len(row) == _PAIR and all(row) for row in rows)
        for row, at in zip(rows, self._at, strict=True):
            if len(row) != _PAIR or row[1] or not 0 < len(row[0]) <= _LONGEST_LABEL:
                continue
            if row[0].endswith(":") or filled:
                yield row[0], at
