"""What the case record itself answers on the CNIL form. Facts only: no intent, no risk."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from sentinel.clock import isoformat
from sentinel.config import Organisation, Person
from sentinel.domain.affected import Affected
from sentinel.domain.blind import BlindWindow
from sentinel.domain.incident import Incident, Legal, Outcome, Persons, Security
from sentinel.legal.forms import Form
from sentinel.notify import wording
from sentinel.notify.dossier_limits import limits_text
from sentinel.notify.dossier_mapping import FormMapping, of_kind
from sentinel.notify.templates import Templates, one_line
from sentinel.notify.told_categories import told_categories
from sentinel.yaml_file import read_yaml

_SOURCES = {
    "alert": ("La surveillance des accès", "The monitoring of accesses"),
    "phone": ("Un appel téléphonique", "A telephone call"),
    "email": ("Un courriel", "An e-mail"),
    "person": ("Une personne", "A person"),
    "processor": ("Un sous-traitant", "A processor"),
}
_PARIS = ZoneInfo("Europe/Paris")
_BANDS = ((5, "0_5"), (50, "6_50"), (300, "51_300"), (5000, "301_5000"))
_CONFIRMED = {Legal.BREACH_CONFIRMED, Legal.QUALIFIED}
_RISK = {Outcome.REGISTER: "unlikely", Outcome.AUTHORITY: "risk", Outcome.HIGH_RISK: "high"}
_PERSONS = {Persons.DUE: "soon", Persons.INFORMED: "yes", Persons.EXEMPT: "no"}


class Case(msgspec.Struct, frozen=True):
    """What is known when a dossier is prepared. ``now``: UTC.

    ``language``: of the sentences made from the record; the authority's form is French.
    """

    incident: Incident
    affected: Affected | None
    organisation: Organisation
    now: datetime
    notifiers: Path
    limits: tuple[BlindWindow, ...] = ()
    language: str = "fr"

    @property
    def first(self) -> datetime | None:
        """First access: what a person recorded, or what the logs show."""
        seen = self.affected.first if self.affected else None
        return self.incident.occurred_from or seen

    @property
    def last(self) -> datetime | None:
        """Last access: what a person recorded, or what the logs show."""
        seen = self.affected.last if self.affected else None
        return self.incident.occurred_to or seen

    @property
    def subjects(self) -> int:
        """Number of distinct data subjects."""
        return len(self.affected.subjects if self.affected else self.incident.subjects)

    @property
    def records(self) -> int:
        """Number of records; records are not persons."""
        return self.affected.record_count if self.affected else self.incident.record_count

    @property
    def categories(self) -> list[str]:
        """Categories of data, ours."""
        seen = self.affected.categories if self.affected else self.incident.categories
        return sorted(told_categories(seen))

    @property
    def contained(self) -> bool:
        """Whether the incident was contained."""
        return self.incident.security is not Security.OPEN


def facts(case: Case, form: Form) -> dict[str, object]:
    """Return the answers, by field of ``form``, that the record supports; the rest is absent.

    Raises ContentError where the mapping or the description's template is wrong.
    """
    mapping = read_yaml(case.notifiers / "cnil" / f"{form.id}.yml").validate(FormMapping)
    kind = case.incident.kind.replace("-", "_")
    found: dict[str, object] = {
        "n.internal_ref": case.incident.reference,
        "b.description": _description(case),
        **_organisation(case.organisation),
        **_timeline(case),
        **_persons_and_data(case, mapping, form),
        **of_kind(mapping, kind, case.language),
        "q.risk": _RISK.get(case.incident.outcome),
        "i.status": _PERSONS.get(case.incident.persons),
    }
    return {field: answer for field, answer in found.items() if answer not in (None, "", [])}


def _organisation(organisation: Organisation) -> dict[str, object]:
    dpo, declarant = organisation.dpo, organisation.declarant
    if not declarant.name:
        declarant = dpo
    is_dpo = bool(declarant.name) and declarant.name == dpo.name
    return {
        "c.name": organisation.name,
        "c.siren": organisation.siren,
        "c.address": organisation.address,
        "c.sector": organisation.sector,
        "c.declarant": _person(declarant),
        "c.declarant_role": "dpo" if is_dpo else ("authorised" if declarant.name else None),
        "c.dpo": _person(dpo),
    }


def _person(person: Person) -> dict[str, str] | None:
    told = {
        "name": person.name,
        "title": person.title,
        "email": person.email,
        "phone": person.phone,
    }
    return {key: value for key, value in told.items() if value} or None


def _timeline(case: Case) -> dict[str, object]:
    incident = case.incident
    confirmed = incident.legal in _CONFIRMED or incident.aware_at is not None
    return {
        "t.occurrence_mode": _occurrence_mode(case),
        "t.start": _iso(case.first),
        "t.end": _iso(case.last) if case.contained else None,
        "t.in_progress": False if case.contained else None,
        "t.established": "established" if confirmed else "supposed",
        "t.awareness": _iso(incident.aware_at),
        "t.awareness_basis": incident.aware_basis,
        "t.discovery_mode": _discovery(incident, case.language),
        "t.processor_informed_at": _iso(incident.processor_informed_at),
    }


def _occurrence_mode(case: Case) -> str | None:
    if case.first is None or case.last is None or not case.contained:
        return None
    same_day = case.first.astimezone(_PARIS).date() == case.last.astimezone(_PARIS).date()
    return "day" if same_day else "range"


def _discovery(incident: Incident, language: str) -> dict[str, str] | None:
    if incident.processor_informed_at is not None:
        return {"code": "processor"}
    if incident.detected_at is None or incident.channel != "alert":
        return None  # who told us is a question to a person
    told = wording.instant(incident.detected_at, language)
    french = f"alerte de la surveillance des accès, le {told}"
    english = f"alert of the monitoring of accesses, on {told}"
    return {"code": "controller", "text": english if language == "en" else french}


def _persons_and_data(case: Case, mapping: FormMapping, form: Form) -> dict[str, object]:
    codes = [mapping.data_categories[c] for c in case.categories if c in mapping.data_categories]
    known = len(codes) == len(case.categories) > 0
    texts = [told for entry in codes if (told := entry.told(case.language))]
    between = "; " if case.language == "en" else " ; "
    chosen = {entry.code for entry in codes}
    order = [option.code for option in form.field("d.categories").options]
    data: dict[str, object] = {"codes": [code for code in order if code in chosen]}
    if texts:
        data["text"] = between.join(texts)
    counted: dict[str, object] = {}
    if case.subjects:
        counted = {
            "p.categories": ["customer"],
            "p.count": case.subjects,
            "p.count_mode": "approx",
            "p.count_band": _band(case.subjects),
        }
    return {
        **counted,
        "d.categories": ({**data, "text": between.join(texts)} if texts else data)
        if known
        else None,
        "d.records": case.records or None,
    }


def _band(count: int) -> str:
    return next((code for most, code in _BANDS if count <= most), "5001_")


def _description(case: Case) -> str:
    templates = Templates(case.notifiers / "cnil", finalize=one_line)
    templates.add_filter("number", wording.number)
    incident, language = case.incident, case.language
    source = _SOURCES.get(incident.channel, _SOURCES["person"])

    def said(moment: datetime | None) -> str:
        return wording.instant(moment, language) if moment else ""

    text = templates.render(
        f"description.{language}.txt.j2",
        {
            "source": source[1 if language == "en" else 0],
            "title": incident.title.rstrip("."),
            "detected": said(incident.detected_at),
            "first": said(case.first),
            "last": said(case.last),
            "actors": len(incident.actors),
            "subjects": case.subjects,
            "records": case.records,
            "unlisted": case.affected.unlisted_records if case.affected else 0,
            "contained": case.contained,
            "limits": limits_text(case.limits, language, case.now),
        },
    )
    return wording.typographic(" ".join(text.split("\n")).strip(), language)


def _iso(moment: datetime | None) -> str | None:
    return isoformat(moment) if moment else None
