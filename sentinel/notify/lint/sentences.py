"""A letter cut into sentences: the smallest thing that a rule judges."""

from __future__ import annotations

import re

import msgspec

from sentinel.notify.lint.fold import Folded

_ITEM = re.compile(r"\s*(?:[-*•·–—>]|\(?(?:\d{1,2}|[a-h])[.)°])\s+")
_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)")
_SHORT = 50  # a line that ends before this was ended on purpose, not wrapped
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"'])(?:m|mm|mr|mrs|ms|mme|mlle|dr|me|pr|st|ste|no|nos|tel|fig|art|cf|etc|env|e\.g|i\.e"
    r"|[a-z]|p\.m|a\.m|approx|ext|bd|av|vol|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|janv|fev)\.$"
)
_NEXT_MAY_BEGIN = re.compile(r"\s+[\"'(]*(?:[a-z0-9]|$)")


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """``text``: folded, white space as single spaces; ``start``/``end``: in the folded letter.

    ``item``: it is an item of a list. ``paragraph``: number of its paragraph, from 0.
    ``shift[i]``: index in the folded letter of the character ``i`` of ``text``.
    """

    text: str
    start: int
    end: int
    paragraph: int
    item: bool
    shift: tuple[int, ...]


def split(folded: Folded, original: str, begin: int = 0, *, wrapped: bool = True) -> list[Sentence]:
    """Return the sentences from ``begin`` (an index of the folded text) to the end.

    ``wrapped``: a long line may go on in the next, as in plain text.
    """
    found: list[Sentence] = []
    paragraph = 0
    for start, end, item, new in _units(folded.text, begin, wrapped=wrapped):
        paragraph += new and bool(found)
        found += [
            _sentence(folded.text, first, last, paragraph, item=item)
            for first, last in _cut(folded, original, start, end)
        ]
    return [one for one in found if re.search(r"\w", one.text)]


def _units(text: str, begin: int, *, wrapped: bool) -> list[tuple[int, int, bool, bool]]:
    """Return stretches between line ends that were meant: start, end, list item, new paragraph."""
    units: list[tuple[int, int, bool, bool]] = []
    start: int | None = None
    item = new = False
    at = begin
    before = ""
    for line in text[begin:].split("\n"):
        stripped = line.strip()
        marked = _ITEM.match(line) is not None
        goes_on = (
            wrapped
            and start is not None
            and stripped
            and not marked
            and len(before) >= _SHORT
            and not before.endswith((".", "!", "?", ":", ";"))
        )
        if start is not None and not goes_on:
            units.append((start, at - 1, item, new))
            start, new = None, False
        if not stripped:
            new = True
        elif start is None:
            start, item = at, marked
        before = stripped
        at += len(line) + 1
    if start is not None:
        units.append((start, len(text), item, new))
    return units


def _cut(folded: Folded, original: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts: list[tuple[int, int]] = []
    first = start
    stretch = folded.text[start:end]
    marker = _ITEM.match(stretch)
    for match in _END.finditer(stretch, marker.end() if marker else 0):
        stop = start + match.end()
        if _ABBREVIATED.search(folded.text[first : start + match.start() + 1]):
            continue
        rest = original[folded.at[stop] :].lstrip("\"'«»“”( \u00a0\u202f\n\t")
        if rest[:1].islower():
            continue
        cuts.append((first, stop))
        first = stop
    cuts.append((first, end))
    return cuts


def _sentence(text: str, start: int, end: int, paragraph: int, *, item: bool) -> Sentence:
    out: list[str] = []
    shift: list[int] = []
    for index in range(start, end):
        character = " " if text[index].isspace() else text[index]
        if character == " " and (not out or out[-1] == " "):
            continue
        out.append(character)
        shift.append(index)
    return Sentence(
        text="".join(out).rstrip(),
        start=shift[0] if shift else start,
        end=end,
        paragraph=paragraph,
        item=item,
        shift=(*shift, end),
    )
