"""Takes identifiers out of free text: the register is shown to many, and names nobody.

What people wrote is kept but for what points at a person: known identifiers word for word, and
whatever has the shape of one. It cannot know a bare name that nobody told it; `known` brings those
of the case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

REMOVED = {"fr": "[identifiant retiré]", "en": "[identifier removed]"}
_SHAPES = (
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # e-mail
    r"\b(?:usr|sub|ip|ses|grp)_[a-z2-7]{8,}\b",  # our pseudonyms
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",  # IPv4
    r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])",  # IPv6
    r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}:?){0,6}(?![\w:])",
    r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?\b",  # IBAN
    r"\b[12]\s?\d{2}\s?\d{2}\s?\d[\dAB]\s?\d{3}\s?\d{3}(?:\s?\d{2})?\b",  # NIR
    r"(?<!\w)(?:\+\d{1,3}|0)[\s.-]?\d(?:[\s.-]?\d{2}){4}\b",  # telephone
    r"\b[A-Z]{1,3}\d{4,}\b",  # ids of customers, such as C00123
    r"\b[a-z]\.[a-z][a-z-]+\b",  # sign-in names, such as a.martin
    r"\b(?:M\.|Mme|Mlle|Madame|Monsieur|Mr|Mrs|Ms|Dr)\s"
    r"[A-ZÀ-Þ][\w’'-]*(?:\s[A-ZÀ-Þ][\w’'-]*)*",  # a person with a title
)
_SHORTEST = 3


class Bare:
    """Removes the identifiers of one house and one case."""

    def __init__(self, known: Iterable[str], language: str) -> None:
        words = sorted({one.strip() for one in known if len(one.strip()) >= _SHORTEST}, key=len)
        named = [rf"(?<!\w){re.escape(one)}(?!\w)" for one in reversed(words)]
        self._pattern = re.compile("|".join((*named, *_SHAPES)))
        self._folded = re.compile("|".join(named), re.IGNORECASE) if named else None
        self._mark = REMOVED[language]

    def __call__(self, text: str) -> str:
        """Return ``text`` without identifiers."""
        found = self._pattern.sub(self._mark, text)
        return self._folded.sub(self._mark, found) if self._folded else found
