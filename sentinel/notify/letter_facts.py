"""What a letter says of its case: only what the record holds, and nothing about other persons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sentinel.config import Organisation
from sentinel.domain.affected import Affected, AffectedPerson
from sentinel.domain.incident import Authority, FilingKind, Incident, Outcome, Security
from sentinel.notify import wording
from sentinel.notify.letter_blocks import missing
from sentinel.notify.letter_fragments import (
    Category,
    Fragment,
    gather,
    read_categories,
    read_findings,
    read_fragment,
)
from sentinel.notify.measures import Measure, measures_of
from sentinel.notify.told_categories import told_categories

_INFORMED = {Authority.INITIAL, Authority.COMPLETE}
_ARTICLES = ("Le ", "La ", "Les ", "L’", "Un ", "Une ", "Des ", "Nous ", "The ", "A ", "An ", "We ")
_ACT = re.compile(r"(?:Mise|[A-ZÀ-Ý][a-zà-ÿ]+(?:tion|sion|ment|age|ture|rait|xion|rêt))\b")
_YES = {"yes", "oui", "true"}
_NO = {"no", "non", "false"}


class Told(msgspec.Struct, frozen=True):
    """A measure as a letter tells it: ``when`` ends with a colon, or is empty."""

    when: str
    text: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter is about. ``findings``: slugs of the rules whose alerts made the case.

    ``affected``: the persons as counted. ``person``: the one addressed, for a letter of her own.
    ``public``: not a letter but a communication to everybody (GDPR art. 34(3)(c)).
    """

    incident: Incident
    affected: Affected | None
    organisation: Organisation
    findings: Sequence[str] = ()
    person: AffectedPerson | None = None
    public: bool = False


def letter_context(subject: Subject, language: str, letters: Path) -> dict[str, object]:
    """Return the names that the block templates know. Raises ContentError."""
    incident, affected = subject.incident, subject.affected
    organisation = subject.organisation
    kind = read_fragment(letters, kind_of(incident))
    table = read_categories(letters)
    found = read_findings(letters, subject.findings)
    touched = _touched(subject)
    touched.update(name for owner in (kind, *found) for name in owner.data)
    known = [table[name] for name in table if name in touched]
    facts = _facts(incident, kind, language)
    detected = incident.detected_at
    gathered = gather(letters, kind, found, known, facts, language)
    return {
        "missing": missing(language),
        "organisation": organisation.name,
        "website": organisation.website,
        "dpo": organisation.dpo.model_dump(),
        "public": subject.public,
        "child": kind.child,
        "when": _when(incident, affected, language),
        "detected": wording.period(detected, detected, language) if detected else "",
        "contained": incident.security is not Security.OPEN,
        "categories": sorted(touched),
        **_data(table, touched, language, child=kind.child),
        "reached": _reached(subject.person, language),
        "lead": gathered.lead,
        "effects": gathered.effects,
        "misuse": gathered.misuse,
        "advice": gathered.advice,
        "measures": [_told(measure, language) for measure in measures_of(incident.answers)],
        "authority": _authority(incident),
        "informed_on": _informed_on(incident, language),
        "story": str(incident.answers.get(f"letter.story.{language}") or ""),
        **_askers(facts, kind, language),
    }


def kind_of(incident: Incident) -> str:
    """Return the folder of the letters of this case; it may not exist."""
    return incident.kind.replace("-", "_")


def _touched(subject: Subject) -> set[str]:
    affected, person = subject.affected, subject.person
    if person is not None and person.categories:
        touched = set(person.categories)
    else:
        touched = set(affected.categories if affected else subject.incident.categories)
        more = subject.incident.answers.get("letter.categories")
        touched |= {str(one) for one in more} if isinstance(more, list) else set()
    return told_categories(touched)


def _data(
    table: Mapping[str, Category], touched: set[str], language: str, *, child: bool
) -> dict[str, object]:
    # A category that nobody put into words must not vanish from the letter.
    absent = [missing(language)(name) for name in sorted(touched - table.keys())]
    told = {name: category.told(language, child=child) for name, category in table.items()}
    return {
        "concerned": [words for name, words in told.items() if name in touched] + absent,
        "not_concerned": [
            words
            for name, words in told.items()
            if name not in touched and table[name].usual
        ],
    }  # fmt: skip


def _facts(incident: Incident, kind: Fragment, language: str) -> dict[str, str]:
    """Return what the case says of the facts that its kind asks for (``letter.<fact>[.<fr>]``)."""
    found: dict[str, str] = {}
    for name in kind.facts:
        for key in (f"letter.{name}.{language}", f"letter.{name}"):
            value = incident.answers.get(key)
            if value not in {None, ""} and not isinstance(value, dict | list):
                word = str(value).strip().rstrip(".")
                low = word.lower()
                found[name] = "yes" if low in _YES else "no" if low in _NO else word
                break
    return found


def _askers(
    facts: Mapping[str, str], kind: Fragment, language: str
) -> dict[str, Callable[[str], object]]:
    def fact(name: str) -> str:
        words = kind.facts.get(name)
        return facts.get(name) or missing(language)(words.of(language) if words else name)

    return {
        "fact": fact,
        "yes": lambda name: facts.get(name) == "yes",
        "no": lambda name: facts.get(name) == "no",
        "unknown": lambda name: facts.get(name) == "unknown",
    }


def _reached(person: AffectedPerson | None, language: str) -> str:
    """Say when this person's data were reached, by the logs."""
    if person is None:
        return ""
    when = wording.period(person.first, person.last, language)
    count = wording.number(person.accesses, language)
    plural = person.accesses > 1
    if language == "fr":
        accesses = f"{count} accès" if plural else "un accès"
        return f"Pour vous, nos journaux montrent {accesses} à ces données, {when}."
    accesses = f"{count} accesses" if plural else "one access"
    return f"For you, our logs show {accesses} to these data, {when}."


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
        if text.startswith(_ARTICLES) or _ACT.match(text):
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
