"""What a letter says of its case: only what the record holds, and nothing about other persons."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.domain.affected import Affected
from sentinel.domain.incident import Authority, FilingKind, Incident, Outcome, Security
from sentinel.notify import wording
from sentinel.notify.content_model import Content
from sentinel.notify.letter_blocks import missing
from sentinel.notify.measures import Measure, measures_of
from sentinel.yaml_file import read_yaml

_INFORMED = {Authority.INITIAL, Authority.COMPLETE}
_ARTICLES = ("Le ", "La ", "Les ", "L’", "Un ", "Une ", "Des ", "Nous ", "The ", "A ", "An ", "We ")


class Words(Content):
    """A phrase in both languages."""

    fr: str
    en: str

    def of(self, language: str) -> str:
        """Return the phrase in ``fr`` or ``en``."""
        return self.fr if language == "fr" else self.en


class CategoryFile(Content):
    """``notifiers/letters/categories.yml``."""

    categories: dict[str, Words]


class Told(msgspec.Struct, frozen=True):
    """A measure as a letter tells it: ``when`` ends with a colon, or is empty."""

    when: str
    text: str


def letter_context(
    incident: Incident,
    affected: Affected | None,
    organisation: Organisation,
    language: str,
    letters: Path,
) -> dict[str, object]:
    """Return the names that the block templates know. Raises ContentError."""
    table = read_yaml(letters / "categories.yml").validate(CategoryFile).categories
    touched = set(affected.categories if affected else incident.categories)
    if "contact" in touched:
        touched.add("identity")  # an address or a number in a file stands beside a name
    # A category that nobody put into words must not vanish from the letter.
    absent = [missing(language)(name) for name in sorted(touched - table.keys())]
    detected = incident.detected_at
    return {
        "missing": missing(language),
        "organisation": organisation.name,
        "website": organisation.website,
        "dpo": organisation.dpo.model_dump(),
        "when": _when(incident, affected, language),
        "detected": wording.period(detected, detected, language) if detected else "",
        "contained": incident.security is not Security.OPEN,
        "categories": sorted(touched),
        "concerned": [w.of(language) for name, w in table.items() if name in touched] + absent,
        "not_concerned": [w.of(language) for name, w in table.items() if name not in touched],
        "measures": [_told(measure, language) for measure in measures_of(incident.answers)],
        "authority": _authority(incident),
        "informed_on": _informed_on(incident, language),
        "story": str(incident.answers.get(f"letter.story.{language}") or ""),
    }


def _when(incident: Incident, affected: Affected | None, language: str) -> str:
    first: datetime | None = incident.occurred_from or (affected.first if affected else None)
    last: datetime | None = incident.occurred_to or (affected.last if affected else None)
    if first is None:
        return ""
    told = wording.period(first, last or first, language)
    return told[:1].upper() + told[1:]


def _told(measure: Measure, language: str) -> Told:
    text = measure.text(language)
    when = ""
    if measure.at is not None:
        colon = " : " if language == "fr" else ": "
        when = f"{wording.day(measure.at, language)}{colon}"
        if text.startswith(_ARTICLES):
            text = text[:1].lower() + text[1:]
    return Told(when, f"{text}." if text else "")


def _informed_on(incident: Incident, language: str) -> str:
    """Return the day of the first filing in words, or nothing."""
    days = [one.filed_at for one in incident.filings if one.kind is not FilingKind.WITHDRAW]
    return wording.day(min(days), language) if days else ""


def _authority(incident: Incident) -> str:
    if incident.authority in _INFORMED:
        return "informed"
    if incident.authority is Authority.DUE:
        return "due"
    return "register" if incident.outcome is Outcome.REGISTER else "unknown"
