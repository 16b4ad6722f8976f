"""What a case can tell somebody outside, part by part: each gets the parts that are theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from sentinel.config import Organisation
from sentinel.content import content_dir
from sentinel.domain.incident import Incident, Security
from sentinel.legal.forms import load_form
from sentinel.notify import wording
from sentinel.notify.dossier_facts import Case, facts
from sentinel.notify.dossier_words import tell
from sentinel.notify.paper import Section


class Part(StrEnum):
    """A part of what is known."""

    FACTS = "facts"
    TIMES = "times"
    NATURE = "nature"
    PERSONS = "persons"
    DATA = "data"
    CONSEQUENCES = "consequences"
    MEASURES = "measures"
    CONTACT = "contact"


HEADINGS: Mapping[Part, tuple[str, str]] = MappingProxyType(
    {
        Part.FACTS: ("Ce qui s’est passé", "What happened"),
        Part.TIMES: ("Dates", "Dates"),
        Part.NATURE: ("Nature de la violation", "Nature of the breach"),
        Part.PERSONS: ("Personnes concernées", "Persons concerned"),
        Part.DATA: ("Données concernées", "Data concerned"),
        Part.CONSEQUENCES: ("Conséquences probables", "Likely consequences"),
        Part.MEASURES: ("Mesures prises et proposées", "Measures taken and proposed"),
        Part.CONTACT: ("Point de contact", "Point of contact"),
    }
)
NOT_KNOWN = {
    "fr": "Cette information n’est pas encore connue ; elle suivra.",
    "en": "This is not known yet; it will follow.",
}
OFFICER = "Data protection officer"
_FIELDS: Mapping[Part, tuple[str, ...]] = MappingProxyType(
    {
        Part.NATURE: ("b.nature", "b.origin"),
        Part.PERSONS: ("p.categories",),
        Part.DATA: ("d.categories",),
        Part.CONSEQUENCES: ("q.impacts", "q.conf", "q.integ", "q.avail"),
        Part.MEASURES: ("m.taken", "m.planned"),
    }
)
_TIMES = (
    ("occurred_from", "Début", "Began"),
    ("occurred_to", "Fin", "Ended"),
    ("detected_at", "Détection", "Detected"),
    ("aware_at", "Prise de connaissance", "Aware"),
)


class Told:
    """The parts of one case, in one language."""

    def __init__(
        self,
        incident: Incident,
        organisation: Organisation,
        language: str,
        now: datetime,
        notifiers: Path | None = None,
    ) -> None:
        self._incident, self._organisation, self._language = incident, organisation, language
        self._form = load_form()
        folder = notifiers or content_dir("notifiers")
        case = Case(incident, incident.affected, organisation, now, folder, language=language)
        found = facts(case, self._form)
        self._answers = found | {k: v for k, v in incident.answers.items() if v is not None}

    def heading(self, part: Part) -> str:
        """Return the title of a part."""
        return HEADINGS[part][0 if self._language == "fr" else 1]

    def section(self, part: Part, bare: Callable[[str], str]) -> Section:
        """Return a part as a section, through ``bare``, which takes identifiers out.

        The point of contact is told as it is. What is not known yet is said.
        """
        lines = self.lines(part)
        if part is Part.CONTACT:
            return Section(heading=self.heading(part), lines=lines or (NOT_KNOWN[self._language],))
        told = tuple(bare(one) for one in lines)
        if len(told) > 1 and part is not Part.FACTS:
            return Section(heading=self.heading(part), items=told)
        return Section(heading=self.heading(part), lines=told or (NOT_KNOWN[self._language],))

    def lines(self, part: Part) -> tuple[str, ...]:
        """Return what is known of a part; empty where nothing is."""
        if part is Part.FACTS:
            return self._facts()
        if part is Part.TIMES:
            return self._times()
        if part is Part.CONTACT:
            return self._contact()
        lines = [one for field in _FIELDS[part] for one in self._shown(field)]
        counted = {Part.PERSONS: "p.count", Part.DATA: "d.records"}.get(part)
        if counted is not None and isinstance(self._answers.get(counted), int):
            lines.append(self._number(part, int(str(self._answers[counted]))))
        return tuple(lines)

    def _facts(self) -> tuple[str, ...]:
        incident = self._incident
        contained = incident.security is not Security.OPEN
        if self._language == "fr":
            state = (
                "L’incident est contenu." if contained else "L’incident n’est pas encore contenu."
            )
        else:
            state = "The incident is contained." if contained else "It is not contained yet."
        return (f"{incident.title.rstrip('.')}.", state)

    def _times(self) -> tuple[str, ...]:
        colon = f"{wording.NO_BREAK}: " if self._language == "fr" else ": "
        return tuple(
            f"{french if self._language == 'fr' else english}{colon}"
            f"{wording.instant(instant, self._language)}"
            for name, french, english in _TIMES
            if (instant := getattr(self._incident, name)) is not None
        )

    def _contact(self) -> tuple[str, ...]:
        officer = self._organisation.dpo
        # The title in the settings is in one language; whom the notice names is the officer.
        title = officer.title if self._language == "fr" else OFFICER if officer.name else ""
        told = [one for one in (officer.name, title, officer.email, officer.phone) if one]
        return (", ".join(told),) if told else ()

    def _shown(self, field_id: str) -> tuple[str, ...]:
        answer = self._answers.get(field_id)
        if answer is None:
            return ()
        return tell(self._form.field(field_id), answer, self._language)

    def _number(self, part: Part, count: int) -> str:
        number = wording.number(count, self._language)
        words = ("personne", "person") if part is Part.PERSONS else ("enregistrement", "record")
        plural = "" if count == 1 else "s"
        if self._language == "fr":
            return f"Environ {number} {words[0]}{plural}." if plural else f"1 {words[0]}."
        return f"About {number} {words[1]}{plural}." if plural else f"1 {words[1]}."
