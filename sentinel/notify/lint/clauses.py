"""What the judges of the functions share: who acts, what is only possible, what is left out."""

from __future__ import annotations

import re

from sentinel.notify.lint.words import Lexicon

NEAR = 40  # characters before a verb in which a "may" makes it a possibility
PERFECT = re.compile(r"^(?:may|might|could|would) (?:well |also )?(?:not )?have\b")
HAVE = re.compile(
    r"(?:may|might|could) have\b|\bpu\b|can be|could be"
    r"|could (?:\w+ )?(?:see|read|view|open|look)\b"
)
COULD_SEE = re.compile(r"could (?:\w+ )?(?:see|read|view|open|look)\b(?! about)")
WE = re.compile(r"\b(?:we|i|nous|j'ai|avons|on a)\b")
SUBJECT_WITHIN = 90


def first_person(text: str, words: Lexicon) -> bool:
    """Tell whether we ourselves did something in it: a measure, not what happened."""
    return any(WE.search(match[0]) for match in words.does["measure"].finditer(text))


def without(pattern: re.Pattern[str], text: str) -> str:
    """Blank what a pattern finds; places stay as they are."""
    return pattern.sub(lambda match: " " * len(match[0]), text)
