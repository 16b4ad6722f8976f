"""A text as rules read it, with the way back to where each character stands.

Folded: lower case, no accents (composed or decomposed), one kind of apostrophe, quote and dash,
every white space a space or a line end, no invisible characters (zero width, soft hyphen). So a
rule written once finds ``Piratage``, ``PIRATAGE`` and a word that hides a soft hyphen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import msgspec

_SAME = {
    **dict.fromkeys("’‘ʼ′`´‛＇", "'"),
    **dict.fromkeys("“”„«»‟″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "œ": "oe",
    "Œ": "oe",
    "æ": "ae",
    "Æ": "ae",
    "ß": "ss",
    "…": "...",
    "\r": "",
}
_LINE_ENDS = {"\n", "\u2028", "\u2029", "\x0b", "\x0c", "\x85"}


class Folded(msgspec.Struct, frozen=True):
    """``at[i]``: index in the original of what gave the character ``i``; one more at the end."""

    text: str
    at: Sequence[int]


def fold(text: str) -> Folded:
    """Return ``text`` as rules read it."""
    out: list[str] = []
    at: list[int] = []
    for index, character in enumerate(text):
        folded = _character(character)
        out.append(folded)
        at += [index] * len(folded)
    at.append(len(text))
    return Folded("".join(out), at)


def plain(text: str) -> str:
    """Return the folded text alone."""
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character < "\x80":
        return "" if character == "\r" else character.lower()
    known = _SAME.get(character)
    if known is not None:
        return known
    if character in _LINE_ENDS:
        return "\n"
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in {"Cf", "Mn"}:  # zero width, soft hyphen; a combining accent
        return ""
    apart = unicodedata.normalize("NFKD", character)
    return "".join(c for c in apart if not unicodedata.combining(c)).lower()
