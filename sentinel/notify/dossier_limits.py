"""What a dossier must say of when nothing was seen: the blind windows that touch the case.

GDPR art. 33(3)(a) asks for numbers "where possible": who reads them must know what they leave out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from sentinel.domain import blind_words
from sentinel.domain.blind import BlindWindow, Cause
from sentinel.notify import wording

SHOWN = 3  # intervals named for one cause and source; of more, their number and the span

_WORDS = {
    "fr": {
        "interval": "du {begin} au {end}",
        "open": "depuis le {begin}",
        "many": "{count} fois entre le {begin} et le {end}",
        "colon": "\u00a0: ",
        "source": " (source {source})",
    },
    "en": {
        "interval": "from {begin} to {end}",
        "open": "since {begin}",
        "many": "{count} times between {begin} and {end}",
        "colon": ": ",
        "source": " (source {source})",
    },
}


def limits_text(windows: Iterable[BlindWindow], language: str, now: datetime) -> list[str]:
    """Return a sentence for each cause and source, in ``fr`` or ``en``, by when it began."""
    ordered = sorted(windows, key=_kind)
    groups = [list(group) for _, group in groupby(ordered, key=_kind)]
    groups.sort(key=lambda group: min(window.begin for window in group))
    return [_sentence(group, language, now) for group in groups]


def _kind(window: BlindWindow) -> tuple[Cause, str]:
    return window.cause, window.source


def _sentence(group: Sequence[BlindWindow], language: str, now: datetime) -> str:
    words, first = _WORDS[language], group[0]
    source = words["source"].format(source=first.source) if first.source else ""
    title = blind_words.title(first.cause, language)
    meaning = blind_words.meaning(first.cause, language)
    return f"{title}{source} {_when(group, language, now)}{words['colon']}{meaning}."


def _when(group: Sequence[BlindWindow], language: str, now: datetime) -> str:
    words = _WORDS[language]
    ordered = sorted(group, key=lambda window: window.begin)
    if len(ordered) > SHOWN:
        end = max(window.until(now) for window in ordered)
        return words["many"].format(
            count=len(ordered),
            begin=wording.instant(ordered[0].begin, language),
            end=wording.instant(end, language),
        )
    return ", ".join(
        words["open" if window.end is None else "interval"].format(
            begin=wording.instant(window.begin, language),
            end=wording.instant(window.until(now), language),
        )
        for window in ordered
    )
