"""What was done about an incident, as the case records it (field ``m.taken`` of the CNIL form).

The answer is a text, or a list whose items are texts or
``{"at": "2026-03-02T09:10:00Z", "fr": "...", "en": "..."}`` (``text`` stands for both languages).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

FIELD = "m.taken"


class Measure(msgspec.Struct, frozen=True):
    """One measure. ``at``: when it was taken (UTC), or None. ``texts``: by language."""

    at: datetime | None
    texts: dict[str, str]

    def text(self, language: str) -> str:
        """Return the measure in ``language``; empty where it was never written in it."""
        return self.texts.get(language, "")


def measures_of(answers: Mapping[str, object]) -> list[Measure]:
    """Return the measures of a case, oldest first, undated ones last."""
    answer = answers.get(FIELD)
    items = answer if isinstance(answer, list) else [answer]
    found = [measure for measure in map(_measure, items) if measure is not None]
    dated = sorted((m for m in found if m.at), key=lambda m: (m.at is None, m.at))
    return [*dated, *(m for m in found if m.at is None)]


def _measure(item: object) -> Measure | None:
    if isinstance(item, str):
        text = item.strip().rstrip(".")
        return Measure(None, {"fr": text, "en": text}) if text else None
    if not isinstance(item, Mapping):
        return None
    both = str(item.get("text", "")).strip()
    texts = {
        language: str(item.get(language) or both).strip().rstrip(".") for language in ("fr", "en")
    }
    texts = {language: text for language, text in texts.items() if text}
    at = _instant(item.get("at"))
    return Measure(at, texts) if texts else None


def _instant(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
