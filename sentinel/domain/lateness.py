"""Why a notification came after 72 hours: the reasons that GDPR art. 33(1), second sentence asks.

A sentence proves nothing to an authority. Reasons are a ground, what happened and when, and the
evidence of it; text that is empty, repeated, or copied from another case is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

MIN_WORDS = 5
MIN_FACT_WORDS = 2
LONG_ENOUGH_TO_REPEAT = 8


class Ground(StrEnum):
    """Why it was late, in one word."""

    INVESTIGATION = "investigation"
    PROCESSOR = "processor"
    SIMILAR_BREACHES = "similar_breaches"
    PORTAL = "portal"
    ORGANISATION = "organisation"
    LAW_ENFORCEMENT = "law_enforcement"
    FORCE_MAJEURE = "force_majeure"
    OTHER = "other"


class DatedFact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, and when (UTC)."""

    at: datetime
    text: str


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """The reasons for one delay. ``evidence``: ids of what the case holds. ``at``: UTC."""

    ground: Ground
    facts: tuple[DatedFact, ...]
    evidence: tuple[str, ...]
    reasons: str
    at: datetime
    by: str


def refusal(given: Lateness, *, known: Collection[str], used: Collection[str]) -> str:
    """Return why reasons are not enough, or nothing.

    ``known``: ids of evidence that the case holds. ``used``: `plain` texts of reasons given before.
    """
    words = _words(given.reasons)
    if len(set(words)) < MIN_WORDS:
        return "it needs written reasons, in sentences"
    if _repeats(words):
        return "the reasons repeat themselves: say what happened"
    if plain(given.reasons) in used:
        return "these reasons were given before, word for word: say what happened this time"
    return _facts(given) or _evidence(given.evidence, known)


def _facts(given: Lateness) -> str:
    if not given.facts:
        return "it needs at least one dated fact"
    texts = [plain(given.reasons), *(plain(fact.text) for fact in given.facts)]
    for fact in given.facts:
        words = _words(fact.text)
        if len(set(words)) < MIN_FACT_WORDS or _repeats(words):
            return "a dated fact says what happened, in words of its own"
        if fact.at.tzinfo is None:
            return "a dated fact needs an offset or a zone"
        if fact.at > given.at:
            return "a dated fact cannot lie in the future"
    if len(set(texts)) < len(texts):
        return "the same text stands twice"
    return ""


def _evidence(named: Sequence[str], known: Collection[str]) -> str:
    if not named:
        return "it names at least one evidence, by its id"
    missing = [one for one in named if one not in known]
    return f"the case holds no evidence {missing[0][:80]}" if missing else ""


def plain(text: str) -> str:
    """Return a text without case, punctuation and spacing, to be compared."""
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    letters = (one if one.isalnum() else " " for one in text.casefold())
    return "".join(letters).split()


def _repeats(words: Sequence[str]) -> bool:
    return len(words) >= LONG_ENOUGH_TO_REPEAT and len(set(words)) * 2 < len(words)
