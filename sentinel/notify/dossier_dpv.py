"""A dossier as linked data: JSON-LD in terms of the W3C Data Privacy Vocabulary.

The DPV has no class ``dpv:DataBreach``: a personal data breach is ``eu-gdpr:DataBreach`` and its
three kinds stand below it. The terms, version 2.1, stand in ``notifiers/cnil/dpv.yml``.
"""

from __future__ import annotations

from pathlib import Path

from sentinel.content import content_dir
from sentinel.legal.forms import load_form
from sentinel.notify.content_model import Content
from sentinel.notify.dossier import Dossier, codes_of, is_not_applicable, is_unknown
from sentinel.notify.dossier_words import show
from sentinel.yaml_file import read_yaml

Node = dict[str, object]


class Terms(Content):
    """``notifiers/cnil/dpv.yml``."""

    version: str
    context: dict[str, str]
    notices: dict[str, str]
    nature: dict[str, str]
    risk: dict[str, str]
    persons: dict[str, str]
    exemptions: dict[str, str]
    late: str


def load_terms(notifiers: Path | None = None) -> Terms:
    """Return the terms in force. Raises ContentError."""
    return read_yaml((notifiers or content_dir("notifiers")) / "cnil" / "dpv.yml").validate(Terms)


def json_ld(dossier: Dossier, notifiers: Path | None = None) -> Node:
    """Return the dossier as one JSON-LD document, with its context inside: nothing is fetched.

    What is unknown is absent. Texts are those of the form, in French.
    """
    terms = load_terms(notifiers)
    answers = dossier.answers
    breach: Node = {
        "@id": f"urn:sentinel:breach:{dossier.reference}",
        "@type": ["eu-gdpr:DataBreach", *_terms(terms.nature, answers.get("b.nature"))],
        "dct:identifier": dossier.reference,
        "dct:description": _text(dossier, "b.description"),
        "dct:temporal": _span(dossier),
        "dpv:hasDataController": _controller(dossier),
        "dpv:hasDataSubject": _persons(dossier, terms),
        "dpv:hasPersonalData": _data(dossier),
        "dpv:hasImpact": _labels(dossier, "q.impacts", "dpv:Impact"),
        "dpv:hasTechnicalOrganisationalMeasure": _measures(dossier),
        "dpv:hasImpactAssessment": _assessment(dossier, terms),
        "dpv:hasNotice": _notice(dossier, terms),
        "dpv:hasJustification": _exemption(dossier, terms),
    }
    return {"@context": terms.context, **_without_empty(breach)}


def _notice(dossier: Dossier, terms: Terms) -> Node:
    late = dossier.late and isinstance(dossier.answers.get("t.late_reasons"), str)
    return _without_empty(
        {
            "@type": terms.notices[dossier.kind],
            "dct:created": _instant(dossier.created_at),
            "dct:identifier": f"sha256:{dossier.sha256}",
            "dct:isVersionOf": dossier.previous.number if dossier.previous else None,
            "dpv:hasAuthority": {"@type": "dpv:DataProtectionAuthority", "dpv:hasName": "CNIL"},
            "dpv:hasJustification": {
                "@type": terms.late,
                "dct:description": _text(dossier, "t.late_reasons"),
            }
            if late
            else None,
        }
    )


def _controller(dossier: Dossier) -> Node | None:
    name = _text(dossier, "c.name")
    if not name:
        return None
    return _without_empty(
        {
            "@type": "dpv:DataController",
            "dpv:hasName": name,
            "dpv:hasIdentifier": _text(dossier, "c.siren"),
            "dpv:hasAddress": _text(dossier, "c.address"),
            "dpv:hasDataProtectionOfficer": _officer(dossier),
        }
    )


def _officer(dossier: Dossier) -> Node | None:
    told = dossier.answers.get("c.dpo")
    if not isinstance(told, dict) or not told.get("name"):
        return None
    contact = [str(told[key]) for key in ("email", "phone") if told.get(key)]
    return _without_empty(
        {
            "@type": "dpv:DataProtectionOfficer",
            "dpv:hasName": told["name"],
            "dpv:hasContact": contact,
        }
    )


def _persons(dossier: Dossier, terms: Terms) -> Node | None:
    answer = dossier.answers.get("p.categories")
    count = dossier.answers.get("p.count")
    types = _terms(terms.persons, answer) or ["dpv:DataSubject"]
    if not codes_of(answer) and not isinstance(count, int):
        return None
    return _without_empty({"@type": types, "dct:extent": count if isinstance(count, int) else None})


def _data(dossier: Dossier) -> list[Node]:
    records = dossier.answers.get("d.records")
    found = _labels(dossier, "d.categories", "dpv:PersonalData")
    if found and isinstance(records, int):
        found.append({"@type": "dpv:PersonalData", "dct:extent": records})
    return found


def _measures(dossier: Dossier) -> list[Node]:
    fields = ("m.taken", "m.planned", "m.prevent")
    return [one for field in fields for one in _labels(dossier, field, _MEASURE)]


def _assessment(dossier: Dossier, terms: Terms) -> Node | None:
    status = _terms(terms.risk, dossier.answers.get("q.risk"))
    text = _text(dossier, "q.risk_reasoning")
    if not status and not text:
        return None
    return _without_empty(
        {
            "@type": "dpv:DataBreachImpactAssessment",
            "dpv:hasAuditStatus": [{"@id": one} for one in status],
            "dct:description": text,
        }
    )


def _exemption(dossier: Dossier, terms: Terms) -> list[Node]:
    found = _terms(terms.exemptions, dossier.answers.get("i.reason_no"))
    return [{"@type": one} for one in found]


def _span(dossier: Dossier) -> str:
    start, end = (dossier.answers.get(field) for field in ("t.start", "t.end"))
    told = [one if isinstance(one, str) else ".." for one in (start, end)]
    return "" if told == ["..", ".."] else "/".join(told)


def _terms(table: dict[str, str], answer: object) -> list[str]:
    return [table[code] for code in codes_of(answer) if code in table]


def _labels(dossier: Dossier, field_id: str, kind: str) -> list[Node]:
    answer = dossier.answers.get(field_id)
    if is_unknown(answer) or is_not_applicable(answer):
        return []
    field = load_form(dossier.form).field(field_id)
    return [{"@type": kind, "dct:title": one} for one in show(field, answer, "fr").lines]


def _text(dossier: Dossier, field_id: str) -> str:
    answer = dossier.answers.get(field_id)
    return answer if isinstance(answer, str) else ""


def _instant(text: str) -> Node:
    return {"@type": "xsd:dateTime", "@value": text}


def _without_empty(node: Node) -> Node:
    return {key: value for key, value in node.items() if value not in (None, "", [], {})}


_MEASURE = "dpv:TechnicalOrganisationalMeasure"
